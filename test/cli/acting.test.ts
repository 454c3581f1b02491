/** The commands that act, on Postgres: dry runs, confirmations, progress, conflicts, and what each one changed. */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, Consumers, DeadLetters, Pipeline, type Store, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { documentOf, type Ended, ledger, millrace, type Surroundings } from "./commandLine.ts"

const schema = freshSchema()
const url = inject("databaseUrl")
const cli = (args: ReadonlyArray<string>, around: Surroundings = {}) =>
  millrace([...args, "--schema", schema], { ...around, env: { DATABASE_URL: url, ...around.env } })

/** A consumer with three dead letters of one key, which is parked or not. */
const failed = Effect.fnUntraced(function*(name: string, order: "park" | "continue" = "continue") {
  const made = ledger(name, order)
  yield* made.drain()
  yield* made.publish("bad1", "bad2", "bad3")
  yield* made.drain()
  const deadLetters = yield* DeadLetters.list({ consumer: name })
  return { ...made, deadLetters, ids: deadLetters.map(({ id }) => String(Number(id))) }
})

const states = (consumer: string) =>
  Effect.map(DeadLetters.list({ consumer }), (all) => all.map(({ state }) => state).toSorted())

const engine = Operations.layer({ schema }).pipe(Layer.provideMerge(postgres(url, {}, schema)))
layer(engine, { excludeTestServices: true, timeout: 120_000 })("the commands of operator actions", (it) => {
  it.effect("on named dead letters, with operator and note in the audit", () =>
    Effect.gen(function*() {
      const { drain, ids } = yield* failed("named")
      const dry = yield* cli(["dead", "redrive", ids[0]!, "--dry-run"])
      assert.match(dry.stdout, /^Would redrive 1 dead letter:\n/)
      assert.deepStrictEqual(yield* states("named"), ["open", "open", "open"])
      const done = yield* cli(["dead", "redrive", ids[0]!, "--note", "INC-812"])
      assert.deepStrictEqual([done.code, done.stdout], [0, `redriven 1 dead letter: #${ids[0]}\n`])
      const [entry] = yield* Audit.list({ consumer: "named" })
      assert.deepStrictEqual([entry!.by, entry!.action, entry!.note], ["anna", "redriven", "INC-812"])
      yield* drain({ current: false })
      assert.deepStrictEqual(yield* states("named"), ["open", "open", "resolved"])
      const both = documentOf(yield* cli(["dead", "discard", ids[1]!, ids[2]!, "--yes", "--by", "ben", "--json"]))
      assert.deepStrictEqual([both.data.action, both.data.done], ["discarded", 2])
      assert.strictEqual((yield* Audit.list({ consumer: "named" }))[0]!.by, "ben")
      assert.match((yield* cli(["dead", "restore", ids[1]!])).stdout, /^restored 1 dead letter/)
      assert.deepStrictEqual(yield* states("named"), ["discarded", "open", "resolved"])
    }))

  it.effect("on everything that matches, after a preview with the versions", () =>
    Effect.gen(function*() {
      yield* failed("matching")
      const dry = yield* cli(["dead", "discard", "--consumer", "matching", "--dry-run"])
      assert.match(dry.stdout, /^discard 3 dead letters\. Those that die from now on are not touched\.\n/)
      assert.match(dry.stdout, /\nmatching +3 +1\.4\.2 +- +Declined@/)
      const { data } = documentOf(yield* cli(["dead", "discard", "--consumer", "matching", "--dry-run", "--json"]))
      assert.deepStrictEqual([data.dryRun, data.deadLetters.count], [true, 3])
      assert.deepStrictEqual(yield* states("matching"), ["open", "open", "open"])
      const selected = ["--consumer", "matching", "--error", "Declined"]
      const done = yield* cli(["dead", "discard", ...selected, "--rate", "1000", "--yes"])
      assert.strictEqual(done.stdout, "discarded 3 dead letters.\n")
      assert.match(done.stderr, /\ndiscarded 3\/3 {2}\d+\/s {2}eta 0/)
      assert.deepStrictEqual(yield* states("matching"), ["discarded", "discarded", "discarded"])
    }))

  it.effect("on several things only with --yes or an answer, and changes nothing without", () =>
    Effect.gen(function*() {
      const { ids } = yield* failed("asking")
      const args = ["dead", "discard", "--consumer", "asking"]
      const refused = yield* cli(args)
      assert.deepStrictEqual([refused.code, refused.stdout], [6, ""])
      assert.include(refused.stderr, "there is no terminal to ask. Nothing was changed.\nLook at it with --dry-run")
      assert.strictEqual((yield* cli(["dead", "redrive", ...ids])).code, 6)
      const no = yield* cli(args, { terminal: { types: ["n"] } })
      assert.strictEqual(no.code, 6)
      assert.include(no.stderr, "discard 3 dead letters? [y/N] Nothing was changed.\n")
      const quit = yield* cli(args, { terminal: { types: [] } })
      assert.strictEqual(quit.code, 130)
      assert.deepStrictEqual(yield* states("asking"), ["open", "open", "open"])
      const yes = yield* cli(args, { terminal: { types: ["y"] } })
      assert.strictEqual(yes.code, 0)
      assert.match(yes.stderr, /\r.*\[#{20}\] discarded 3\/3/)
      assert.deepStrictEqual(yield* states("asking"), ["discarded", "discarded", "discarded"])
    }))

  it.effect("on a set until it is interrupted, and says how many it has decided at least", () =>
    Effect.gen(function*() {
      yield* failed("interrupted")
      const begun = eventually(Effect.map(states("interrupted"), (all) => all.includes("discarded"))).pipe(
        Effect.provideContext(yield* Effect.context<Store.Store>()),
        Effect.orDie
      )
      const args = ["dead", "discard", "--consumer", "interrupted", "--rate", "0.01", "--yes"]
      const { stderr, stdout } = yield* cli(args, { interruptedAfter: begun })
      assert.strictEqual(stdout, "")
      assert.include(
        stderr,
        "\nInterrupted. The number of discarded dead letters is at least 1, and the rest of the set is untouched.\n"
      )
      assert.deepStrictEqual(yield* states("interrupted"), ["discarded", "open", "open"])
    }))

  it.effect("and refuses what is ambiguous or unknown, before anything is changed", () =>
    Effect.gen(function*() {
      const { ids } = yield* failed("ambiguous")
      assert.strictEqual((yield* cli(["dead", "redrive", ids[0]!, "--consumer", "ambiguous"])).code, 2)
      assert.strictEqual((yield* cli(["dead", "redrive", "--yes"])).code, 2)
      assert.strictEqual((yield* cli(["dead", "restore"])).code, 2)
      const unknown = yield* cli(["dead", "redrive", ids[0]!, "999999999", "--yes"])
      assert.deepStrictEqual([unknown.code, unknown.stdout], [3, ""])
      const nameless = yield* cli(["dead", "redrive", ids[0]!], { env: { USER: "" } })
      assert.strictEqual(nameless.code, 2)
      assert.include(nameless.stderr, "--by")
      assert.strictEqual((yield* cli(["dead", "redrive", ids[0]!, "--by", " "])).code, 2)
      assert.strictEqual((yield* cli(["consumers", "pause", "ambiguous"])).code, 2)
      assert.deepStrictEqual(yield* states("ambiguous"), ["open", "open", "open"])
      assert.deepStrictEqual(yield* Audit.list({ consumer: "ambiguous" }), [])
    }))

  it.effect("for one of two operators, and tells the other who was first and when", () =>
    Effect.gen(function*() {
      const { ids } = yield* failed("contested")
      const ended = yield* Effect.all(
        ["ben", "cleo", "dora"].map((by) => cli(["dead", "redrive", ids[0]!, "--by", by])),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(ended.map(({ code }) => code).toSorted((a, b) => a - b), [0, 5, 5])
      const won = ["ben", "cleo", "dora"][ended.findIndex(({ code }) => code === 0)]!
      for (const { stderr } of ended.filter(({ code }) => code === 5)) {
        assert.match(stderr, new RegExp(`it is redriving, by ${won} at \\d{4}-`))
      }
      assert.lengthOf(yield* Audit.list({ consumer: "contested" }), 1)
      const rest = yield* cli(["dead", "discard", ...ids, "--yes", "--json"])
      assert.deepStrictEqual([rest.code, documentOf(rest).data.done], [5, 2])
      assert.strictEqual(JSON.parse(rest.stderr).by, won)
    }))

  it.effect("with an edited payload that keeps id, key and every digit, and shows the difference", () =>
    Effect.gen(function*() {
      const { drain, ids, deadLetters } = yield* failed("edited", "park")
      const payload = `{"id":"edited-bad1","account":"bad","cents":5000,"exact":12345678901234567890}`
      const folder = mkdtempSync(join(tmpdir(), "millrace-cli-"))
      const file = join(folder, "payload.json")
      writeFileSync(file, `${payload}\n`)
      const dry = yield* cli(["dead", "edit", ids[0]!, "--payload", file, "--dry-run"])
      assert.include(dry.stdout, "-  \"cents\": 100\n+  \"cents\": 5000,\n+  \"exact\": 12345678901234567890\n")
      assert.deepStrictEqual(yield* states("edited"), ["open"])
      const same = yield* cli(["dead", "edit", ids[0]!, "--payload", "-"], { stdin: deadLetters[0]!.message.payload })
      assert.strictEqual(same.code, 6)
      const broken = yield* cli(["dead", "edit", ids[0]!, "--payload", "-"], { stdin: "{ \"cents\": " })
      assert.deepStrictEqual([broken.code, broken.stdout], [2, ""])
      assert.strictEqual((yield* cli(["dead", "edit", ids[0]!, "--payload", join(folder, "nope")])).code, 2)
      assert.strictEqual((yield* cli(["dead", "edit", ids[0]!])).code, 2)
      const done = yield* cli(["dead", "edit", ids[0]!, "--payload", "-", "--note", "INC-9"], { stdin: payload })
      assert.deepStrictEqual([done.code, done.stdout.split(",")[0]], [0, `redriven #${ids[0]} with the edited payload`])
      const again = yield* cli(["dead", "edit", ids[0]!, "--payload", "-"], { stdin: payload })
      assert.strictEqual(again.code, 5)
      const edited = yield* DeadLetters.get(deadLetters[0]!.id)
      assert.strictEqual(edited.message.payload, payload)
      assert.strictEqual(edited.original, deadLetters[0]!.message.payload)
      assert.deepStrictEqual([edited.message.id, edited.message.key], ["edited-bad1", "bad"])
      yield* drain()
      assert.include(yield* states("edited"), "resolved")
    }))

  it.effect("with the payload of an editor on a terminal", () =>
    Effect.gen(function*() {
      const { ids, deadLetters } = yield* failed("editor")
      const script = join(mkdtempSync(join(tmpdir(), "millrace-cli-")), "editor.mjs")
      writeFileSync(
        script,
        `import { readFileSync, writeFileSync } from "node:fs"
const file = process.argv[2]
writeFileSync(file, readFileSync(file, "utf8").replace("100", "7"))`
      )
      const env = { EDITOR: `${process.execPath} ${script}` }
      const done = yield* cli(["dead", "edit", ids[0]!], { env, terminal: { types: ["y"] } })
      assert.strictEqual(done.code, 0)
      assert.include(done.stderr, "-  \"cents\": 100\n+  \"cents\": 7\n")
      const { message } = yield* DeadLetters.get(deadLetters[0]!.id)
      assert.strictEqual(message.payload, deadLetters[0]!.message.payload.replace("100", "7"))
      const failing = { EDITOR: `${process.execPath} -e process.exit(3)` }
      assert.strictEqual((yield* cli(["dead", "edit", ids[1]!], { env: failing, terminal: { types: ["y"] } })).code, 6)
    }))

  it.effect("with an export that loses nothing", () =>
    Effect.gen(function*() {
      const { ids, deadLetters } = yield* failed("exported")
      const exact = `{"n":12345678901234567890,"f":1.10,"n":"twice \\u202e"}`
      yield* (yield* Operations.Operations).redriveEdited(deadLetters[0]!.id, { by: "anna", payload: exact })
      const { code, stdout } = yield* cli(["dead", "export", "--consumer", "exported", "--state", "any"])
      assert.strictEqual(code, 0)
      const lines = stdout.trimEnd().split("\n").map((line) => JSON.parse(line))
      const stored = yield* DeadLetters.list({ consumer: "exported" })
      assert.deepStrictEqual(lines, JSON.parse(JSON.stringify(stored)))
      assert.strictEqual(lines[0].message.payload, exact)
      assert.strictEqual(lines.length, ids.length)
    }))

  it.effect("on a parked key, a key that an operator paused, and a consumer", () =>
    Effect.gen(function*() {
      const { drain, ids } = yield* failed("parked", "park")
      const dry = yield* cli(["keys", "release", "parked", "bad", "--dry-run"])
      assert.strictEqual(dry.stdout, `Would have released key bad of parked. Still open: #${ids[0]}\n`)
      assert.match((yield* cli(["keys", "release", "parked", "bad"])).stdout, /^released key bad of parked\./)
      assert.strictEqual((yield* cli(["keys", "release", "parked", "bad"])).code, 6)
      yield* drain({ current: false })
      assert.strictEqual((yield* Consumers.get("parked")).waiting.count, 0)
      assert.strictEqual((yield* cli(["keys", "pause", "parked", "k", "--note", "INC-1"])).code, 0)
      assert.strictEqual((yield* cli(["keys", "pause", "parked", "k"])).code, 5)
      assert.strictEqual((yield* cli(["keys", "pause", "parked", "k", "--dry-run"])).code, 5)
      assert.strictEqual((yield* cli(["keys", "resume", "parked", "k", "--dry-run"])).code, 0)
      assert.match((yield* cli(["keys", "release", "parked", "k"])).stderr, /paused by anna.*\n.*millrace keys resume/)
      assert.strictEqual((yield* cli(["keys", "resume", "parked", "k"])).code, 0)
      for (const wrong of [["--until", "1h", "--indefinitely"], ["--until", "soon"], ["--until", "2020-01-01"]]) {
        assert.strictEqual((yield* cli(["consumers", "pause", "parked", ...wrong])).code, 2)
      }
      const until = yield* cli(["consumers", "pause", "parked", "--until", "1h", "--note", "INC-2"])
      assert.match(until.stdout, /^paused parked until \d{4}-\S+Z\. Its messages wait, in order\.\n$/)
      assert.match(
        (yield* cli(["status", "parked"])).stdout,
        /Paused by anna since \S+ until \S+Z \(INC-2\)\. A worker ends/
      )
      assert.strictEqual((yield* cli(["consumers", "pause", "parked", "--until", "1h"])).code, 5)
      assert.strictEqual((yield* cli(["consumers", "resume", "parked"])).code, 0)
      assert.strictEqual((yield* cli(["consumers", "pause", "parked", "--indefinitely", "--dry-run"])).code, 0)
      assert.isUndefined((yield* Consumers.get("parked")).paused)
      assert.strictEqual((yield* cli(["consumers", "pause", "parked", "--indefinitely", "--note", "bank"])).code, 0)
      assert.strictEqual((yield* Consumers.get("parked")).paused?.note, "bank")
      assert.strictEqual((yield* cli(["consumers", "pause", "parked", "--indefinitely", "--dry-run"])).code, 5)
      const twice = yield* cli(["consumers", "pause", "parked", "--indefinitely"])
      assert.deepStrictEqual([twice.code, /paused, by anna at/.test(twice.stderr)], [5, true])
      assert.strictEqual((yield* cli(["consumers", "resume", "parked"])).code, 0)
      assert.isUndefined((yield* Consumers.get("parked")).paused)
    }))

  it.effect("on a key one by one: its parked dead letter, then one waiting message, then the rest", () =>
    Effect.gen(function*() {
      const { drain, ids } = yield* failed("advancing", "park")
      const operations = yield* Operations.Operations
      const behind = Effect.map(
        operations.stuckKeys({ consumer: "advancing", key: "bad" }),
        ([key]) => key?.behind.value
      )
      const dry = yield* cli(["keys", "advance", "advancing", "bad", "--dry-run"])
      assert.strictEqual(
        dry.stdout,
        `Would have let #${ids[0]} of key bad of advancing through, and paused the key for the others.\n`
      )
      assert.deepStrictEqual([yield* states("advancing"), yield* behind], [["open"], 2])
      const first = yield* cli(["keys", "advance", "advancing", "bad", "--note", "INC-1"])
      assert.strictEqual(
        first.stdout,
        `let message advancing-bad1 (#${ids[0]}) of key bad of advancing through. The key is paused for the others.\n`
      )
      assert.include(first.stderr, "next: millrace find advancing-bad1 --key bad")
      yield* drain({ current: false })
      assert.deepStrictEqual([yield* states("advancing"), yield* behind], [["resolved"], 2])
      assert.match(
        (yield* cli(["keys", "advance", "advancing", "bad", "--dry-run"])).stdout,
        /let the first waiting message/
      )
      const second = documentOf(yield* cli(["keys", "advance", "advancing", "bad", "--json"]))
      assert.deepInclude(second.data, { action: "advanced", messageId: "advancing-bad2" })
      yield* drain({ current: false })
      assert.strictEqual(yield* behind, 1)
      assert.strictEqual((yield* cli(["keys", "resume", "advancing", "bad"])).code, 0)
      yield* drain({ current: false })
      assert.isUndefined(yield* behind)
      assert.strictEqual((yield* cli(["keys", "advance", "advancing", "bad"])).code, 3)
      const [entry] = yield* Audit.list({ consumer: "advancing", action: "advanced" })
      assert.deepInclude(entry, { by: "anna", key: "bad" })
    }))

  it.effect("on the suspect of a crash loop, which is named and dead-lettered before its next crash", () =>
    Effect.gen(function*() {
      const { drain, publish } = ledger("crashing")
      yield* drain()
      yield* publish("good1", "good2")
      const sql = yield* SqlClient.SqlClient
      // Two workers died: the second message was in flight both times, and the first one once.
      yield* sql`update ${
        sql(`${schema}.messages`)
      } set crash_count = case id when ${"crashing-good2"} then 2 else 1 end
        where id in ${sql.in(["crashing-good1", "crashing-good2"])}`
      const listed = yield* cli(["workers", "suspects", "--consumer", "crashing"])
      assert.match(listed.stdout, /\ncrashing +crashing-good2 +good +\d+ +2 +in every crash /)
      assert.match(listed.stdout, /\ncrashing +crashing-good1 +good +\d+ +1 +in some crashes /)
      assert.strictEqual(listed.stderr, "next: millrace messages dead-letter crashing crashing-good2 --dry-run\n")
      const args = ["messages", "dead-letter", "crashing", "crashing-good2"]
      assert.strictEqual(
        (yield* cli([...args, "--dry-run"])).stdout,
        "Would have dead-lettered message crashing-good2 of key good of crashing. It was in flight in 2 crashes.\n"
      )
      assert.deepStrictEqual(yield* states("crashing"), [])
      const done = yield* cli([...args, "--note", "INC-9"])
      assert.match(done.stdout, /^dead-lettered message crashing-good2 of crashing: #\d+\.\n$/)
      assert.match(done.stderr, /^next: millrace dead show \d+/)
      assert.deepStrictEqual(yield* states("crashing"), ["open"])
      for (const again of [args, [...args, "--dry-run"], [...args, "--key", "other"]]) {
        assert.strictEqual((yield* cli(again)).code, 3, again.join(" "))
      }
      const [entry] = yield* Audit.list({ consumer: "crashing", action: "deadLettered" })
      assert.deepInclude(entry, { by: "anna", note: "INC-9", key: "good" })
    }))

  it.effect("on a worker that hangs: another one takes its lanes over, and it commits nothing more", () =>
    Effect.gen(function*() {
      const { Payments, publish } = ledger("hanging")
      const began = yield* Deferred.make<void>()
      const never = Pipeline.from(Payments, { consumer: "hanging" }).pipe(
        Pipeline.tap(() => Effect.andThen(Deferred.succeed(began, undefined), Effect.never))
      )
      const works = Pipeline.from(Payments, { consumer: "hanging" }).pipe(Pipeline.tap(() => Effect.void))
      const operations = yield* Operations.Operations
      const worker = yield* Effect.forkChild(Worker.run(never, { lease: "10 minutes", grace: "100 millis" }))
      yield* eventually(Effect.map(operations.workers, (all) => all.some(({ consumer }) => consumer === "hanging")))
      yield* publish("a1")
      yield* Deferred.await(began)
      const { worker: name } = (yield* operations.workers).find(({ consumer }) => consumer === "hanging")!
      const unknown = yield* cli(["workers", "evict", "hanging", "nope", "--yes"])
      assert.strictEqual(unknown.code, 3)
      assert.include(unknown.stderr, JSON.stringify(name))
      assert.strictEqual((yield* cli(["workers", "evict", "hanging", name])).code, 6)
      assert.match((yield* cli(["workers", "evict", "hanging", name, "--dry-run"])).stdout, /^Would have evicted/)
      const other = yield* Effect.forkChild(Worker.run(works, { lease: "10 minutes" }))
      yield* eventually(Effect.map(operations.consumer("hanging"), ({ workers }) => workers === 2))
      const done: Ended = yield* cli(["workers", "evict", "hanging", name, "--yes", "--note", "hangs"])
      assert.match(done.stdout, /^evicted .* from \d+ lanes of hanging\.\n$/)
      yield* eventually(Effect.map(operations.find("hanging-a1"), ({ consumers: [at] }) => at?.state === "committed"))
      const [entry] = yield* Audit.list({ consumer: "hanging" })
      assert.deepStrictEqual([entry!.action, entry!.note, entry!.by], ["evicted", "hangs", "anna"])
      yield* Effect.all([Fiber.interrupt(worker), Fiber.interrupt(other)])
    }))
})
