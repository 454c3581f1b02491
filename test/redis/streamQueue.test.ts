/** The requests to a group of a stream, on a real Redis: who has an entry, and what is found out about removed ones. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { RedisConnection } from "millrace/redis"
import { Dice } from "../faults/dice.ts"
import { limit } from "../harness/patience.ts"
import { anyServer, redisRuns } from "./redisServer.ts"
import { queues, readAll } from "./streamKit.ts"

const runs = await redisRuns("the tests of the group of a Redis stream")
const connection = Layer.unwrap(Effect.map(anyServer, (url) => RedisConnection.layer(url ?? "")))
const idsOf = (entries: ReadonlyArray<{ readonly messageId: string }>) => entries.map(({ messageId }) => messageId)
const outcomes = (results: ReadonlyArray<{ readonly outcome: string } | undefined>) =>
  results.map((result) => result?.outcome)

describe.runIf(runs)("a delivery of a group", () => {
  it.live("that is renewed is handed to no other worker, and to another one a lease after its last renewal", () =>
    Effect.gen(function*() {
      const lease = limit(300)
      const { add, queue } = yield* queues(lease)
      const [a, b] = [queue("a"), queue("b")]
      const [id = ""] = yield* add(1)
      const [got] = yield* readAll(a, lease)
      assert.deepInclude(got, { messageId: id, receiveCount: 1 })
      for (let i = 0; i < 9; i++) {
        yield* Effect.sleep(lease / 3)
        assert.deepStrictEqual(outcomes(yield* a.renew([{ handle: got!.handle, millis: lease }])), [undefined])
        assert.deepStrictEqual(yield* readAll(b, lease), [])
      }
      yield* Effect.sleep(lease + 20)
      assert.deepInclude((yield* readAll(b, lease))[0], { messageId: id, receiveCount: 2 })
    }).pipe(Effect.provide(connection)))

  it.live("that another one has replaced is refused: it is not renewed, given back or stolen back", () =>
    Effect.gen(function*() {
      const lease = 50
      const { add, queue, redis, stream } = yield* queues(lease)
      const [a, b] = [queue("a"), queue("b")]
      yield* add(1)
      const [stale] = yield* readAll(a, lease)
      yield* Effect.sleep(lease + 20)
      const [got] = yield* readAll(b, lease)
      assert.deepStrictEqual(outcomes(yield* a.renew([{ handle: stale!.handle, millis: lease }])), ["refused"])
      assert.deepStrictEqual(outcomes(yield* a.hide([{ handle: stale!.handle, millis: 0 }])), ["refused"])
      assert.deepStrictEqual(outcomes(yield* b.renew([{ handle: got!.handle, millis: lease }])), [undefined])
      const [owner] = yield* redis.send<ReadonlyArray<ReadonlyArray<unknown>>>("XPENDING", stream, "g", "-", "+", "9")
      assert.strictEqual(owner![1], "b")
      // The same consumer got it again: its older delivery is over as well.
      yield* Effect.sleep(lease + 20)
      yield* readAll(b, lease)
      assert.deepStrictEqual(outcomes(yield* b.renew([{ handle: got!.handle, millis: lease }])), ["refused"])
      // A commit has happened, so an acknowledgement is right, also while another worker has the entry.
      yield* a.remove([stale!.handle])
      assert.deepStrictEqual(yield* redis.send("XLEN", stream), 0)
    }).pipe(Effect.provide(connection)))

  it.live("that is given back is handed out at once, or when it is due", () =>
    Effect.gen(function*() {
      const lease = limit(400)
      const { add, queue } = yield* queues(lease)
      const [a, b] = [queue("a"), queue("b")]
      const [one, two, three] = yield* add(3)
      const got = yield* readAll(a, lease)
      yield* a.hide([
        { handle: got[0]!.handle, millis: 0 },
        { handle: got[1]!.handle, millis: lease / 2 },
        { handle: got[2]!.handle, millis: 10 * lease }
      ])
      const now = yield* readAll(b, lease)
      assert.deepStrictEqual(idsOf(now), [one])
      yield* b.remove(now.map(({ handle }) => handle))
      yield* Effect.sleep(lease / 2 + 20)
      assert.deepStrictEqual(idsOf(yield* readAll(b, lease)), [two])
      // A group keeps an entry back for one lease at most. The store knows that its time has not come.
      yield* Effect.sleep(lease / 2 + 20)
      assert.deepStrictEqual(idsOf(yield* readAll(b, lease)), [three])
    }).pipe(Effect.provide(connection)))

  it.live("that is acknowledged is deleted, but not while another group reads the stream", () =>
    Effect.gen(function*() {
      const { add, queue, redis, stream } = yield* queues(1000)
      const a = queue("a")
      const acknowledge = (got: ReadonlyArray<{ readonly handle: string }>) => a.remove(got.map(({ handle }) => handle))
      yield* add(2)
      yield* acknowledge(yield* readAll(a, 1000))
      assert.strictEqual(yield* redis.send("XLEN", stream), 0)
      yield* redis.send("XGROUP", "CREATE", stream, "other", "0")
      yield* add(2)
      yield* acknowledge(yield* readAll(a, 1000))
      assert.strictEqual(yield* redis.send("XLEN", stream), 2)
      const keeping = yield* queues(1000, false)
      yield* keeping.add(1)
      const [got] = yield* readAll(keeping.queue("a"), 1000)
      yield* keeping.queue("a").remove([got!.handle])
      assert.strictEqual(yield* redis.send("XLEN", keeping.stream), 1)
      assert.deepStrictEqual(yield* readAll(keeping.queue("a"), 1000), [])
    }).pipe(Effect.provide(connection)))

  it.live("that waits for new entries gets them while it waits, and its wait has an end", () =>
    Effect.gen(function*() {
      const { add, queue } = yield* queues(10_000)
      const wait = queue("a").receive({ most: 10, waitMillis: 100, leaseMillis: 10_000 })
      assert.deepStrictEqual(yield* wait, [])
      const [got, [id]] = yield* Effect.all([
        queue("a").receive({ most: 10, waitMillis: 10_000, leaseMillis: 10_000 }),
        Effect.delay(add(1), "50 millis")
      ], { concurrency: 2 })
      assert.deepStrictEqual(idsOf(got), [id])
    }).pipe(Effect.provide(connection)))
})

/** The command at the end of an error's text. */
const commandOf = (detail: string): readonly [string, ...ReadonlyArray<string>] =>
  detail.slice(detail.lastIndexOf(", run ") + ", run ".length).split(" ") as never

