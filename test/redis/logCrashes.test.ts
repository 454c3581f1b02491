/** A log of Redis Streams whose workers are killed or frozen, and whose keys an operator pauses. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Memory, Pipeline, Store, Worker } from "millrace"
import { fileURLToPath } from "node:url"
import * as MessageId from "../../src/MessageId.ts"
import * as Child from "../harness/child.ts"
import { limit } from "../harness/patience.ts"
import { takenOver } from "../harness/takenOver.ts"
import { type Order, order, orders } from "../worker/support.ts"
import type { Setup } from "./log-program.ts"
import { idsIn, idsOf, type Ledger, ledger, logOf, opened, processed, takenFrom, withLedger } from "./logKit.ts"
import { anyServer, redisRuns } from "./redisServer.ts"
import { freshStream, quiet, send, until } from "./streamKit.ts"

const runs = await redisRuns("the tests of crashes on a log of Redis Streams")
const wait = limit(60_000)
const program = fileURLToPath(new URL("log-program.ts", import.meta.url))
const idsFor = (account: string, count: number) => orders(account, count).map(({ id }) => id)

const started = ({ where }: Ledger, name: string, change: Partial<Setup> = {}) =>
  Child.start({
    name,
    program,
    setup: { ...where, name, leaseMillis: limit(1500), waitMillis: 0, fatal: "", ...change } satisfies Setup
  })

/** Runs a worker on the log until it fails, and returns its error. */
const failure = ({ write }: Ledger) =>
  Worker.run(ledger.pipe(Pipeline.commit((one: Order) => write(one))), { idlePoll: "50 millis" }).pipe(
    Effect.flip,
    Effect.timeout(limit(20_000))
  )

