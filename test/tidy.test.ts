/** The house rules, applied to every file; and each rule tried on a sample that breaks it. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { defaults } from "../src/worker/start/Settings.ts"
import { Dice } from "./faults/dice.ts"
import { mutants } from "./mutants/mutants.ts"
import { guarantees, type Mutant, stale, unnamed } from "./mutants/types.ts"
import { matrix, withMatrix } from "./scripts/capability-matrix.ts"
import { catalogue, inserted } from "./scripts/error-catalogue.ts"
import { guaranteesTable, withTable } from "./scripts/guarantees-table.ts"
import { banned, beginsWithVerb, check, type Text } from "./scripts/prose-rules.ts"
import { commentsOf, sample } from "./scripts/prose-sample.ts"
import { textsIn } from "./scripts/prose-texts.ts"
import { root } from "./scripts/run.ts"
import { files, parse, read } from "./scripts/source.ts"
import * as Tidy from "./scripts/tidy-rules.ts"
import { needsDatabase } from "./setup/needs.ts"

/** Exceptions, each with its reason. An entry that is no longer needed fails the test too. */
const allowed: ReadonlyArray<{ readonly path: string; readonly found: string; readonly reason: string }> = [
  {
    path: "src/internal/pipeline/CommitRows.ts",
    found: "SQL",
    reason: "The table and its columns are the user's, so no index and no lock of the library stands beside it."
  }
]

const everywhere = ["src", "test", "examples"].flatMap((folder) => [...files(folder, ".ts"), ...files(folder, ".tsx")])
  .filter((path) => !path.endsWith(".d.ts"))
const sources = everywhere.filter((path) => path.startsWith("src/"))
/** The pages run in a browser, with its promises and its clock. The rules about effects are for the rest. */
const library = sources.filter((path) => !path.startsWith("src/dashboard/"))

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
    on: sources,
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

/** Returns what each rule finds in the files that it is about. Each file is parsed once, for all rules. */
const violations = () => {
  const found = new Map(rules.map(({ rule }) => [rule, new Array<Tidy.Violation>()]))
  for (const path of everywhere) {
    const source = parse(path, read(path))
    for (const { on, rule } of rules) if (on === everywhere || on.includes(path)) found.get(rule)!.push(...rule(source))
  }
  return found
}
let found: ReturnType<typeof violations> | undefined

