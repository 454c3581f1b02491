/** A failing message of SQS moves into the lanes of the store, and is retried, parked and redriven there in order. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, type Delivery, Hold, Pipeline, Retry, Store, Worker } from "millrace"
import { mostOfKey } from "../../src/postgres/queue/OverflowLanes.ts"
import { claimOf, failure } from "../../src/testing/conformance/kit.ts"
import { limit } from "../harness/patience.ts"
import { until } from "../redis/streamKit.ts"
import { Declined, type Order, order, Orders, orders } from "../worker/support.ts"
import { during, type Ledger, ledger, opened, taken, withLedger } from "./overflowKit.ts"
import { send } from "./sqsKit.ts"

const wait = limit(60_000)
const of = (ids: ReadonlyArray<string>, account: string) => ids.filter((id) => id.startsWith(account))
const idsFor = (account: string, count: number) => orders(account, count).map(({ id }) => id)

/** Fails with `Declined` while `fails` says so. */
const failing = (write: Ledger["write"], fails: (order: Order) => boolean) =>
  ledger.pipe(
    Pipeline.mapEffect((one: Order) =>
      fails(one) ? Effect.fail(new Declined({ reason: "not yet" })) : Effect.succeed(one)
    ),
    Pipeline.commit((one) => write(one))
  )

/** Longer than SQS can hide a message. */
const beyondCeiling = Retry.exponential("13 hours", { attempts: 5, factor: 1, jitter: false })

type Opened = Effect.Success<ReturnType<typeof opened>>

/** Makes a message a dead letter, as a worker does. Says what has come of it. */
const dies = (subscription: Opened, delivery: Delivery.Delivery, parked: boolean) =>
  Effect.flatMap(Store.Store, (store) =>
    subscription.whileNotReading(
      delivery,
      store.transact(Effect.gen(function*() {
        if ((yield* subscription.removeInTransaction([delivery])).length === 0) return "not ours"
        const [id] = yield* store.deadLetters.add("ledger", [{
          delivery,
          reason: "rejected",
          attempts: [failure(1)],
          fingerprint: "f",
          parked
        }])
        if (id === undefined) return "settled"
        if (parked) yield* subscription.hold(delivery, [failure(1)], Hold.parked)
        return id
      }))
    ))

/** Commits deliveries as a worker does. Returns the ids that were committed. */
const commits = (
  subscription: Opened,
  deliveries: ReadonlyArray<Delivery.Delivery>
) =>
  Effect.flatMap(Store.Store, (store) =>
    Effect.tap(
      store.transact(Effect.gen(function*() {
        const ours = yield* subscription.removeInTransaction(deliveries)
        const claims = yield* store.inbox.claim("ledger", ours.map(claimOf))
        return ours.flatMap(({ message }, i) => claims[i] === "fresh" ? [message.id] : [])
      })),
      (ids) => subscription.acknowledge(deliveries.filter(({ message }) => ids.includes(message.id)))
    ))