describe.runIf(runs)("entries that were removed from the stream", () => {
  it.live("before the group read them are a permanent error, and its command continues without them", () =>
    Effect.gen(function*() {
      const { add, queue, redis, stream } = yield* queues(1000)
      const a = queue("a")
      yield* add(2)
      yield* a.remove((yield* readAll(a, 1000)).map(({ handle }) => handle))
      yield* add(5)
      yield* redis.send("XTRIM", stream, "MAXLEN", "2")
      for (let i = 0; i < 2; i++) {
        const error = yield* Effect.flip(readAll(a, 1000))
        assert.deepInclude(error, { _tag: "TransportError", kind: "permanent" })
        assert.match(error.detail, /^3 entries of stream/)
      }
      const [name, ...args] = commandOf((yield* Effect.flip(readAll(a, 1000))).detail)
      yield* redis.send(name, ...args)
      assert.lengthOf(yield* readAll(a, 1000), 2)
      yield* redis.send("XADD", stream, "MAXLEN", "1", "*", "data", "{}")
    }).pipe(Effect.provide(connection)))

  it.live("all of them, before the group read them, are found, too", () =>
    Effect.gen(function*() {
      const { add, queue, redis, stream } = yield* queues(1000, false)
      const a = queue("a")
      yield* add(2)
      yield* a.remove((yield* readAll(a, 1000)).map(({ handle }) => handle))
      yield* add(3)
      yield* redis.send("XTRIM", stream, "MAXLEN", "0")
      assert.match((yield* Effect.flip(readAll(a, 1000))).detail, /^3 entries of stream/)
    }).pipe(Effect.provide(connection)))

  it.live("while they were pending are a permanent error for every worker, and its command continues", () =>
    Effect.gen(function*() {
      const { add, queue, redis, stream } = yield* queues(1000)
      const [a, b] = [queue("a"), queue("b")]
      const [, , third] = yield* add(3)
      const got = yield* readAll(a, 1000)
      yield* redis.send("XTRIM", stream, "MAXLEN", "1")
      // The owner still has the message. It keeps it, since no other worker can get it.
      assert.deepStrictEqual(outcomes(yield* a.renew(got.map(({ handle }) => ({ handle, millis: 1000 })))), [
        undefined,
        undefined,
        undefined
      ])
      for (const worker of [a, b, b]) {
        assert.deepInclude(yield* Effect.flip(readAll(worker, 1000)), { kind: "permanent" })
      }
      const [name, ...args] = commandOf((yield* Effect.flip(readAll(b, 1000))).detail)
      yield* redis.send(name, ...args)
      yield* Effect.sleep(1020)
      assert.deepStrictEqual(idsOf(yield* readAll(queue("c"), 1000)), [third])
    }).pipe(Effect.provide(connection)))

  it.live("one by one, by XDEL, while they were pending, are found at the next renewal or takeover", () =>
    Effect.gen(function*() {
      const { add, queue, redis, stream } = yield* queues(100)
      const [a, b] = [queue("a"), queue("b")]
      const [, second = ""] = yield* add(3)
      const got = yield* readAll(a, 100)
      yield* redis.send("XDEL", stream, second)
      yield* a.renew(got.map(({ handle }) => ({ handle, millis: 100 })))
      assert.include((yield* Effect.flip(readAll(a, 100))).detail, second)
      yield* Effect.sleep(120)
      assert.include((yield* Effect.flip(readAll(b, 100))).detail, second)
    }).pipe(Effect.provide(connection)))

  it.live("after they were acknowledged are no error", () =>
    Effect.gen(function*() {
      const { add, queue, redis, stream } = yield* queues(10_000, false)
      const a = queue("a")
      yield* add(5)
      const got = yield* readAll(a, 10_000, 4)
      yield* a.remove(got.slice(0, 3).map(({ handle }) => handle))
      yield* redis.send("XTRIM", stream, "MINID", got[3]!.messageId)
      assert.lengthOf(yield* readAll(a, 10_000), 1)
      assert.deepStrictEqual(yield* readAll(a, 10_000), [])
    }).pipe(Effect.provide(connection)))

  it.live("with their group or stream are a permanent error, which names the command that creates the group", () =>
    Effect.gen(function*() {
      const { add, queue, redis, stream } = yield* queues(1000)
      yield* add(1)
      const got = yield* readAll(queue("a"), 1000)
      yield* redis.send("XGROUP", "DESTROY", stream, "g")
      for (let i = 0; i < 2; i++) {
        const error = yield* Effect.flip(readAll(queue("a"), 1000))
        assert.deepInclude(error, { kind: "permanent" })
        assert.include(error.detail, `XGROUP CREATE ${stream} g 0 MKSTREAM`)
        yield* redis.send("DEL", stream)
      }
      assert.deepInclude(yield* Effect.flip(queue("a").renew([{ handle: got[0]!.handle, millis: 1000 }])), {
        kind: "permanent"
      })
      yield* redis.send("SET", stream, "a text")
      assert.match((yield* Effect.flip(readAll(queue("a"), 1000))).detail, /WRONGTYPE/)
    }).pipe(Effect.provide(connection)))
})

