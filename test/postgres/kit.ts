/** Shared by the tests on Postgres: a layer on a schema of its own, a consumer, and a worker's first steps. */
import { Duration, Effect, Layer, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { type Delivery, Message, Store, Transport } from "millrace"
import { Postgres } from "millrace/postgres"
import { randomBytes } from "node:crypto"
import { limit } from "../harness/patience.ts"

export const freshSchema = (): string => `test_${randomBytes(5).toString("hex")}`

/** A layer on a schema that is dropped with it. */
export const postgres = (url: string, options: Partial<Postgres.PostgresOptions> = {}, schema = freshSchema()) => {
  const built = Postgres.layer({ url: Redacted.make(url), schema, ...options })
  const drop = Layer.effectDiscard(
    Effect.flatMap(
      SqlClient.SqlClient,
      (sql) => Effect.addFinalizer(() => Effect.ignore(sql`drop schema ${sql(schema)} cascade`))
    )
  )
  return Layer.provideMerge(drop, built)
}

export const message = (id: string, key?: string, topic = "t", payload = "{}") =>
  Effect.orDie(Message.make({ id, topic, key, payload }))

export const publish = (...ids: ReadonlyArray<readonly [id: string, key?: string]>) =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    yield* store.outbox.write(yield* Effect.forEach(ids, ([id, key]) => message(id, key)))
  })

export const register = (change: Partial<Store.Registration> = {}) =>
  Effect.flatMap(
    Store.Store,
    (store) => store.consumers.register({ consumer: "c", topics: ["t"], lanes: 4, order: "park", ...change })
  )

export const open = (worker: string, change: Partial<Transport.SubscriptionSpec> = {}) =>
  Effect.flatMap(Transport.Transport, (transport) =>
    transport.open({
      consumer: "c",
      topics: ["t"],
      worker,
      lanes: 4,
      lease: Duration.seconds(30),
      idlePoll: Duration.millis(100),
      ...change
    }))

export const roomy: Transport.Demand = { messages: 500, bytes: 16_000_000, perKey: 500 }

/** Takes until so many are here. */
export const receive = (sub: Transport.Subscription, n: number, room = roomy) =>
  Effect.gen(function*() {
    const got: Array<Delivery.Delivery> = []
    while (got.length < n) yield* sub.take(room, (deliveries) => got.push(...deliveries))
    return got
  }).pipe(Effect.timeout(limit(8_000)))

export const idsOf = (deliveries: ReadonlyArray<Delivery.Delivery>) => deliveries.map((d) => d.message.id)

/** Settles what was taken, with its claims. */
export const settle = (sub: Transport.Subscription, deliveries: ReadonlyArray<Delivery.Delivery>) =>
  Effect.flatMap(
    Store.Store,
    (store) => Effect.tap(store.transact(sub.removeInTransaction(deliveries)), (ours) => sub.acknowledge(ours))
  )

/** Looks again until it holds. */
export const eventually = <E, R>(holds: Effect.Effect<boolean, E, R>, within: Duration.Input = limit(8_000)) =>
  Effect.flatMap(holds, (yes) => yes ? Effect.void : Effect.fail("not yet" as const)).pipe(
    Effect.retry({ schedule: Schedule.spaced("20 millis") }),
    Effect.timeout(within)
  )

/**
 * Waits until a worker that has said that it waits does so: it looks once more after it has said it. The last
 * statements of the schema's connections tell; ours does not name the schema.
 */
export const asleep = (schema: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    eventually(Effect.map(
      sql`select from pg_stat_activity where query like ${`%${schema}%`}
        and (state <> 'idle' or state_change > clock_timestamp() - interval '300 ms')`,
      (rows) => rows.length === 0
    )))

/** How the conformance suites deal with a database's clock. */
export const realTime = {
  elapse: (duration: Duration.Duration) => Effect.andThen(Effect.sleep(duration), Effect.sleep(50)),
  lease: Duration.millis(limit(3000)),
  idlePoll: "50 millis",
  live: true
} as const

/**
 * The options of a suite on a broker. Its lease is short, since many of its promises wait for one. A lease of SQS is a
 * second at least.
 */
export const brokerTime = { ...realTime, lease: Duration.millis(limit(1500)) } as const
