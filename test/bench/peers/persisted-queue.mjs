// PersistedQueue of Effect, on Postgres.
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, ManagedRuntime, Redacted, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import { insert, items, measure, pool, tick, url } from "./work.mjs"

const Item = Schema.Struct({ id: Schema.String, key: Schema.String, amount: Schema.Int, pad: Schema.String })

const layer = PersistedQueue.layer.pipe(
  Layer.provide(PersistedQueue.layerStoreSql({ pollInterval: "100 millis" })),
  Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 24 }))
)

export const contenders = {
  "PersistedQueue": async () => {
    await pool.query("drop table if exists effect_queue cascade")
    const runtime = ManagedRuntime.make(layer)
    const queue = await runtime.runPromise(PersistedQueue.make({ name: "q", schema: Item }))
    const take = queue.take((item) => Effect.promise(() => insert(pool, item).then(tick)))
    await measure(
      { guarantees: "at least once, no order, effect apart", settings: "20 takers, poll 100 ms, pool 24" },
      () =>
        runtime.runPromise(
          Effect.forEach(items, (item) => queue.offer(item, { id: item.id }), { concurrency: 20, discard: true })
        ),
      async () => {
        for (let taker = 0; taker < 20; taker++) runtime.runFork(Effect.forever(take))
      }
    )
  }
}