const seeds = Number(process.env["STREAM_SEEDS"] ?? 12)
const first = Number(process.env["STREAM_SEED"] ?? 1)

/** A delivery that a worker of the schedule has. */
interface InHand {
  readonly id: string
  readonly handle: string
}

describe.runIf(runs)("random schedules of a group", () => {
  it.live(
    "leave an entry to one worker at a time, lose none, and report no loss that did not happen",
    () =>
      Effect.gen(function*() {
        for (let seed = first; seed < first + seeds; seed++) {
          const dice = new Dice(seed)
          const lease = 40
          const { add, queue, redis, stream } = yield* queues(lease, dice.next() < 0.5)
          const workers = ["a", "b", "c"].map((name) => ({ queue: queue(name), has: [] as Array<InHand> }))
          /** The newest delivery of each entry. Only its handle may be renewed or given back. */
          const newest = new Map<string, string>()
          const committed = new Set<string>()
          const all: Array<string> = []
          const says = (what: string) => `seed ${seed} (repeat it by STREAM_SEED=${seed} STREAM_SEEDS=1): ${what}`
          for (let step = 0; step < 120; step++) {
            const worker = dice.pick(workers)
            const roll = dice.next()
            const [one] = worker.has
            if (roll < 0.25) all.push(...yield* add(dice.whole(1, 4)))
            else if (roll < 0.5) {
              for (const { handle, messageId: id } of yield* readAll(worker.queue, lease, dice.whole(1, 6))) {
                newest.set(id, handle)
                worker.has.push({ id, handle })
              }
            } else if (roll < 0.65 || one === undefined) yield* Effect.sleep(dice.whole(1, 30))
            else {
              const owner = newest.get(one.id) === one.handle && !committed.has(one.id)
              if (roll < 0.75) {
                const [result] = yield* worker.queue.renew([{ handle: one.handle, millis: lease }])
                assert.strictEqual(result === undefined, owner, says(`renewal of ${one.id}`))
                continue
              }
              // The others are given back, committed, or left by a worker that crashes.
              worker.has.shift()
              if (roll < 0.85) {
                const [result] = yield* worker.queue.hide([{ handle: one.handle, millis: dice.whole(0, 60) }])
                assert.strictEqual(result === undefined, owner, says(`giving back of ${one.id}`))
                if (owner) newest.delete(one.id)
              } else if (roll < 0.95) {
                yield* worker.queue.remove([one.handle])
                committed.add(one.id)
              }
            }
          }
          for (let round = 0; round < 100 && committed.size < all.length; round++) {
            yield* Effect.sleep(lease / 2)
            const left = yield* readAll(workers[0]!.queue, lease)
            yield* workers[0]!.queue.remove(left.map(({ handle }) => handle))
            for (const { messageId } of left) committed.add(messageId)
          }
          assert.deepStrictEqual([...committed].toSorted(), all.toSorted(), says("every entry is committed"))
          const [pending] = yield* redis.send<readonly [number]>("XPENDING", stream, "g")
          assert.strictEqual(pending, 0, says("nothing is pending"))
        }
      }).pipe(Effect.provide(connection)),
    limit(60_000)
  )
})
