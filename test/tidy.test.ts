/** The house rules, applied to every file; and each rule tried on a sample that breaks it. */
import { assert, describe, it } from "vitest"
import { defaults } from "../src/worker/start/Settings.ts"
import { catalogue, inserted } from "./scripts/error-catalogue.ts"
import { files, parse, read } from "./scripts/source.ts"
import * as Tidy from "./scripts/tidy-rules.ts"

/** Exceptions, each with its reason. An entry that is no longer needed fails the test too. */
const allowed: ReadonlyArray<{ readonly path: string; readonly found: string; readonly reason: string }> = [
  { path: "src/testing/Faults.ts", found: "process.kill", reason: "a fault plan kills the process of a fault run" }
]

const everywhere = ["src", "test", "examples"].flatMap((folder) => files(folder, ".ts"))
  .filter((path) => !path.endsWith(".d.ts"))
const library = everywhere.filter((path) => path.startsWith("src/"))

const rules: ReadonlyArray<{
  readonly promise: string
  readonly rule: Tidy.Rule
  readonly on: ReadonlyArray<string>
  readonly caught: ReadonlyArray<string>
  readonly passed: ReadonlyArray<string>
}> = [
  {
    promise: `no file is longer than ${Tidy.maximumLines} lines`,
    rule: Tidy.shortFile,
    on: everywhere,
    caught: ["\n".repeat(Tidy.maximumLines) + "export {}"],
    passed: ["\n".repeat(Tidy.maximumLines - 1) + "export {}"]
  },
  {
    promise: `no function is longer than ${Tidy.maximumFunctionLines} lines`,
    rule: Tidy.shortFunctions,
    on: everywhere,
    caught: [
      `const f = () => {${"\nf()".repeat(Tidy.maximumFunctionLines)}\n}`,
      `const g = () => Effect.gen(function*() {${"\nyield* f".repeat(Tidy.maximumFunctionLines)}\n})`
    ],
    passed: [
      `const f = () => {${"\nf()".repeat(Tidy.maximumFunctionLines - 2)}\n}`,
      `const tables = () => [\`${"create table t ()\n".repeat(Tidy.maximumFunctionLines)}\`]`,
      `const make = () => {${`\nconst g = () => {${"\nf()".repeat(20)}\n}`.repeat(8)}\n}`
    ]
  },
  {
    promise: "every module of src opens with a paragraph",
    rule: Tidy.header,
    on: library,
    caught: ["export {}", "// A comment of one line that is long enough.\nexport {}", "/** @since 0.1.0 */\nexport {}"],
    passed: ["/**\n * What it is for and what it guarantees.\n *\n * @since 0.1.0\n */\nexport {}"]
  },
  {
    promise: "src runs no effects and knows no promises, machine clock, dice or console",
    rule: Tidy.onlyEffects,
    on: library,
    caught: [
      "Effect.runPromise(x)",
      "const run = Effect.runForkWith(context)",
      "import { runSync } from \"effect/Effect\"",
      "const f = (): Promise<void> => g()",
      "new Promise(f)",
      "Promise.all([])",
      "const f = async () => {}",
      "Date.now()",
      "new Date()",
      "performance.now()",
      "Math.random()",
      "console.log(1)",
      "setTimeout(f, 1)"
    ],
    passed: [
      "new Date(0)",
      "Effect.tryPromise(() => client.end())",
      "Math.max(1, 2)",
      "// Promise, Date.now(), console.log(1)"
    ]
  },
  {
    promise: "src ends no process and sends no signal",
    rule: Tidy.endsNoProcess,
    on: library,
    caught: ["process.kill(process.pid, \"SIGTERM\")", "process.exit(1)", "process.abort()"],
    passed: ["process.kill(pid, 0)", "process.exitCode", "child.kill(\"SIGKILL\")", "// process.exit(1)"]
  },
  {
    promise: "SQL statements stand in src/postgres/sql and in migrations only",
    rule: Tidy.noStatements,
    on: library,
    caught: [
      "sql`select 1`",
      "sql`\n  insert into ${table} values (1)`",
      "\"delete from x\"",
      "sql`update ${t} set a = 1`"
    ],
    passed: ["\"select\"", "`update the code`", "// select 1", "\"commit\"", "`Use with care: as it is`"]
  },
  {
    promise: "src begins a transaction where its isolation level is named, and nowhere else",
    rule: Tidy.ownLevel,
    on: library,
    caught: ["db.sql.withTransaction(effect)", "sql.withTransaction(effect)"],
    passed: ["db.transaction(effect)", "// sql.withTransaction(effect)", "f(sql.withTransaction)"]
  },
  {
    promise: "one word for one thing: src exports no job, task or event",
    rule: Tidy.oneWord,
    on: library,
    caught: [
      "export const runJob = 1",
      "export interface TaskOptions {}",
      "export class A { get lastEvent() { return 1 } }",
      "export { a as events }"
    ],
    passed: ["const job = 1", "export const eventually = 1", "export interface A { readonly message: string }"]
  }
]

const show = (violation: Tidy.Violation) => `${violation.path}:${violation.line} ${violation.problem}`

describe("house rules", () => {
  const used = new Set<unknown>()
  for (const { caught, on, passed, promise, rule } of rules) {
    it(promise, () => {
      for (const sample of caught) {
        assert.notEqual(rule(parse("src/Sample.ts", sample)).length, 0, `not caught: ${sample}`)
      }
      for (const sample of passed) {
        assert.deepEqual(rule(parse("src/Sample.ts", sample)), [], `not a violation: ${sample}`)
      }
      const violations = on.flatMap((path) => rule(parse(path, read(path)))).filter((violation) => {
        const entry = allowed.find((entry) => entry.path === violation.path && entry.found === violation.found)
        used.add(entry)
        return entry === undefined
      })
      assert.deepEqual(violations.map(show), [])
    })
  }

  it("keeps no exception that nothing needs", () => {
    assert.deepEqual(allowed.filter((entry) => !used.has(entry)), [])
  })

  it("gives no two files of src the same base name", () => {
    assert.deepEqual(Tidy.sharedNames(["src/A.ts", "src/b/A.ts", "src/index.ts", "src/b/index.ts"]), [
      "A.ts: src/A.ts, src/b/A.ts"
    ])
    assert.deepEqual(Tidy.sharedNames(library), [])
  })

  it("has every setting of a worker in the table of README.md, with the default of the code", () => {
    const rows = new Map(
      [...read("README.md").matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name, value]) => [name, value!.trim()])
    )
    const shown = (value: string | number) =>
      typeof value === "number" && value % 1_048_576 === 0 ? `${value / 1_048_576} MiB` : String(value)
    for (const [name, value] of Object.entries(defaults)) assert.strictEqual(rows.get(name), shown(value), name)
  })

  it("has every error in the catalogue of src/README.md", () => {
    const readme = read("src/README.md")
    assert.equal(readme, inserted(readme, catalogue()), "the catalogue is stale: run `npm run docs:errors`")
  })
})
