/**
 * Random schedules of FIFO groups with a store on SQL, where failing keys move into lanes. Messages fail and are held,
 * die and park their key, and an operator redrives them and pauses keys. Deletes are lost, and workers restart.
 */
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Pipeline, Retry, Store, Transport, Worker } from "millrace"
import { inject } from "vitest"
import { Dice } from "../faults/dice.ts"
import { limit } from "../harness/patience.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { Declined, type Order, order, Orders } from "../worker/support.ts"
import { send, transportOn } from "./sqsKit.ts"
import { SqsModel } from "./SqsModel.ts"

const schema = freshSchema()
const keys = ["a", "b", "c"]
const perKey = 5
const sent = keys.flatMap((key) => Array.from({ length: perKey }, (_, i) => order(key, i + 1)))
const by = { by: "operator" }

const live = Effect.fnUntraced(function*(seed: number) {
  const [store, sql] = [yield* Store.Store, yield* SqlClient.SqlClient]
  const consumer = `ledger-${seed}`
  const dice = new Dice(seed)
  const chance = (percent: number) => dice.next() * 100 < percent
  const model = new SqsModel(true, chance(50))
  const transport = Context.make(Transport.Transport, transportOn(model, store, undefined, undefined, 0))
  let calm = false
  model.weather = {
    fails: (operation) => !calm && operation !== "settings" && chance(operation === "remove" ? 30 : 5),
    losesAnswer: (operation) => !calm && (operation === "hide" || operation === "remove") && chance(10),
    skips: (operation) => !calm && operation !== "send" && chance(5)
  }
  const pipeline = Pipeline.from(Orders, { consumer }).pipe(
    Pipeline.mapEffect((one: Order) => {
      if (!calm && chance(25)) return Effect.fail(new Declined({ reason: `seed ${seed} at ${one.id}` }))
      return Effect.as(chance(30) ? Effect.sleep(dice.whole(0, 200)) : Effect.void, one)
    }),
    Pipeline.commit(({ id }) =>
      Effect.asVoid(sql`insert into ${sql(`${schema}.kept`)} (consumer, id) values (${consumer}, ${id})`)
    ),
    Pipeline.retry(Retry.exponential("100 millis", { attempts: 2 })),
    Pipeline.deadLetter({ order: "park" })
  )
  const worker = Worker.run(pipeline, {
    lease: "1 second",
    grace: 0,
    holdAfter: "10 millis",
    idlePoll: "50 millis",
    lanes: 2
  }).pipe(Effect.provideContext(transport))
  const restarting = Effect.forever(
    Effect.suspend(() => Effect.timeoutOption(worker, calm ? "1 hour" : dice.whole(100, 1_500)))
  )
  const redrive = Effect.gen(function*() {
    for (const { id } of yield* DeadLetters.list({ consumer })) {
      if (calm || chance(50)) yield* Effect.ignore(DeadLetters.redrive(id, by))
    }
  })
  const operator = Effect.gen(function*() {
    yield* Effect.sleep(dice.whole(50, 400))
    const key = dice.pick(keys)
    if (chance(40)) yield* Effect.ignore(Consumers.pauseKey(consumer, key, by))
    else yield* Effect.ignore(Consumers.resumeKey(consumer, key, by))
    yield* redrive
  })
  // As a relay does: under the same id until it is confirmed, and only then the next one.
  const publisher = Effect.forEach(
    sent,
    (one) => Effect.andThen(Effect.sleep(dice.whole(0, 150)), Effect.retry(send([one]), { times: 50 }))
  )
  const workers = yield* Effect.forEach([1, 2], () => Effect.forkScoped(restarting))
  const storm = yield* Effect.forkScoped(Effect.forever(operator))
  yield* Effect.provideContext(publisher, transport)
  yield* Effect.sleep(dice.whole(0, 1_000))
  storm.interruptUnsafe()
  calm = true
  const kept = Effect.map(
    sql<{ readonly id: string }>`select id from ${sql(`${schema}.kept`)} where consumer = ${consumer} order by n`,
    (rows) => rows.map(({ id }) => id)
  )
  const settled = Effect.gen(function*() {
    yield* Effect.forEach(keys, (key) => Effect.ignore(Consumers.resumeKey(consumer, key, by)))
    yield* redrive
    return (yield* kept).length >= sent.length && model.size === 0
  })
  yield* settled.pipe(
    Effect.flatMap((done) => done ? Effect.void : Effect.andThen(Effect.sleep("100 millis"), Effect.fail("not yet"))),
    Effect.retry({ while: (error) => error === "not yet" }),
    Effect.timeoutOption(limit(30_000))
  )
  workers.forEach((fiber) => fiber.interruptUnsafe())
  return {
    committed: yield* kept,
    left: model.size,
    moved: yield* sql<{ readonly id: string }>`
    select m.id from ${sql(`${schema}.messages`)} m join ${
      sql(`${schema}.consumers`)
    } c on c.id = m.queue_id where c.name = ${consumer}`
  }
}, Effect.scoped)

/**
 * The test runs only where the variable is set. On a busy machine one schedule stopped before its end, and the cause is
 * not found yet.
 */
const seeds = Number(process.env["SQS_SQL_SEEDS"] ?? 0)
const first = Number(process.env["SQS_SQL_SEED"] ?? 1)

it.live.runIf(seeds > 0)(
  "random schedules of a FIFO queue on SQL commit every message once, in the order of its key",
  () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`create table ${
        sql(`${schema}.kept`)
      } (n bigint generated always as identity, consumer text not null, id text not null)`
      const run = (seed: number) =>
        Effect.map(live(seed), ({ committed, left, moved }) => {
          const again = `seed ${seed} (repeat it by SQS_SQL_SEED=${seed} SQS_SQL_SEEDS=1)`
          for (const key of keys) {
            const ofKey = committed.filter((id) => id.startsWith(key))
            assert.deepStrictEqual(ofKey, sent.filter(({ account }) => account === key).map(({ id }) => id), again)
          }
          assert.deepStrictEqual([left, moved], [0, []], again)
        })
      const all = Array.from({ length: seeds }, (_, i) => first + i)
      yield* Effect.forEach(all, run, { concurrency: 6, discard: true })
    }).pipe(
      Effect.provide(Layer.merge(postgres(inject("databaseUrl"), { retention: false }, schema), Logger.layer([])))
    ),
  limit(60_000 + seeds * 2_000)
)
