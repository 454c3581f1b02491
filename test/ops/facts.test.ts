/** The facts of a running system, on Postgres and on PGlite: what is stuck, why, and where one message is. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, type Errors, Pipeline, Retry, Store, Topic, Worker } from "millrace"
import { type Fact, Operations } from "millrace/ops"
import { inject } from "vitest"
import * as FactsSql from "../../src/postgres/sql/facts.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", { retryable: Schema.Boolean }) {}

/** Makes a consumer of its own, so that the tests of an engine share its database. */
const ledger = (name: string) => {
  const Payments = Topic.make(`payments-${name}`, {
    schema: Schema.Struct({ id: Schema.String, account: Schema.String }),
    key: ({ account }) => account,
    id: ({ id }) => id
  })
  const pipeline = (fails: { current: boolean } = { current: true }) =>
    Pipeline.from(Payments, { consumer: name }).pipe(
      Pipeline.tap(({ account }) =>
        fails.current && account.startsWith("bad")
          ? Effect.fail(new Declined({ retryable: false }))
          : fails.current && account.startsWith("slow")
          ? Effect.fail(new Declined({ retryable: true }))
          : Effect.void
      ),
      Pipeline.retry(Retry.exponential("1 hour", { attempts: 8 }), {
        while: (error) => !(error instanceof Declined) || error.retryable
      }),
      Pipeline.deadLetter({ order: "park" })
    )
  const publish = (...ids: ReadonlyArray<string>) =>
    Topic.publishAll(Payments, ids.map((id) => ({ id: `${name}-${id}`, account: id.replace(/\d+$/, "") })))
  return { Payments, pipeline, publish }
}

const exact = (value: number): Fact.Count => ({ value, kind: "exact" })

const facts = Operations.Operations

const consumerOf = (name: string) => Effect.flatMap(facts, (operations) => operations.consumer(name))

/** A queue with one of each: a committed message, a parked key with three behind it, and a delayed key. */
const stuck = Effect.fnUntraced(function*(name: string) {
  const made = ledger(name)
  yield* Worker.drain(made.pipeline(), { codeVersion: "1.4.2" })
  yield* made.publish("bad1", "bad2", "bad3", "bad4", "good1", "slow1", "slow2")
  yield* Worker.drain(made.pipeline(), { codeVersion: "1.4.2" })
  return made
})

const schema = freshSchema()
const { oneKey } = FactsSql.make(Result.getOrThrow(Names.make(schema)))
const engines: ReadonlyArray<readonly [string, Layer.Layer<any, any>]> = [
  ["postgres", postgres(inject("databaseUrl"), {}, schema)],
  ["pglite", pglite({ schema })]
]

