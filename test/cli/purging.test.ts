/** The purge of a queue, and the import of dead letters, by the command line on Postgres. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, DeadLetters, Store, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inject } from "vitest"
import { broken, by, ids, operations, quick, reaches } from "../ops/redriveKit.ts"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { millrace, type Surroundings } from "./commandLine.ts"

const schema = freshSchema()
const url = inject("databaseUrl")
const cli = (args: ReadonlyArray<string>, around: Surroundings = {}) =>
  millrace([...args, "--schema", schema], { ...around, env: { DATABASE_URL: url, ...around.env } })

/** A directory that is removed with the test. */
const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "millrace-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const unsettled = (consumer: string) =>
  Effect.flatMap(Store.Store, (store) => Effect.map(store.consumers.status(consumer), ({ unsettled }) => unsettled))

const engine = Operations.layer({ schema }).pipe(Layer.provideMerge(postgres(url, {}, schema)))
layer(engine, { excludeTestServices: true, timeout: 120_000 })("by the command line", (it) => {
  it.effect("a purge deletes what the operator saw, after its name, its number and its export", () =>
    Effect.gen(function*() {
      const { consumer, publish } = yield* broken("purged", 1)
      yield* publish(ids(120, 10))
      const file = join(yield* directory, "purged.ndjson")
      const asked = (...args: ReadonlyArray<string>) => cli(["purge", consumer, ...args])
      const dry = yield* asked("--dry-run")
      assert.match(dry.stdout, /^delete 120 messages that wait for purged, the oldest published .* ago\.\n/)
      const unconfirmed = yield* asked()
      assert.strictEqual(unconfirmed.code, 6)
      assert.match(unconfirmed.stderr, /millrace purge purged --confirm purged --expect 120 --export purged\.ndjson\n$/)
      const exact = ["--confirm", consumer, "--expect", "120"]
      assert.strictEqual((yield* asked("--confirm", "other", "--expect", "120", "--export", file)).code, 2)
      assert.strictEqual((yield* asked(...exact)).code, 2)
      const wrong = yield* asked("--confirm", consumer, "--expect", "119", "--export", file)
      assert.deepStrictEqual([wrong.code, existsSync(file)], [5, false])
      assert.match(wrong.stderr, /119 messages were expected, and 120 wait\. Nothing was changed\./)
      assert.strictEqual(yield* unsettled(consumer), 120)

      const done = yield* asked(...exact, "--export", file, "--note", "INC-9")
      assert.deepStrictEqual([done.code, done.stdout], [0, "deleted 120 messages that waited for purged.\n"])
      assert.strictEqual(yield* unsettled(consumer), 0)
      const written = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line))
      assert.lengthOf(new Set(written.map(({ id }) => id)), 120)
      assert.deepInclude(written.find(({ id }) => id === "purged-10"), {
        topic: "purged",
        key: "purged-10",
        payload: "{\"id\":\"purged-10\",\"key\":\"purged-10\"}"
      })
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      const [entry] = yield* Audit.list({ consumer, action: "purged" })
      assert.deepInclude(entry, { by: "anna", note: "INC-9", detail: "120 messages" })
      const empty = yield* asked("--confirm", consumer, "--expect", "0", "--export", file)
      assert.deepStrictEqual([empty.code, /No message waits/.test(empty.stderr)], [6, true])
    }).pipe(Effect.scoped))

  it.effect("a purge touches no message that was published later, and an export never replaces a file", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer, publish } = yield* broken("purgedLater", 1)
      yield* publish(ids(3, 10))
      const preview = yield* ops.previewPurge(consumer)
      yield* publish(ids(2, 100))
      assert.lengthOf(yield* ops.purgeable(preview), 3)
      const refused = yield* Effect.flip(ops.purge(preview, { ...by, expect: 5 }))
      assert.deepInclude(refused, { _tag: "QueueChanged", expected: 5, found: 3 })
      assert.strictEqual(yield* unsettled(consumer), 5)
      assert.strictEqual(yield* ops.purge(preview, { ...by, expect: 3 }), 3)
      assert.strictEqual(yield* unsettled(consumer), 2)
      const file = join(yield* directory, "purged.ndjson")
      const args = ["purge", consumer, "--confirm", consumer, "--export", file]
      assert.strictEqual((yield* cli([...args, "--expect", "2"])).code, 0)
      yield* publish(ids(1, 200))
      const again = yield* cli([...args, "--expect", "1"])
      assert.deepStrictEqual([again.code, /could not be written/.test(again.stderr)], [2, true])
      assert.strictEqual(yield* unsettled(consumer), 1)
      assert.lengthOf(readFileSync(file, "utf8").trimEnd().split("\n"), 2)
    }).pipe(Effect.scoped))

  it.effect("a purge discards the dead letters of redriven messages, and their redrive run learns of it", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer, downstream, pipeline } = yield* broken("purgedRun", 3)
      downstream.before = () => Effect.never
      const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 500, stages: [] })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, { ...quick, grace: "50 millis" }))
        yield* eventually(Effect.map(ops.redriveRun(id), ({ redriven }) => redriven === 3))
      }))
      const preview = yield* ops.previewPurge(consumer)
      assert.deepInclude(preview, { messages: 3, redriven: 3 })
      assert.strictEqual(yield* ops.purge(preview, { by: "ben", expect: 3 }), 3)
      const deadLetters = yield* DeadLetters.list({ consumer })
      assert.deepStrictEqual(
        deadLetters.map(({ changedBy, state }) => [state, changedBy]),
        ids(3).map(() => ["discarded", "ben"])
      )
      downstream.before = () => Effect.void
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        const run = yield* reaches(id, "finished")
        assert.deepInclude(run, { redriven: 3, committed: 0, failedAgain: 3, waiting: 0 })
        // The discard can be undone, and then the message is processed once.
        yield* DeadLetters.restore(deadLetters[0]!.id, by)
        yield* DeadLetters.redrive(deadLetters[0]!.id, by)
        yield* eventually(Effect.map(DeadLetters.get(deadLetters[0]!.id), ({ state }) => state === "resolved"))
      }))
    }))

  it.effect("an import restores what was exported, without loss and once", () =>
    Effect.gen(function*() {
      const { consumer, handled, pipeline } = yield* broken("exported", 3, "park")
      const before = yield* DeadLetters.list({ consumer })
      yield* DeadLetters.discard(before[2]!.id, { by: "ben" })
      const file = join(yield* directory, "dead.ndjson")
      const written = yield* cli(["dead", "export", "--consumer", consumer, "--state", "any"])
      const sql = yield* SqlClient.SqlClient
      const deadLetters = yield* DeadLetters.list({ consumer })
      // Everything about these messages is lost, but for the export.
      for (const table of ["dead_letters", "holds", "inbox"]) {
        yield* sql`delete from ${sql(`${schema}.${table}`)} where queue_id = (
          select id from ${sql(`${schema}.consumers`)} where name = ${consumer})`
      }
      const [head, ...rest] = written.stdout.trimEnd().split("\n")
      writeFileSync(file, `${head}\n\n{"id":"7"}\n${rest.join("\n")}\nnot JSON\n`)
      const bad = yield* cli(["dead", "import", file, "--yes"])
      assert.strictEqual(bad.code, 2)
      assert.match(bad.stderr, /^2 lines are no dead letters .*\nline 3: .*\nline 6: /)
      assert.lengthOf(yield* DeadLetters.list({ consumer }), 0)

      // Two messages with one dead letter id, as in exports of two databases that were joined.
      const [one, other] = deadLetters
      writeFileSync(file, `${JSON.stringify(one)}\n${JSON.stringify({ ...other, id: one!.id })}\n`)
      const joined = yield* cli(["dead", "import", file, "--yes"])
      assert.strictEqual(joined.code, 2)
      assert.include(joined.stderr, `line 2: its id ${one!.id} is also that of another message (line 1)`)
      const both = yield* Effect.flip(
        (yield* operations).importDeadLetters([one!, { ...other!, id: one!.id }], { ...by, skipExisting: true })
      )
      assert.strictEqual(both._tag, "InvalidDeadLetter")
      assert.lengthOf(yield* DeadLetters.list({ consumer }), 0)

      writeFileSync(file, written.stdout)
      assert.match((yield* cli(["dead", "import", file, "--dry-run"])).stdout, /^Would import 3 dead letters\.\n$/)
      const done = yield* cli(["dead", "import", file, "--yes", "--note", "INC-7"])
      assert.deepStrictEqual([done.code, done.stdout], [0, "imported 3 dead letters.\n"], done.stderr)
      assert.deepStrictEqual(yield* DeadLetters.list({ consumer }), deadLetters)
      const audit = yield* Audit.list({ consumer, action: "imported" })
      assert.deepStrictEqual(audit.map(({ by, note }) => [by, note]), ids(3).map(() => ["anna", "INC-7"]))
      const twice = yield* cli(["dead", "import", file, "--yes"])
      assert.strictEqual(twice.code, 5)
      assert.match(twice.stderr, /^line 1: The dead letter of message exported-\d was not imported/)
      const skipped = yield* cli(["dead", "import", file, "--yes", "--skip-existing"])
      assert.deepStrictEqual(skipped.stdout, "imported 0 dead letters, and left out 3 that exist.\n")
      assert.lengthOf(yield* DeadLetters.list({ consumer }), 3)

      // Parked keys wait again, and each redriven message is processed once.
      const held = yield* Effect.flatMap(operations, (ops) => ops.stuckKeys({ consumer }))
      assert.deepStrictEqual(held.map(({ parked }) => parked), [true, true])
      yield* Effect.forEach(
        deadLetters.filter(({ state }) => state === "open"),
        ({ id }) => DeadLetters.redrive(id, by)
      )
      yield* Worker.drain(pipeline, quick)
      assert.lengthOf(handled, 2)
      const committed = yield* cli(["dead", "import", file, "--yes", "--skip-existing"])
      assert.match(committed.stdout, /left out 3 that exist/)
    }).pipe(Effect.scoped))

  it.effect("an import beside another one imports each dead letter once", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer } = yield* broken("importedTwice", 20)
      const deadLetters = yield* DeadLetters.list({ consumer })
      const sql = yield* SqlClient.SqlClient
      for (const table of ["dead_letters", "inbox"]) {
        yield* sql`delete from ${sql(`${schema}.${table}`)} where queue_id = (
          select id from ${sql(`${schema}.consumers`)} where name = ${consumer})`
      }
      const all = yield* Effect.forEach(
        ids(6),
        (n) => ops.importDeadLetters(deadLetters, { by: `operator ${n}`, skipExisting: true }),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(all.reduce((sum, { imported }) => sum + imported, 0), 20)
      assert.deepStrictEqual(yield* DeadLetters.list({ consumer }), deadLetters)
      const unknown = yield* Effect.flip(ops.importDeadLetters([{ ...deadLetters[0]!, consumer: "unknown" }], by))
      assert.strictEqual(unknown._tag, "ConsumerNotFound")
    }))

  it.effect("a note about a failure group is shown to other operators until an empty one removes it", () =>
    Effect.gen(function*() {
      const { consumer } = yield* broken("noted", 2)
      const ops = yield* operations
      const [group] = yield* ops.failures({ consumer })
      const { fingerprint } = group!
      const noted = (...args: ReadonlyArray<string>) =>
        cli(["dead", "note", fingerprint, "--consumer", consumer, ...args])
      assert.strictEqual((yield* noted()).code, 2)
      assert.strictEqual((yield* cli(["dead", "note", "none", "--consumer", consumer, "--note", "x"])).code, 3)
      assert.strictEqual((yield* noted("--note", "not yet", "--dry-run")).code, 0)
      assert.isUndefined((yield* ops.failures({ consumer }))[0]!.note)
      assert.strictEqual((yield* noted("--note", "bank is down")).code, 0)
      assert.strictEqual((yield* noted("--note", "bank is up, INC-812", "--by", "ben")).code, 0)
      assert.deepInclude((yield* ops.failures({ consumer }))[0]!.note, { by: "ben", text: "bank is up, INC-812" })
      assert.match(
        (yield* cli(["dead", "groups", "--consumer", consumer])).stdout,
        /NOTE\n.*bank is up, INC-812 \(ben\)\n/
      )
      assert.strictEqual((yield* noted("--note", "")).code, 0)
      assert.isUndefined((yield* ops.failures({ consumer }))[0]!.note)
      const audit = yield* Audit.list({ consumer, action: "noted" })
      assert.deepStrictEqual(audit.map(({ note }) => note), ["", "bank is up, INC-812", "bank is down"])
    }))
})
