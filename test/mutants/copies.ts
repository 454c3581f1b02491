/** Copies of the tree in which code is broken and tests run, so that nothing has to be reverted. */
import { spawn } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

/** Two copies below `.tmp`, and what removes them. */
export const make = (folder: string) => {
  const clear = () => rmSync(join(root, ".tmp", folder), { recursive: true, force: true })
  clear()
  const copies = [0, 1].map((n) => join(root, ".tmp", folder, String(n)))
  for (const copy of copies) {
    mkdirSync(copy, { recursive: true })
    for (const name of ["src", "test", "examples", "package.json", "tsconfig.json", "vitest.config.ts"]) {
      cpSync(join(root, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  }
  return { copies, clear }
}

export interface Ended {
  readonly output: string
  /** Null if it had to be killed. */
  readonly code: number | null
}

/** Breaks a file of the copy while the tests run in it. */
export const broken = async (
  copy: string,
  file: string,
  breaks: (text: string) => string,
  run: () => Promise<Ended>
): Promise<Ended> => {
  const path = join(copy, file)
  const text = readFileSync(path, "utf8")
  writeFileSync(path, breaks(text))
  try {
    return await run()
  } finally {
    writeFileSync(path, text)
  }
}

/** Runs vitest in a copy. Returns the printed text and the exit code. */
export const vitest = (copy: string, options: {
  readonly args: ReadonlyArray<string>
  readonly url: string
  /** Milliseconds. */
  readonly limit: number
}): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [
      join(copy, "node_modules", "vitest", "vitest.mjs"),
      "run",
      ...options.args,
      // A test that hangs ends sooner. No test takes half of this time.
      "--testTimeout=30000",
      "--no-color"
    ], {
      cwd: copy,
      env: { ...process.env, DATABASE_URL: options.url },
      detached: true, // a process group of its own, with what it starts
      stdio: ["ignore", "pipe", "pipe"]
    })
    const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), options.limit)
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => output += text)
    child.on("close", (code) => {
      clearTimeout(timer)
      resolve({ output, code })
    })
  })