describe.runIf(runs)("a worker on a log of Redis Streams", () => {
  it.live(
    "that is killed loses its lanes after its lease, and every message has one effect, in order",
    () =>
      withLedger((log) =>
        Effect.scoped(Effect.gen(function*() {
          const first = yield* started(log, "first", { waitMillis: 300 })
          yield* send(["a", "b", "c", "d", "e", "f"].flatMap((account) => orders(account, 10)))
          yield* log.has(8)
          yield* first.signal("SIGKILL")
          const second = yield* started(log, "second")
          yield* log.has(60)
          yield* Child.stop(second)
          const rows = yield* log.rows
          assert.strictEqual(rows.length, 60)
          for (const account of ["a", "b", "c", "d", "e", "f"]) {
            assert.deepStrictEqual(idsOf(rows, account), idsFor(account, 10))
          }
        }))
      ),
    wait
  )

  it.live(
    "that is killed is followed by another one within one lease and a poll, and not before its lease ends",
    () =>
      withLedger((log) =>
        Effect.scoped(Effect.gen(function*() {
          const leaseMillis = limit(2000)
          yield* send(orders("a", 2))
          const first = yield* started(log, "first", { leaseMillis, waitMillis: 600_000 })
          yield* first.said("begins a1")
          const second = yield* started(log, "second", { leaseMillis })
          yield* takenOver(first, second, "a1", leaseMillis)
          yield* log.has(2)
          yield* Child.stop(second)
          assert.deepStrictEqual((yield* log.rows).map(({ id, worker }) => [id, worker]), [
            ["a1", "second"],
            ["a2", "second"]
          ])
        }))
      ),
    wait
  )

  it.live(
    "that was frozen beyond its lease commits nothing that its next owner has",
    () =>
      withLedger((log) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send(orders("a", 3))
          const frozen = yield* started(log, "frozen", { waitMillis: 1000 })
          yield* frozen.said("begins a1")
          yield* frozen.signal("SIGSTOP")
          const second = yield* started(log, "second")
          yield* log.has(3)
          yield* frozen.signal("SIGCONT")
          yield* Child.stop(second)
          yield* send([order("a", 4)])
          yield* frozen.said("begins a4")
          yield* log.has(4)
          yield* Child.stop(frozen)
          const rows = yield* log.rows
          assert.deepStrictEqual(rows.map(({ id, worker }) => [id, worker]), [
            ["a1", "second"],
            ["a2", "second"],
            ["a3", "second"],
            ["a4", "frozen"]
          ])
        }))
      ),
    wait
  )

  it.live(
    "settles nothing when another one has claimed its lanes, which begins with what was in flight",
    () =>
      withLedger(() =>
        Effect.gen(function*() {
          const store = yield* Store.Store
          const taking = Effect.fnUntraced(function*(worker: string, lease: number, last: string) {
            const subscription = yield* opened(worker, lease)
            const { got, next } = takenFrom(subscription)
            yield* until(`it has ${last}`, Effect.map(next(9), () => idsIn(got).includes(last)))
            // The next read finds what the takeover has moved into the lane.
            yield* next(9)
            return { got, settled: Effect.map(store.transact(subscription.removeInTransaction(got)), idsIn) }
          })
          yield* send(orders("a", 2))
          const first = yield* taking("first", 200, "a2")
          yield* send([order("b", 1)])
          // It renews nothing, so the next one gets its lane, and counts a crash for what it had in flight.
          const second = yield* taking("second", limit(30_000), "b1")
          assert.deepStrictEqual(second.got.map(({ crashCount, message: { id } }) => [id, crashCount]), [
            ["b1", 0],
            ["a1", 1],
            ["a2", 1]
          ])
          assert.deepStrictEqual(yield* first.settled, [])
          assert.deepStrictEqual((yield* second.settled).toSorted(), ["a1", "a2", "b1"])
        }).pipe(Effect.scoped), 1),
    wait
  )

  it.live(
    "counts the crash of its dead owner for what was in flight, behind settled entries",
    () =>
      withLedger(() =>
        Effect.gen(function*() {
          const { inbox, transact } = yield* Store.Store
          const subscription = yield* opened("first", limit(1500))
          const first = takenFrom(subscription, 2)
          yield* send([order("a", 1), ...orders("b", 3)])
          yield* until("it has three", Effect.map(first.next(9), () => first.got.length === 3))
          const settled = first.got.slice(1)
          assert.deepStrictEqual(idsIn(settled), ["b1", "b2"])
          const claims = settled.map(({ message }) => ({ id: message.id, fingerprint: MessageId.ofMessage(message) }))
          yield* transact(inbox.claim("ledger", claims))
          yield* subscription.acknowledge(settled)
          yield* until("it has b3", Effect.map(first.next(9), () => first.got.length === 4))
          const second = takenFrom(yield* opened("second", limit(30_000)), 2)
          yield* until("it has both", Effect.map(second.next(9), () => second.got.length === 2))
          assert.deepStrictEqual(second.got.map(({ crashCount, message: { id } }) => [id, crashCount]), [
            ["a1", 1],
            ["b3", 1]
          ])
        }).pipe(Effect.scoped), 1),
    wait
  )

  it.live(
    "that a message crashes again and again makes a dead letter of it, and of no other one",
    () =>
      withLedger((log) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send([...orders("a", 3), ...orders("b", 3)])
          const open = DeadLetters.list({ consumer: "ledger" })
          const restarting = Effect.forever(Effect.scoped(
            Effect.flatMap(started(log, "worker", { fatal: "a2" }), ({ ended }) => ended)
          ))
          const supervisor = yield* Effect.forkChild(restarting)
          yield* until("a dead letter is there", Effect.map(open, ({ length }) => length > 0))
          yield* log.has(5)
          yield* Fiber.interrupt(supervisor)
          const dead = yield* open
          assert.deepStrictEqual(dead.map(({ message: { id }, reason }) => [id, reason]), [["a2", "crashed"]])
          const rows = yield* log.rows
          assert.deepStrictEqual(idsOf(rows, "a"), ["a1", "a3"])
          assert.deepStrictEqual(idsOf(rows, "b"), idsFor("b", 3))
        }))
      ),
    limit(120_000)
  )

  it.live(
    "keeps the order of a key that an operator pauses while a message of it fails",
    () =>
      withLedger(() =>
        Effect.gen(function*() {
          const { consumers, transact } = yield* Store.Store
          const subscription = yield* opened("first", limit(30_000))
          const { got, next } = takenFrom(subscription)
          const has = (count: number) => until(`it has ${count}`, Effect.map(next(9), () => got.length >= count))
          yield* send([order("a", 1), order("b", 1)])
          yield* has(2)
          yield* consumers.pauseKey("ledger", "a", { by: "operator", note: "" })
          yield* send([order("a", 2), order("b", 2)])
          // The reader compares the held keys with the database at its next read.
          yield* subscription.whileNotReading(got[1]!, Effect.void)
          yield* has(4)
          assert.deepStrictEqual(idsIn(got), ["a1", "b1", "b1", "b2"])
          const hold = subscription.hold(got[0]!, [], { _tag: "Delayed", delay: Duration.zero })
          yield* subscription.whileNotReading(got[0]!, transact(hold))
          yield* consumers.resumeKey("ledger", "a", { by: "operator", note: "" })
          yield* has(6)
          assert.deepStrictEqual(idsIn(got).slice(4), ["a1", "a2"])
        }).pipe(Effect.scoped), 1),
    wait
  )

  it.live(
    "moves an entry of a paused key into its lane while an older entry of its shard is in flight",
    () =>
      withLedger(({ where: { schema } }) =>
        Effect.gen(function*() {
          const { consumers } = yield* Store.Store
          const sql = yield* SqlClient.SqlClient
          const subscription = yield* opened("first", limit(30_000))
          const { got, next } = takenFrom(subscription)
          const has = (count: number) => until(`it has ${count}`, Effect.map(next(9), () => got.length >= count))
          yield* send([order("a", 1), order("b", 1)])
          yield* has(2)
          yield* consumers.pauseKey("ledger", "b", { by: "operator", note: "" })
          yield* send([order("b", 2), order("c", 1)])
          yield* subscription.whileNotReading(got[0]!, Effect.void)
          yield* has(4)
          assert.deepStrictEqual(idsIn(got), ["a1", "b1", "a1", "c1"])
          yield* subscription.acknowledge([got[1]!])
          yield* next(9)
          assert.deepStrictEqual(yield* sql`select id from ${sql(`${schema}.messages`)}`, [{ id: "b2" }])
        }).pipe(Effect.scoped), 1),
    wait
  )

  it.live(
    "refuses another number of lanes, and another log of its consumer",
    () =>
      withLedger((log) =>
        Effect.gen(function*() {
          const pipeline = ledger.pipe(Pipeline.commit((one: Order) => log.write(one)))
          const lanes = yield* Effect.flip(Worker.run(pipeline, { lanes: 64 }))
          assert.deepInclude(lanes, { _tag: "Unsupported", asked: "64 lanes" })
          yield* processed(log, orders("a", 1))
          const other = logOf({ ...log.where, stream: `${log.where.stream}-other` })
          const named = yield* Effect.exit(Effect.provide(failure(log), other))
          assert.isTrue(Exit.isSuccess(named) && String(named.value).includes("has the positions of log"))
        })
      ),
    wait
  )

  it.live("refuses a store that has no place for positions", () =>
    Effect.gen(function*() {
      const where = { redis: (yield* anyServer) ?? "", stream: freshStream(), database: "", schema: "" }
      const layers = Layer.provideMerge(quiet, Layer.provideMerge(logOf(where), Memory.layer))
      const refused = yield* Effect.flip(
        Effect.provide(Worker.run(ledger.pipe(Pipeline.tap(() => Effect.void))), layers)
      )
      assert.deepInclude(refused, { _tag: "Unsupported", engine: "redis-log" })
    }).pipe(Effect.scoped))
})