describe.concurrent("a failing message of a FIFO queue", () => {
  it.live(
    "waits in the store for longer than SQS can hide it, with what is behind it, and other keys continue",
    () =>
      withLedger(true, ({ due, emptied, has, held, ids, moved, write }) =>
        Effect.gen(function*() {
          let tries = 0
          const pipeline = failing(write, (one) => one.id === "bad2" && ++tries < 3).pipe(Pipeline.retry(beyondCeiling))
          yield* send([...orders("bad", 4), ...orders("good", 4)])
          yield* during(
            pipeline,
            Effect.gen(function*() {
              yield* has(5)
              yield* emptied
              assert.deepStrictEqual(of(yield* ids, "bad"), ["bad1"])
              assert.deepStrictEqual(of(yield* ids, "good"), idsFor("good", 4))
              assert.deepStrictEqual([yield* held, yield* moved], [["bad"], ["bad2", "bad3", "bad4"]])
              // Later messages stand behind the held one, too.
              yield* send([...orders("bad", 6).slice(4), order("good", 5)])
              yield* has(6)
              yield* emptied
              assert.deepStrictEqual(yield* moved, ["bad2", "bad3", "bad4", "bad5", "bad6"])
              yield* until("it is tried again", Effect.map(due, () => tries >= 2))
              yield* until("all are there", Effect.andThen(due, Effect.map(ids, ({ length }) => length === 11)))
              // When the key has nothing left in the store, its messages come from the queue again.
              yield* until("the lanes are empty", Effect.map(moved, ({ length }) => length === 0))
              yield* send([order("bad", 7)])
              yield* has(12)
            })
          )
          assert.strictEqual(tries, 3)
          assert.deepStrictEqual(of(yield* ids, "bad"), idsFor("bad", 7))
        })),
    wait
  )

  it.live(
    "parks its key until an operator redrives it, and the key then continues in order",
    () =>
      withLedger(true, ({ emptied, has, ids, moved, write }) =>
        Effect.gen(function*() {
          let refuses = true
          const pipeline = failing(write, (one) => one.id === "bad2" && refuses).pipe(
            Pipeline.retry(Retry.never),
            Pipeline.deadLetter({ order: "park" })
          )
          yield* send([...orders("bad", 4), ...orders("good", 3)])
          yield* during(
            pipeline,
            Effect.gen(function*() {
              yield* has(4)
              yield* emptied
              yield* send([order("bad", 5)])
              yield* emptied
              assert.deepStrictEqual(of(yield* ids, "bad"), ["bad1"])
              assert.deepStrictEqual(yield* moved, ["bad3", "bad4", "bad5"])
              refuses = false
              const [dead] = yield* DeadLetters.list({ consumer: "ledger" })
              assert.deepInclude(dead, { parked: true, state: "open" })
              yield* DeadLetters.redrive(dead!.id, { by: "ann" })
              yield* has(8)
            })
          )
          assert.deepStrictEqual(of(yield* ids, "bad"), idsFor("bad", 5))
        })),
    wait
  )

  it.live(
    "that is redriven is processed before messages that SQS hands out later, by any worker",
    () =>
      withLedger(true, ({ emptied, moved }) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send(orders("bad", 2))
          const first = yield* opened("first", "10 seconds")
          const [bad1, bad2] = yield* taken(first, 2)
          const deadLetterId = yield* dies(first, bad1!, false)
          yield* first.acknowledge([bad1!])
          assert.deepStrictEqual(yield* commits(first, [bad2!]), ["bad2"])
          yield* DeadLetters.redrive(deadLetterId, { by: "ann" })
          const [again] = yield* taken(first, 1)
          assert.strictEqual(again!.message.id, "bad1")
          // Another worker gets the later message while the redriven one runs, and moves it behind that one.
          const second = yield* opened("second")
          yield* send([order("bad", 3)])
          const got: Array<Delivery.Delivery> = []
          yield* until(
            "the later one has moved",
            Effect.andThen(
              second.take({ messages: 9, bytes: 1e6, perKey: 9 }, (some) => got.push(...some)),
              Effect.map(moved, (ids) => ids.includes("bad3"))
            )
          )
          yield* emptied
          assert.deepStrictEqual([got, yield* moved], [[], ["bad1", "bad3"]])
          assert.deepStrictEqual(yield* commits(first, [again!]), ["bad1"])
          assert.strictEqual((yield* taken(first, 1))[0]!.message.id, "bad3")
        }))),
    wait
  )

  it.live(
    "comes again if its delete is lost after the COMMIT, and is neither moved twice nor run before its retry",
    () =>
      withLedger(true, ({ due, emptied, held, ids, model, moved, write }) =>
        Effect.gen(function*() {
          let tries = 0
          const pipeline = failing(write, (one) => one.id === "bad1" && ++tries < 2).pipe(Pipeline.retry(beyondCeiling))
          yield* send(orders("bad", 3))
          // No delete of the first process reaches SQS: it dies between COMMIT and delete.
          model.weather = { fails: (operation) => operation === "remove" }
          yield* during(
            pipeline,
            until("it is held", Effect.map(held, ({ length }) => length === 1)),
            { lease: "1 second", grace: 0 }
          )
          assert.strictEqual(model.size, 3)
          model.weather = {}
          yield* during(
            pipeline,
            Effect.gen(function*() {
              yield* emptied
              assert.deepStrictEqual([tries, yield* moved], [1, ["bad1", "bad2", "bad3"]])
              yield* until("all are there", Effect.andThen(due, Effect.map(ids, ({ length }) => length === 3)))
            }),
            { lease: "1 second" }
          )
          assert.deepStrictEqual([tries, yield* ids], [2, idsFor("bad", 3)])
        })),
    wait
  )

  it.live(
    "stays at SQS when the transaction of its hold is rolled back",
    () =>
      withLedger(true, ({ held, model, moved }) =>
        Effect.scoped(Effect.gen(function*() {
          const store = yield* Store.Store
          yield* send(orders("bad", 2))
          const subscription = yield* opened("w")
          const [first] = yield* taken(subscription, 2)
          const rolledBack = store.transact(
            Effect.andThen(
              subscription.hold(first!, [failure(1)], Hold.delayed(Duration.hours(13))),
              Effect.fail("no" as const)
            )
          )
          assert.strictEqual(yield* Effect.flip(subscription.whileNotReading(first!, rolledBack)), "no")
          assert.deepStrictEqual([model.size, yield* held, yield* moved], [2, [], []])
          // The worker still has both, so both can be committed.
          assert.deepStrictEqual(yield* commits(subscription, [first!]), ["bad1"])
        }))),
    wait
  )

  it.live(
    "is flushed to disk before SQS forgets it, also where the session does not flush",
    () =>
      withLedger(true, ({ emptied }) =>
        Effect.scoped(Effect.gen(function*() {
          const store = yield* Store.Store
          const sql = yield* SqlClient.SqlClient
          yield* send(orders("bad", 1))
          const subscription = yield* opened("w")
          const [first] = yield* taken(subscription, 1)
          const [row] = yield* store.transact(
            sql.unsafe("set local synchronous_commit = off").pipe(
              Effect.andThen(subscription.hold(first!, [failure(1)], Hold.delayed(Duration.hours(13)))),
              Effect.andThen(sql<{ readonly on: string }>`select current_setting('synchronous_commit') as on`)
            )
          )
          assert.strictEqual(row!.on, "on")
          yield* emptied
        }))),
    wait
  )
})