describe("house rules", () => {
  const used = new Set<unknown>()
  for (const { caught, passed, promise, rule } of rules) {
    it(promise, () => {
      for (const sample of caught) {
        assert.notEqual(rule(parse("src/Sample.ts", sample)).length, 0, `not caught: ${sample}`)
      }
      for (const sample of passed) {
        assert.deepEqual(rule(parse("src/Sample.ts", sample)), [], `not a violation: ${sample}`)
      }
      found ??= violations()
      const wrong = found.get(rule)!.filter((violation) => {
        const entry = allowed.find((entry) => entry.path === violation.path && entry.found === violation.found)
        used.add(entry)
        return entry === undefined
      })
      assert.deepEqual(wrong.map(show), [])
    })
  }

  it("keeps no exception that nothing needs", () => {
    assert.deepEqual(allowed.filter((entry) => !used.has(entry)), [])
  })

  it("gives no two files of src the same base name, nor two of test", () => {
    assert.deepEqual(Tidy.sharedNames(["src/A.ts", "src/b/A.ts", "src/index.ts", "src/b/index.ts"]), [
      "A: src/A, src/b/A"
    ])
    assert.deepEqual(Tidy.sharedNames(["test/a.ts", "test/a.test.ts", "test/b/a.test.ts", "test/c.ts"]), [
      "a: test/a, test/b/a"
    ])
    assert.deepEqual(Tidy.sharedNames(sources), [])
    assert.deepEqual(Tidy.sharedNames(everywhere.filter((path) => path.startsWith("test/"))), [])
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

  it("has what every transport can do in the table of README.md", () => {
    const readme = read("README.md")
    assert.equal(readme, withMatrix(readme, matrix()), "the table is stale: run `npm run docs:transports`")
  })

  it("has every test that the tables of hazards and incidents name", () => {
    const tables = /## Hazards of operating([^]*?)\n## /.exec(read("test/README.md"))![1]!
    const named = Tidy.testsNamed(tables)
    assert.isAbove(named.length, 45)
    const at = (name: string) => everywhere.find((path) => path.endsWith(`/${name}.ts`))
    const missing = named.filter(({ file, text }) => {
      const path = at(file)
      return path === undefined || (text !== undefined && !read(path).includes(text))
    })
    assert.deepEqual(missing, [])
    assert.deepEqual(Tidy.testsNamed("| a | b | `A.test` `keeps`, `loses` (`c`), `npm run x`, `B.test` |"), [
      { file: "A.test", text: "keeps" },
      { file: "A.test", text: "loses" },
      { file: "A.test", text: "c" },
      { file: "B.test", text: undefined }
    ])
  })

  it("has every break of a guarantee in the table of test/README.md", () => {
    const readme = read("test/README.md")
    assert.equal(readme, withTable(readme, guaranteesTable()), "the table is stale: run `npm run docs:guarantees`")
  })
})

describe("breaks of the code", () => {
  const broken: Mutant = {
    name: "a break",
    guarantee: "no loss",
    file: "src/A.ts",
    from: "a()",
    to: "b()",
    test: "test/A.test.ts",
    named: "keeps its promise"
  }
  const staleIn = (text: string, ...there: ReadonlyArray<string>) =>
    stale([broken], () => text, (path) => there.includes(path))

  it("are found exactly once in their files, and their tests exist", () => {
    assert.deepEqual(staleIn("a()", "src/A.ts", "test/A.test.ts"), [])
    assert.deepEqual(staleIn("b()", "src/A.ts", "test/A.test.ts"), [
      "a break: the text to break stands 0 times in src/A.ts"
    ])
    assert.deepEqual(staleIn("a() a()", "src/A.ts", "test/A.test.ts"), [
      "a break: the text to break stands 2 times in src/A.ts"
    ])
    assert.deepEqual(staleIn("a()", "src/A.ts"), ["a break: there is no test file test/A.test.ts"])
    assert.deepEqual(staleIn("a()", "test/A.test.ts"), ["a break: there is no file src/A.ts"])
    assert.deepEqual(stale(mutants, read, (path) => existsSync(join(root, path))), [])
  })

  it("name a test that their file has, of those that ran", () => {
    const among = (...tests: ReadonlyArray<string>) =>
      unnamed([broken], (path) => path === "test/A.test.ts" ? tests : undefined)
    assert.deepEqual(among("a worker keeps its promise for two", "another test"), [])
    assert.deepEqual(among("a worker keeps a promise"), [
      "a break: test/A.test.ts has no test \"keeps its promise\""
    ])
    assert.deepEqual(unnamed([broken], () => undefined), [])
  })

  it("have names of their own, and each guarantee has one", () => {
    const names = mutants.map(({ name }) => name)
    assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), [])
    assert.deepEqual(Object.keys(guarantees).filter((one) => mutants.every(({ guarantee }) => guarantee !== one)), [])
  })
})

/** A sentence that breaks each rule against a word, in the order of `banned`. */
const bannedSamples: ReadonlyArray<string> = [
  "The mend stands in the error.",
  "A hiccup repeats the transaction.",
  "Nobody reads the queue.",
  "The message waits for a person.",
  "It is an act of the consumer.",
  "The worker buries the message.",
  "The letter stays open.",
  "Ids leave the horizon.",
  "The function answers true.",
  "The lane is read anew.",
  "The key waits for ever.",
  "The message is in hand.",
  "The worker is told by the store.",
  "The lease lasts as long as its owner.",
  "There are two lanes, of which one is free.",
  "The worker hears of its loss.",
  "The reader goes on.",
  "The write comes to nothing.",
  "The backlog is worked off.",
  "The message is given up as dead.",
  "The statement belongs into the folder.",
  "The worker waits nevertheless.",
  "Henceforth the lane is free.",
  "The zombie commits.",
  "The job of the queue is done.",
  "The handler may not run."
]

