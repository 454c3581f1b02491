/**
 * Installs the package as a new user does: the packed tarball into an empty folder, with `effect` and nothing else. It
 * runs one program in memory. Then it installs the optional peers, and runs the same program on PGlite and on Postgres.
 * The program is type checked as a user's project would be.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { givenOrStarted } from "../setup/server.ts"
import { root } from "./run.ts"

const folder = mkdtempSync(join(tmpdir(), "millrace-package-"))
const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const at = (name: string) => `${name}@${devDependencies[name]}`

const run = (cwd: string, command: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", env: { ...process.env, ...env } })
  if (result.status === 0) return result.stdout
  throw new Error(`${command} ${args.join(" ")} ended with ${result.status}\n${result.stdout}${result.stderr}`)
}
const install = (...packages: ReadonlyArray<string>) =>
  run(folder, "npm", ["install", "--silent", "--no-audit", "--no-fund", ...packages])
const program = (layer: "memory" | "embedded" | "postgres", url = "") => {
  const printed = run(folder, process.execPath, ["program.ts", layer], { DATABASE_URL: url }).trim()
  // On SQL stores a warning stands before it: this commit step uses no SQL.
  if (printed.split("\n").at(-1) !== "{ ada: 380 }") {
    throw new Error(`on ${layer} it printed ${JSON.stringify(printed)}`)
  }
  console.log(`works on ${layer}`)
}

/** Starts the program of the image in `examples/deploy`, and ends it as an orchestrator does. */
const longRunning = async (url: string) => {
  cpSync(join(root, "examples/12-webhook-server.ts"), join(folder, "server.ts"))
  const env = { ...process.env, DATABASE_URL: url, MILLRACE_SCHEMA: "image", PORT: "0", WEBHOOK_SECRET: "secret" }
  const child = spawn(process.execPath, ["server.ts"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] })
  const ended = once(child, "close")
  try {
    const port = await new Promise<string>((resolve, reject) => {
      let printed = ""
      child.stdout.on("data", (part) => {
        printed += String(part)
        const [, port] = /Listening on \S+:(\d+)/.exec(printed) ?? []
        if (port !== undefined) resolve(port)
      })
      child.once("close", () => reject(new Error(`the image's program ended:\n${printed}`)))
    })
    const { status } = await fetch(`http://127.0.0.1:${port}/live`)
    if (status !== 204) throw new Error(`the image's program returned ${status} from /live`)
  } finally {
    child.kill("SIGTERM")
  }
  const [code] = await ended
  if (code !== 0) throw new Error(`the image's program ended with ${code} after SIGTERM`)
  console.log("the program of the image starts, and ends by SIGTERM")
}

const server = await givenOrStarted()
try {
  const [packed] = JSON.parse(run(root, "npm", ["pack", "--json", "--silent", "--pack-destination", folder]))
  const tarball = join(folder, packed.filename)
  console.log(
    `${packed.filename}: ${Math.round(statSync(tarball).size / 1024)} KiB packed, ${
      Math.round(packed.unpackedSize / 1024)
    } KiB unpacked, ${packed.entryCount} files`
  )
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "stranger", private: true, type: "module" }))
  cpSync(join(root, "test/scripts/stranger"), folder, { recursive: true })
  install(tarball, at("effect"))
  const alone = Object.keys(JSON.parse(run(folder, "npm", ["ls", "--json"])).dependencies).toSorted()
  if (alone.join() !== "effect,millrace") throw new Error(`more came along: ${alone.join()}`)
  program("memory")
  // The command line brings what it needs, so it runs without the optional peers.
  run(folder, join(folder, "node_modules/.bin/millrace"), ["migrate"], {
    DATABASE_URL: server.url,
    MILLRACE_SCHEMA: "cli"
  })
  run(folder, join(folder, "node_modules/.bin/millrace"), ["status"], {
    DATABASE_URL: server.url,
    MILLRACE_SCHEMA: "cli"
  })
  console.log("the command line works")
  install(at("@effect/sql-pg"), at("@electric-sql/pglite"))
  program("embedded")
  program("postgres", server.url)
  install(at("@effect/platform-node"))
  await longRunning(server.url)
  install(at("typescript"), at("@types/node"))
  run(folder, process.execPath, [join(folder, "node_modules/typescript/bin/tsc"), "--project", "."])
  console.log("type checks")
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}