describe.concurrent("a stale owner of a FIFO group", () => {
  it.live(
    "that parks the key keeps its next owner from committing what is behind the dead letter",
    () =>
      withLedger(true, ({ held, model, moved }) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send(orders("bad", 3))
          const stale = yield* opened("stale")
          const [first] = yield* taken(stale, 3)
          for (const id of idsFor("bad", 3)) model.expire(id)
          const next = yield* opened("next")
          const theirs = yield* taken(next, 3)
          assert.notInclude(["not ours", "settled"], yield* dies(stale, first!, true))
          assert.deepStrictEqual([yield* held, yield* moved], [["bad"], ["bad2", "bad3"]])
          assert.deepStrictEqual(yield* commits(next, theirs), [])
        }))),
    wait
  )

  it.live(
    "moves nothing of what its next owner has committed",
    () =>
      withLedger(true, ({ held, model, moved, write }) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send(orders("bad", 2))
          const stale = yield* opened("stale")
          const [first] = yield* taken(stale, 2)
          for (const id of idsFor("bad", 2)) model.expire(id)
          const pipeline = ledger.pipe(
            Pipeline.commit((one: Order) => write(one)),
            Pipeline.deadLetter({ order: "park" })
          )
          yield* during(pipeline, until("the queue is empty", Effect.sync(() => model.size === 0)))
          const store = yield* Store.Store
          const hold = stale.whileNotReading(
            first!,
            store.transact(stale.hold(first!, [failure(1)], Hold.delayed(Duration.hours(13))))
          )
          assert.strictEqual(yield* hold, "settled")
          assert.deepStrictEqual([yield* held, yield* moved], [[], []])
        }))),
    wait
  )
})

describe.concurrent("a key whose messages wait in the lanes", () => {
  it.live(
    "moves no message with the worker behind a later one",
    () =>
      withLedger(true, ({ emptied, moved }) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send(orders("bad", 3))
          const subscription = yield* opened("w")
          const out: Array<Delivery.Delivery> = []
          // All three come with one call, and the later two wait in the worker.
          const take = subscription.take({ messages: 9, bytes: 1e6, perKey: 1 }, (given) => void out.push(...given))
          while (out.length === 0) yield* take
          const [first] = out
          yield* Consumers.pauseKey("ledger", "bad", { by: "ann" })
          for (let i = 0; i < 4; i++) yield* take
          assert.deepStrictEqual(yield* moved, [], "the first one is with the worker")
          // A commit of a paused key is refused, so the message is given back, and moves with those behind it.
          assert.deepStrictEqual(yield* commits(subscription, [first!]), [])
          yield* subscription.drop([first!])
          for (let i = 0; i < 4; i++) yield* take
          yield* emptied
          assert.deepStrictEqual(yield* moved, ["bad1", "bad2", "bad3"])
        }))),
    wait
  )

  it.live(
    "has a limit, above which later ones stay at SQS and nothing is lost",
    () =>
      withLedger(true, ({ model, moved, schema }) =>
        Effect.scoped(Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const subscription = yield* opened("w")
          yield* Consumers.pauseKey("ledger", "bad", { by: "ann" })
          yield* sql`insert into ${sql(`${schema}.messages`)} (queue_id, lane, id, topic, key, keyed, payload, moved)
            select h.queue_id, h.lane, 'old' || n, 'orders', 'bad', true, '{}', true
            from ${sql(`${schema}.holds`)} h, generate_series(1, ${mostOfKey}) n`
          yield* send(orders("bad", 2))
          const take = subscription.take({ messages: 9, bytes: 1e6, perKey: 9 }, () => {})
          for (let i = 0; i < 4; i++) yield* take
          assert.strictEqual(model.size, 2)
          assert.lengthOf(yield* moved, mostOfKey, "neither of the two has moved")
          yield* sql`delete from ${sql(`${schema}.messages`)} where id = 'old1' or id = 'old2'`
          // SQS hides each of them for a lease, and a quiet machine polls often meanwhile.
          while (model.size > 0) yield* take
          assert.deepStrictEqual((yield* moved).slice(-2), ["bad1", "bad2"])
        }))),
    wait
  )
})

