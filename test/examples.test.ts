/** Every example runs as its reader would run it and prints what it promises after `// Output:`. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { assert, inject } from "vitest"
import { root } from "./scripts/run.ts"
import { files, read } from "./scripts/source.ts"
import { freshDatabase } from "./setup/database.ts"

const examples = files("examples", ".ts").filter((path) => /^examples\/\d\d-[^/]+\.ts$/.test(path))

/** The comment lines that end the file, after `// Output:`. */
const promised = (source: string): string | undefined => {
  const [, output] = /^\/\/ Output:[^\n]*\n((?:\/\/[^\n]*\n?)*)\s*$/m.exec(source) ?? []
  return output?.split("\n").map((line) => line.replace(/^\/\/ ?/, "").trimEnd()).join("\n").trim()
}

const printed = (path: string, databaseUrl: string) =>
  Effect.callback<string>((resume) => {
    const child = execFile(
      process.execPath,
      ["--conditions=millrace-source", path],
      { cwd: root, timeout: 60_000, env: { ...process.env, DATABASE_URL: databaseUrl, NO_COLOR: "1" } },
      (error, stdout, stderr) =>
        resume(
          error === null
            ? Effect.succeed(stdout)
            : Effect.die(new Error(`${path}: ${error.message}\n${stdout}${stderr}`))
        )
    )
    return Effect.sync(() => child.kill())
  })

it(`finds ${examples.length} examples`, () => {
  assert.equal(promised("x()\n\n// Output:\n// one\n// two\n"), "one\ntwo")
  assert.isUndefined(promised("x()\n"))
})

for (const path of examples) {
  it.live(`${path} prints what it promises`, () =>
    Effect.gen(function*() {
      const expected = promised(read(path))
      assert.isDefined(expected, `${path} does not end in "// Output:" and the lines that it prints`)
      const output = yield* printed(path, yield* freshDatabase(inject("databaseUrl")))
      assert.equal(output.split("\n").map((line) => line.trimEnd()).join("\n").trim(), expected)
    }), 90_000)
}