for (const [engine, services] of engines) {
  const ports = services as ReturnType<typeof pglite>
  layer(Operations.layer({ schema }).pipe(Layer.provideMerge(ports)), { excludeTestServices: true, timeout: 60_000 })(
    `facts on ${engine}`,
    (it) => {
      it.effect("count what waits behind each held key, and name its dead letter", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          yield* stuck("behind")
          const keys = yield* operations.stuckKeys({ consumer: "behind" })
          const [deadLetter] = yield* DeadLetters.list({ consumer: "behind" })
          assert.deepStrictEqual(keys.map(({ behind, key, parked }) => [key, parked, behind]), [
            ["bad", true, exact(3)],
            ["slow", false, exact(2)]
          ])
          assert.strictEqual(keys[0]!.deadLetter?.id, deadLetter!.id)
          assert.strictEqual(keys[0]!.deadLetter?.tag, "Declined")
          assert.isUndefined(keys[0]!.retryAt)
          assert.deepInclude(keys[0]!.lastFailure, { attempt: 1, tag: "Declined", codeVersion: "1.4.2" })
          assert.deepInclude(keys[1]!.lastFailure, { attempt: 1, failedStep: { name: "tap", position: 1 } })
          assert.isAbove(keys[1]!.retryAt!, keys[1]!.oldestAt!)
          const of = (hold: "parked" | "delayed" | "paused") =>
            Effect.map(operations.stuckKeys({ consumer: "behind", hold }), (page) => page.map(({ key }) => key))
          assert.deepStrictEqual(yield* of("parked"), ["bad"])
          assert.deepStrictEqual(yield* of("delayed"), ["slow"])
          yield* Consumers.pauseKey("behind", "good", { by: "anna" })
          assert.deepStrictEqual(yield* of("paused"), ["good"])
          const [paused] = yield* operations.stuckKeys({ consumer: "behind", hold: "paused" })
          assert.isUndefined(paused!.lastFailure)
          const next = yield* operations.stuckKeys({
            consumer: "behind",
            after: { consumer: "behind", key: "bad" },
            limit: 1
          })
          assert.deepStrictEqual(next.map(({ key }) => key), ["good"])
        }))

      it.effect("explain the lag of a queue in one sentence", () =>
        Effect.gen(function*() {
          const { publish } = yield* stuck("lagging")
          const said = Effect.map(consumerOf("lagging"), ({ lag }) => [lag.cause._tag, lag.sentence] as const)
          const { cause, millis } = (yield* consumerOf("lagging")).lag
          assert.deepStrictEqual([cause._tag, millis], ["NoWorker", 0])
          const store = yield* Store.Store
          const { pipeline } = ledger("lagging")
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline(), { codeVersion: "1.4.3" }))
            yield* eventually(Effect.map(consumerOf("lagging"), ({ freeLanes, workers }) => workers + freeLanes === 1))
            assert.match((yield* said)[1], /^Every message that waits belongs to a held key: 1 parked, 1 delayed\./)
            yield* store.consumers.pause("lagging", { by: "anna", note: "INC-812" })
            assert.match((yield* said)[1], /^Paused by anna since 2\d\d\d-.*Z \(INC-812\)\. Resume/)
            assert.deepStrictEqual((yield* consumerOf("lagging")).codeVersions, ["1.4.3"])
          }))
          yield* store.consumers.resume("lagging", { by: "anna" })
          yield* publish(...Array.from({ length: 30 }, (_, i) => `hot${i}`))
          assert.match((yield* said)[1], /^No worker of this consumer lives\. Start one\.$/)
          assert.isAbove((yield* consumerOf("lagging")).lag.millis, 0)
          const sql = yield* SqlClient.SqlClient
          const hot = (consumer: string) => sql.unsafe<{ key: string; share: number }>(oneKey, [consumer])
          const [most] = yield* hot("lagging")
          assert.deepStrictEqual([most!.key, Math.round(most!.share * 10)], ["hot", 9])
          yield* stuck("short")
          assert.deepStrictEqual(yield* hot("short"), [])
        }))

      it.effect("group failures with the versions that they died on and the versions that run", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          const { pipeline, publish } = yield* stuck("failing")
          yield* publish("badly1")
          yield* Worker.drain(pipeline(), { codeVersion: "1.4.3" })
          const [group, ...others] = yield* operations.failures({ consumer: "failing" })
          const [newest] = yield* DeadLetters.list({ consumer: "failing" })
          assert.deepStrictEqual(others, [])
          assert.deepStrictEqual(
            [group!.deadLetters, group!.diedOn, group!.runningNow, group!.tag, group!.reason, group!.sampleId],
            [exact(2), ["1.4.2", "1.4.3"], [], "Declined", "rejected", newest!.id]
          )
          assert.isBelow(group!.firstAt, group!.lastAt)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline(), { codeVersion: "1.4.4" }))
            const { fingerprint } = group!
            const running = Effect.map(
              operations.failures({ fingerprint }),
              (groups) => groups.find(({ consumer }) => consumer === "failing")?.runningNow.join() === "1.4.4"
            )
            const ofWorkers = Effect.map(
              operations.workers,
              (all) =>
                all.some((one) =>
                  one.consumer === "failing" && one.alive && one.codeVersion === "1.4.4" && one.lanes === 64
                )
            )
            yield* eventually(Effect.zipWith(running, ofWorkers, (a, b) => a && b))
          }))
        }))

      it.effect("say what became of a redrive", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          const { pipeline, publish } = yield* stuck("redriven")
          yield* publish("bade1", "badf1")
          yield* Worker.drain(pipeline())
          const redriven = yield* DeadLetters.list({ consumer: "redriven" })
          assert.lengthOf(redriven, 3)
          for (const { id } of redriven) yield* DeadLetters.redrive(id, { by: "ben", note: "INC-812" })
          const [before] = yield* operations.redrives({ consumer: "redriven" })
          assert.deepStrictEqual([before!.deadLetters, before!.waiting, before!.committed], [exact(3), 3, 0])
          yield* Worker.drain(pipeline())
          const again = (yield* operations.redrives({ consumer: "redriven" }))[0]!
          assert.deepStrictEqual([again.by, again.note, again.failedAgain, again.waiting], ["ben", "INC-812", 3, 0])
          const [one, two] = yield* DeadLetters.list({ consumer: "redriven" })
          yield* DeadLetters.redrive(one!.id, { by: "ben", note: "fixed" })
          yield* DeadLetters.discard(two!.id, { by: "ben" })
          yield* Worker.drain(pipeline({ current: false }))
          const by = yield* operations.redrives({ consumer: "redriven", by: "ben" })
          assert.deepStrictEqual(by.map(({ committed, note }) => [note, committed]), [["fixed", 1], ["INC-812", 1]])
          assert.strictEqual(by[1]!.discarded, 1)
          assert.deepStrictEqual(yield* operations.redrives({ consumer: "redriven", by: "unknown" }), [])
        }))

      it.effect("answer whether a message was handled, wherever it is", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          const { Payments, publish } = yield* stuck("asked")
          const state = (id: string, key?: string) =>
            Effect.map(operations.find(`asked-${id}`, { key }), ({ consumers, sentences }) => [
              consumers[0]?.state,
              sentences.join(" ")
            ])
          const is = Effect.fnUntraced(function*(id: string, expected: string | undefined, said: RegExp, key?: string) {
            const [found, sentence] = yield* state(id, key)
            assert.strictEqual(found, expected, sentence)
            assert.match(sentence!, said)
          })
          yield* is("good1", "committed", /^Consumer "asked" committed it at 2\d\d\d-/)
          yield* is(
            "bad1",
            "dead",
            /^Consumer "asked" could not process it \(rejected, Declined\): dead letter 0\d+ is open/
          )
          yield* is(
            "bad3",
            "held",
            /Its key is parked behind dead letter 0\d+ of message "asked-bad1" \(Declined\)\.$/
          )
          yield* is("bad3", "held", /Its key is parked/, "bad")
          yield* is("slow1", "held", /Its key is held for a retry \(Declined\) until 2\d\d\d-/)
          yield* is("slow2", "held", /Its key is held for a retry of message "asked-slow1" \(Declined\) until 2\d\d\d-/)
          const [behind] = (yield* operations.find("asked-bad3")).consumers
          assert.deepInclude(behind?.hold?.deadLetter, { messageId: "asked-bad1", tag: "Declined" })
          yield* publish("fresh1")
          yield* is("fresh1", "waiting", /in lane \d+, which no live worker owns\.$/)
          yield* is("never", undefined, /^Nothing is known about this id\..*deduplication window \(7d\)/)
          const [deadLetter] = yield* DeadLetters.list({ consumer: "asked" })
          yield* DeadLetters.discard(deadLetter!.id, { by: "ben" })
          yield* is("bad1", "discarded", /ben discarded dead letter/)
          yield* DeadLetters.restore(deadLetter!.id, { by: "ben" })
          yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
          yield* is("bad1", "redriving", /anna redrove dead letter .* its message waits in the queue\.$/)
          const found = yield* operations.find("asked-bad1")
          assert.deepStrictEqual(found.audit.map(({ action }) => action), ["redriven", "restored", "discarded"])
          yield* Topic.publish(Payments, { id: "asked-later", account: "l" }, { delay: "1 hour" })
          const later = yield* operations.find("asked-later")
          assert.deepStrictEqual(later.delayed.map(({ key }) => key), ["l"])
          assert.include((yield* operations.delayed).map(({ topic }) => topic), "payments-asked")
        }))

      it.effect("do not take a message for unknown that they have not searched for to the end", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          const { publish } = yield* stuck("long")
          yield* publish(...Array.from({ length: 300 }, (_, i) => `x${i}`), "last1")
          const found = yield* operations.find("long-nowhere", { mostBytes: 8_192 })
          assert.isFalse(found.searchedAll)
          assert.match(found.sentences.join(), /not searched to their end/)
          assert.strictEqual((yield* operations.find("long-last1")).consumers[0]?.state, "waiting")
          assert.strictEqual((yield* operations.find("long-last1", { key: "last" })).consumers[0]?.state, "waiting")
          assert.isFalse((yield* operations.find("long-last1", { key: "another" })).known)
        }))

      it.effect("list the topics that no consumer reads, with how many messages wait", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          const Typo = Topic.make("paymnets", { schema: Schema.String, id: (text) => text })
          yield* Topic.publishAll(Typo, ["typo1", "typo2"])
          const [topic] = (yield* operations.unrouted).filter(({ topic }) => topic === "paymnets")
          assert.deepStrictEqual(topic?.messages, exact(2))
          const found = yield* operations.find("typo1")
          assert.match(found.sentences[0]!, /no consumer reads its topic "paymnets"\.$/)
        }))

      it.effect("keep a series that the workers write, and rates from it", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          const { pipeline, publish } = yield* stuck("charted")
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline(), { statsEvery: "1 second" }))
            yield* publish("good2", "good3", "good4", "worse1")
            yield* eventually(
              Effect.map(
                operations.series("charted"),
                (points) => points.reduce((sum, { committed }) => sum + committed, 0) === 4
              ),
              "30 seconds"
            )
          }))
          const minute = yield* operations.series("charted", { seconds: 60 })
          assert.strictEqual(minute.reduce((sum, { committed }) => sum + committed, 0), 4)
          const last = minute.at(-1)!
          assert.deepStrictEqual([last.parkedKeys, last.delayedKeys, last.deadLetters], [1, 1, exact(1)])
          assert.deepStrictEqual(yield* operations.series("charted", { from: last.at + 3_600_000 }), [])
          const { rates } = yield* consumerOf("charted")
          assert.isAtLeast(rates.outPerSecond ?? 0, 0)
        }))

      it.effect("add the counts of all workers to one point", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          const { consumers } = yield* Store.Store
          yield* stuck("summed")
          const status = yield* consumers.status("summed")
          const counts = { committed: 2, duplicates: 1, dead: 1, retried: 3 }
          for (let i = 0; i < 4; i++) yield* consumers.record("summed", status, counts)
          const points = yield* operations.series("summed", { seconds: 60 })
          const sum = (field: keyof typeof counts) => points.reduce((all, point) => all + point[field], 0)
          assert.deepStrictEqual([sum("committed"), sum("duplicates"), sum("dead"), sum("retried")], [8, 4, 4, 12])
          assert.isAtMost(points.length, 2)
        }))

      it.effect("keep points of 10 seconds for a day, and points of a minute for a week", () =>
        Effect.gen(function*() {
          const { consumers } = yield* Store.Store
          const sql = yield* SqlClient.SqlClient
          yield* stuck("aging")
          yield* sql.unsafe(`insert into ${schema}.series select id, seconds, now() - age, 0, 0, 0, 0, 0, 0, 0, 0, 0
            from ${schema}.consumers, (values (10, interval '23 hours'), (10, '25 hours'), (60, '25 hours'), (60, '8 days')) p(seconds, age)
            where name = 'aging'`)
          const status = yield* consumers.status("aging")
          yield* consumers.record("aging", status, { committed: 0, duplicates: 0, dead: 0, retried: 0 })
          const left = yield* sql.unsafe<{ seconds: number; hours: number }>(`select seconds,
            round(extract(epoch from now() - at) / 3600)::int as hours from ${schema}.series
            where queue_id = (select id from ${schema}.consumers where name = 'aging') order by seconds, at`)
          assert.deepStrictEqual(left.map(({ hours, seconds }) => [seconds, hours]), [[10, 23], [10, 0], [60, 25], [
            60,
            0
          ]])
        }))

      it.effect("refuse a consumer that does not exist", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          const refusals = yield* Effect.forEach([
            operations.consumer("unknown"),
            operations.stuckKeys({ consumer: "unknown" }),
            operations.failures({ consumer: "unknown" }),
            operations.redrives({ consumer: "unknown" }),
            operations.lanes("unknown"),
            operations.series("unknown")
          ] as ReadonlyArray<Effect.Effect<unknown, Errors.StoreFailure | Errors.ConsumerNotFound>>, Effect.flip)
          assert.deepStrictEqual(refusals.map(({ _tag }) => _tag), Array(6).fill("ConsumerNotFound"))
        }))

      it.effect("show lanes, tables, disk and the oldest snapshot", () =>
        Effect.gen(function*() {
          const operations = yield* facts
          yield* stuck("stored")
          const lanes = yield* operations.lanes("stored")
          assert.lengthOf(lanes, 64)
          assert.strictEqual(lanes.reduce((sum, { waiting }) => sum + waiting.value, 0), 5)
          assert.isTrue(lanes.every(({ owner }) => owner === undefined))
          const storage = yield* operations.storage
          assert.strictEqual(storage.databaseBytes._tag, "Visible")
          assert.strictEqual(storage.walBytes._tag, "Visible")
          assert.include(storage.tables.map(({ table }) => table), "dead_letters")
          assert.strictEqual((yield* operations.oldestSnapshot)._tag, "Visible")
          assert.deepStrictEqual(yield* operations.blockers, [])
          const all = yield* operations.consumers
          const one = all.find(({ consumer }) => consumer === "stored")
          assert.deepStrictEqual(
            [one!.waiting, one!.parkedKeys, one!.delayedKeys, one!.deadLetters],
            [exact(5), exact(1), exact(1), exact(1)]
          )
        }))
    }
  )
}
