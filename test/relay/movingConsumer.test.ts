/**
 * Moves a running consumer from Postgres to a broker and back, by the steps of the pages of `src/sqs` and `src/redis`.
 * No message is lost, none has a second effect, and the order of each key holds.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Schedule, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, type Errors, Pipeline, Relay, type Store, Topic, type Transport, Worker } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { Sqs } from "millrace/sqs"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { anyServer, redisRuns } from "../redis/redisServer.ts"
import { freshStream, quiet, until } from "../redis/streamKit.ts"
import { credentials, endpoint, plain, region } from "../sqs/sqsEndpoint.ts"

type Broker = Layer.Layer<Transport.Transport, Errors.InvalidSetting, Store.Store>

const keys = 6
const lanes = 8
const options: Worker.WorkerOptions = { lanes, lease: "3 seconds", idlePoll: "50 millis" }
const consumer = "ledger"
const by = { by: "ada" }
const Orders = Topic.make("orders", {
  schema: Schema.Struct({ key: Schema.String, n: Schema.Int }),
  key: (order) => order.key,
  id: (order) => `${order.key}:${order.n}`
})

/** Publishes rounds of one message of each key from number `first` on, until it is stopped. */
const publisher = (first: number) => {
  const state = { next: first, stop: false }
  const publishing = Effect.whileLoop({
    while: () => !state.stop,
    body: () =>
      Effect.andThen(
        Topic.publishAll(Orders, Array.from({ length: keys }, (_, key) => ({ key: `k${key}`, n: state.next }))),
        Effect.sleep("200 millis")
      ),
    step: () => void state.next++
  })
  return { state, publishing }
}

/** A ledger without a unique constraint, and the pipeline that writes where its worker ran. */
const ledger = Effect.fnUntraced(function*(schema: string, ordered: boolean) {
  const sql = yield* SqlClient.SqlClient
  const table = sql(`${schema}.moves`)
  yield* sql`create table ${table} (row bigint generated always as identity, key text, n int, place text)`
  const all = Effect.orDie(
    sql<{ key: string; n: number; place: string }>`select key, n, place from ${table} order by row`
  )
  return {
    all,
    has: (place: string, more: number) =>
      until(
        `${place} has ${more}`,
        Effect.map(all, (rows) => rows.filter((row) => row.place === place).length >= more)
      ),
    pipeline: (place: string) =>
      Pipeline.from(Orders, { consumer, ...(ordered ? {} : { order: "none" as never }) }).pipe(
        Pipeline.commit(({ key, n }) =>
          Effect.asVoid(sql`insert into ${table} (key, n, place) values (${key}, ${n}, ${place})`)
        )
      )
  }
})

const move = Effect.fnUntraced(function*(schema: string, broker: Broker, ordered: boolean) {
  const { all, has, pipeline } = yield* ledger(schema, ordered)
  const onPostgres = pipeline("postgres")
  yield* Worker.drain(onPostgres, options)
  const first = yield* Effect.forkChild(Worker.run(onPostgres, options))
  const { publishing, state } = publisher(0)
  const published = yield* Effect.forkChild(publishing)
  yield* has("postgres", 3 * keys)

  // To the broker, while messages are published: each message goes both ways until the subscription ends.
  const relay = yield* Scope.make()
  yield* Layer.buildWithScope(Relay.layer(Orders, broker, { lanes, idlePoll: "50 millis" }), relay)
  const bothWaysFrom = state.next
  yield* has("postgres", (bothWaysFrom + 3) * keys)
  yield* Consumers.unsubscribe(consumer, Orders.name, by).pipe(
    Effect.retry({ while: (error) => error._tag === "ConsumerBusy", schedule: Schedule.spaced("10 millis") }),
    Effect.timeout(limit(30_000))
  )
  yield* Fiber.interrupt(first)
  const moved = (yield* all).length
  const second = yield* Effect.forkChild(Effect.provide(Worker.run(pipeline("broker"), options), broker))
  yield* has("broker", 3 * keys)

  // Back, with a pause of the publishers.
  state.stop = true
  yield* Fiber.join(published)
  const relayed = Effect.map(Consumers.get(`relay/${Orders.name}`), ({ waiting }) => waiting.count === 0)
  yield* until("the relay has published everything", relayed)
  yield* Scope.close(relay, Exit.void)
  yield* Fiber.interrupt(second)
  yield* Effect.provide(Worker.drain(pipeline("broker"), options), broker)
  const before = yield* all
  assert.strictEqual(before.length, state.next * keys, "the broker still has messages")
  const third = yield* Effect.forkChild(Worker.run(onPostgres, options))
  const subscribed = Effect.map(Consumers.get(consumer), ({ topics }) => topics.includes(Orders.name))
  yield* until("the consumer is subscribed", subscribed)
  yield* Consumers.remove(`relay/${Orders.name}`, by)
  const again = publisher(state.next)
  const publishedAgain = yield* Effect.forkChild(again.publishing)
  yield* has("postgres", moved + 3 * keys)
  again.state.stop = true
  yield* Fiber.join(publishedAgain)
  const total = again.state.next * keys
  yield* until("everything is processed", Effect.map(all, ({ length }) => length >= total))
  yield* Fiber.interrupt(third)

  const rows = yield* all
  for (let key = 0; key < keys; key++) {
    const ns = rows.filter((row) => row.key === `k${key}`).map(({ n }) => n)
    if (!ordered) ns.sort((one, other) => one - other)
    assert.deepStrictEqual(ns, Array.from({ length: again.state.next }, (_, n) => n), `k${key}`)
  }
  const bothWays = rows.slice(0, moved).filter(({ n }) => n >= bothWaysFrom).length
  assert.isAbove(bothWays, 0, "no message went both ways, so the test shows nothing")
  return { total, bothWays }
})

const test = (name: string, broker: Effect.Effect<Broker, unknown, Scope.Scope>, ordered = true) =>
  it.live(
    `a consumer that moves from Postgres to ${name} and back loses and repeats nothing${ordered ? ", in order" : ""}`,
    () =>
      Effect.gen(function*() {
        const schema = freshSchema()
        const target = yield* broker
        const on = postgres(inject("databaseUrl"), { retention: false }, schema).pipe(Layer.provideMerge(quiet))
        const { bothWays, total } = yield* Effect.provide(move(schema, target, ordered), on)
        console.info(`moved to ${name} and back: ${total} messages, ${bothWays} both ways, lost 0, applied twice 0`)
      }).pipe(Effect.scoped),
    limit(90_000)
  )

test(
  "SQS",
  Effect.gen(function*() {
    const address = yield* endpoint
    const queueUrl = yield* Effect.flatMap(plain(address), (client) => client.createQueue(true))
    return Sqs.layer({ queueUrl, endpoint: address, region, credentials, longPoll: "1 second" })
  })
)

if (await redisRuns("the move of a consumer to Redis")) {
  test(
    "a log of Redis",
    Effect.gen(function*() {
      const url = (yield* anyServer)!
      return RedisStreams.layerLog({ stream: freshStream(), shards: lanes, block: "200 millis" }).pipe(
        Layer.provide(RedisConnection.layerLazy(url))
      )
    })
  )
  test(
    "a group of Redis",
    Effect.gen(function*() {
      const url = (yield* anyServer)!
      return RedisStreams.layer({ stream: freshStream(), create: true, block: "200 millis" }).pipe(
        Layer.provide(RedisConnection.layerLazy(url))
      )
    }),
    false
  )
}