describe.concurrent("a failing message of a standard queue", () => {
  it.live(
    "waits in the store for longer than SQS can hide it, and no other message waits for it",
    () =>
      withLedger(false, ({ due, emptied, has, ids, moved, write }) =>
        Effect.gen(function*() {
          let tries = 0
          const pipeline = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
            Pipeline.mapEffect((one: Order) =>
              one.id === "bad2" && ++tries < 3 ? Effect.fail(new Declined({ reason: "no" })) : Effect.succeed(one)
            ),
            Pipeline.commit((one) => write(one)),
            Pipeline.retry(beyondCeiling)
          )
          yield* send(orders("bad", 4))
          yield* during(
            pipeline,
            Effect.gen(function*() {
              yield* has(3)
              yield* emptied
              assert.deepStrictEqual(yield* moved, ["bad2"])
              yield* send([order("bad", 5)])
              yield* has(4)
              yield* until("all are there", Effect.andThen(due, Effect.map(ids, ({ length }) => length === 5)))
            })
          )
          assert.deepStrictEqual([tries, (yield* ids).toSorted()], [3, idsFor("bad", 5)])
        })),
    wait
  )

  it.live(
    "comes again if its delete is lost after the COMMIT, and does not run before its retry",
    () =>
      withLedger(false, ({ due, emptied, has, held, ids, model, moved, write }) =>
        Effect.gen(function*() {
          let tries = 0
          const pipeline = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
            Pipeline.mapEffect((one: Order) =>
              one.id === "bad1" && ++tries < 2 ? Effect.fail(new Declined({ reason: "no" })) : Effect.succeed(one)
            ),
            Pipeline.commit((one) => write(one)),
            Pipeline.retry(beyondCeiling)
          )
          yield* send(orders("bad", 1))
          model.weather = { fails: (operation) => operation === "remove" }
          const isHeld = until("it is held", Effect.map(held, ({ length }) => length === 1))
          yield* during(pipeline, isHeld, { lease: "1 second", grace: 0 })
          assert.strictEqual(model.size, 1)
          model.weather = {}
          // Another message of the key has come before, too, and is not in the lanes. So it runs.
          yield* send([order("bad", 2)])
          model.handOut("bad2", 1)
          yield* during(
            pipeline,
            Effect.gen(function*() {
              yield* emptied
              yield* has(1)
              assert.deepStrictEqual([tries, yield* ids, yield* moved], [1, ["bad2"], ["bad1"]])
              yield* until("all are there", Effect.andThen(due, Effect.map(ids, ({ length }) => length === 2)))
            }),
            { lease: "1 second" }
          )
          assert.strictEqual(tries, 2)
        })),
    wait
  )
})

describe.concurrent("a worker on SQS and Postgres", () => {
  it.live(
    "drains queue and lanes",
    () =>
      withLedger(true, ({ ids, model, moved, write }) =>
        Effect.gen(function*() {
          let refuses = true
          const pipeline = failing(write, (one) => one.id === "a1" && refuses).pipe(Pipeline.retry(Retry.never))
          yield* send(orders("a", 5))
          yield* Worker.drain(pipeline, { lanes: 4 })
          const [dead] = yield* DeadLetters.list({ consumer: "ledger" })
          refuses = false
          yield* DeadLetters.redrive(dead!.id, { by: "ann" })
          yield* Worker.drain(pipeline, { lanes: 4 })
          assert.deepStrictEqual([model.size, yield* moved], [0, []])
          assert.sameMembers([...yield* ids], idsFor("a", 5))
        })),
    wait
  )
})