describe("prose", () => {
  const problems = (text: string, kind: Text["kind"] = "comment") =>
    check({ path: "src/Sample.ts", line: 1, kind, text }).map(({ problem }) => problem)

  it("uses none of the words that have a replacement, each rule tried on a sample", () => {
    assert.strictEqual(bannedSamples.length, banned.length)
    banned.forEach(([pattern, instead], i) => {
      assert.match(bannedSamples[i]!, pattern)
      assert.isTrue(problems(bannedSamples[i]!).some((problem) => problem.includes(instead)), bannedSamples[i])
    })
    const fine = "The worker claims lanes whose lease has expired. The operator redrives a dead letter."
    assert.deepEqual(problems(fine), [])
    assert.deepEqual(
      problems("The field `mend` is code, and the rule [links](https://nobody.example) is not prose."),
      []
    )
  })

  it("has sentences of 25 words at most", () => {
    const words = (count: number) => `${Array.from({ length: count }, () => "word").join(" ")}.`
    assert.deepEqual(problems(words(25)), [])
    assert.match(problems(words(26))[0]!, /^26 words, more than 25/)
    assert.deepEqual(problems(`${words(20)} ${words(20)}`), [])
    assert.match(problems(`- ${words(26)}\n- ${words(3)}`)[0]!, /^26 words/)
  })

  it("has one colon or semicolon in a sentence at most", () => {
    assert.deepEqual(problems("One thing: the other."), [])
    assert.match(problems("One thing: the other; a third.")[0]!, /^2 colons and semicolons/)
  })

  it("names the subject of each sentence", () => {
    assert.match(problems("Who waits for a lane is woken.")[0]!, /^names no subject/)
    assert.deepEqual(problems("Who waits for a lane?"), [])
    assert.deepEqual(problems("The worker that waits for a lane is woken."), [])
  })

  const found = (path: string, text: string) => {
    const { findings, texts } = textsIn(path, text)
    return [...findings, ...texts.flatMap(check)].map(({ line, problem }) => `${line} ${problem.split(":")[0]}`)
  }

  it("begins the docstring of a function of src with a verb", () => {
    const verbs = [
      "Returns whether it is.",
      "Dead-letters a message.",
      "Stages a write.",
      "Use it once.",
      "Notes that it ends."
    ]
    const none = ["Whether it is.", "The lanes.", "A lane.", "Methods that wait.", "Names of lanes.", "How many lanes."]
    for (const one of verbs) assert.isTrue(beginsWithVerb(one), one)
    for (const one of none) assert.isFalse(beginsWithVerb(one), one)
    const noVerb = ["3 begins with no verb"]
    for (
      const code of [
        "const f = () => 1",
        "export const f = Effect.fnUntraced(function*() {})",
        "export function f() {}",
        "const f = dual(2, g)",
        "class A { m() {} }"
      ]
    ) {
      const text = `/** The head of the file. */\nexport {}\n/** The lanes. */\n${code}\n`
      const method = text.replace("/** The lanes. */\nclass A { m", "class A { /** The lanes. */\n m")
      assert.deepEqual(found("src/Sample.ts", method), noVerb, code)
    }
    const statement =
      "export const make = () => ({\n  /** The deletes of a removal. */\n  deletes: `delete from a`\n})\n"
    assert.deepEqual(found("src/postgres/sql/sample.ts", statement), ["2 begins with no verb"])
    assert.deepEqual(found("src/Sample.ts", "export {}\n/** The lanes. */\nexport const lanes = 16\n"), [])
    assert.deepEqual(found("test/sample.ts", "export {}\n/** The lanes. */\nexport const f = () => 1\n"), [])
  })

  it("is read from remarks of SQL, pages, YAML, scripts, and titles of layers", () => {
    const sql = "export const a = [`create table t (\n  id int, -- it may not be null\n  b int)`]\n"
    assert.deepEqual(found("src/postgres/sql/sample.ts", sql), ["2 \"may not\""])
    assert.deepEqual(found("src/postgres/sql/sample.ts", "export const a = `and b or c`"), [])
    assert.deepEqual(found("src/dashboard/Sample.tsx", "export const A = () => <p>You may not do it</p>"), [
      "1 \"may not\""
    ])
    assert.deepEqual(found("src/Sample.ts", "f() // it may not do it\n"), ["1 \"may not\""])
    assert.deepEqual(found(".ci/run", "#!/bin/sh\n# It may not\n# do it.\nrun # whatever\n"), [
      "2 \"may not\"",
      "4 \"whatever\""
    ])
    assert.deepEqual(found("src/a.yml", "a: 1\n  summary: \"{{ $labels.x }} may not\"\n"), ["2 \"may not\""])
    assert.deepEqual(found("test/a.test.ts", "layer(engine, {})(\"what is due at once\", (it) => {})"), [
      "1 names no subject | what is due at once"
    ])
    assert.deepEqual(found("src/a.yml", `# ${"word ".repeat(24)}\n`), ["1 a comment of 122 columns, more than 120"])
  })

  it("contains words of SQL, but begins with none", () => {
    const text = (value: string) => found("src/Sample.ts", `export const a = ${JSON.stringify(value)}`)
    assert.deepEqual(text("The role may not begin a life, listen or alter the order by hand."), ["1 \"may not\""])
    assert.deepEqual(text("select a from b where it may not be"), [])
    assert.deepEqual(text("\n  update lanes l set a = b where it may not be"), [])
  })

  it("is sampled by a seed, each comment at most once", () => {
    const text = "/** Claims all the lanes. */\nexport {}\n// Renews before the\n// lease ends.\nf()\n// short\n"
    const { docstrings, others } = commentsOf("src/Sample.ts", text)
    assert.deepEqual(docstrings.map(({ line, text }) => [line, text]), [[1, "Claims all the lanes."]])
    assert.deepEqual(others.map(({ line, text }) => [line, text]), [[3, "Renews before the\nlease ends."]])
    const numbers = Array.from({ length: 50 }, (_, i) => i)
    const drawn = sample(numbers, 20, new Dice(7))
    assert.strictEqual(new Set(drawn).size, 20)
    assert.deepEqual(sample(numbers, 20, new Dice(7)), drawn)
    assert.notDeepEqual(sample(numbers, 20, new Dice(8)), drawn)
    assert.strictEqual(sample(numbers, 80, new Dice(7)).length, 50)
  })
})

describe("test files", () => {
  const tree: Readonly<Record<string, string>> = {
    "test/a.test.ts": "import { b } from \"./b.ts\"",
    "test/b.ts": "import { a } from \"./a.test.ts\"",
    "test/c.test.ts": "import { d } from \"./setup/d.ts\"",
    "test/setup/d.ts": "const url = inject(\"databaseUrl\")",
    "test/e.test.ts": "import { Embedded } from \"millrace/embedded\"",
    "test/f.test.ts": "import { start } from \"./setup/server.ts\"",
    "test/h.test.ts": "import { start } from \"./redis/redisServer.ts\"",
    "test/g.test.ts": "import { Memory } from \"millrace\"\nimport { Postgres } from \"millrace/postgres\""
  }
  it("that use a database are found by what they import, through other files", () => {
    const needs = Object.keys(tree).filter((path) => needsDatabase(root, path, (file) => tree[file]))
    assert.deepEqual(needs, ["test/c.test.ts", "test/setup/d.ts", "test/e.test.ts", "test/f.test.ts", "test/h.test.ts"])
  })
})
