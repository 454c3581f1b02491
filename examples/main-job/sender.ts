/**
 * The sender, as GitHub would be: several at once, each responsible for some of the sources. A sending and the sender's own
 * record of it commit in one transaction (that is what an outbox is), so the record says exactly what was published, and
 * a sender that was stopped goes on behind its last row.
 */
import { Array, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Topic } from "millrace"
import * as Activity from "./activity.ts"
import * as Plan from "./plan.ts"
import type { Tables } from "./tables.ts"
import { CarelessWebhooks, type Webhook, Webhooks } from "./topics.ts"
import * as Weather from "./weather.ts"

export interface Options {
  readonly tables: Tables
  /** What each sender does, in order. */
  readonly steps: ReadonlyArray<ReadonlyArray<Plan.Step>>
  /** Sendings a second, all senders together; undefined: as fast as the database takes them. */
  readonly rate: number | undefined
}

/** Sends what the plan says and the record does not have yet; all senders at once, each in its order. */
export const run = Effect.fnUntraced(function*({ rate, steps, tables }: Options) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ readonly delivery: string; readonly copy: number }>`
    select delivery, copy from ${sql(tables.sent)}`
  const sent = new Set(rows.map(({ copy, delivery }) => `${delivery}:${copy}`))
  const pause = (sendings: number) =>
    rate === undefined ? Effect.void : Effect.sleep(sendings * steps.length * 1_000 / rate)

  const send = (step: Plan.Step) => {
    const missing = step.sendings.filter(({ copy, delivery }) => !sent.has(`${delivery.delivery}:${copy}`))
    const transactions = step._tag === "Race"
      ? missing.map((sending) => Array.of(sending))
      : Array.isReadonlyArrayNonEmpty(missing)
      ? [missing]
      : []
    return Effect.forEach(transactions, (sendings) => transaction(tables, sendings), {
      concurrency: "unbounded",
      discard: true
    }).pipe(Effect.andThen(pause(missing.length)))
  }

  yield* Effect.forEach(steps, (steps) => Effect.forEach(steps, send, { discard: true }), {
    concurrency: "unbounded",
    discard: true
  })
})

/** Publishes the sendings and records them, both or neither. */
const transaction = Effect.fnUntraced(function*(tables: Tables, sendings: Array.NonEmptyReadonlyArray<Plan.Sending>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(Effect.gen(function*() {
    const webhooks = sendings.map(({ delivery }) => ({ weather: delivery.weather, webhook: Plan.webhook(delivery) }))
    for (const run of runs(webhooks)) yield* publish(run)
    yield* sql`insert into ${sql(tables.sent)} ${sql.insert(Array.map(sendings, record))}`
  }))
})

interface Sent {
  readonly weather: Weather.Weather
  readonly webhook: Webhook
}

/** Malformed ones go alone, each in its place; what stands between them goes together. */
const runs = (webhooks: ReadonlyArray<Sent>): ReadonlyArray<ReadonlyArray<Sent>> => {
  const runs: Array<Array<Sent>> = []
  let previous: Sent | undefined
  for (const next of webhooks) {
    const alone = next.weather._tag === "Malformed" || previous?.weather._tag === "Malformed"
    if (alone || runs.length === 0) runs.push([next])
    else runs.at(-1)!.push(next)
    previous = next
  }
  return runs
}

const publish = (run: ReadonlyArray<Sent>) => {
  const [first] = run
  if (first === undefined) return Effect.void
  if (run.length > 1) {
    return Effect.asVoid(Topic.publishAll(Webhooks, run.map(({ webhook }) => webhook), { headers: hookshot }))
  }
  const { weather, webhook } = first
  const headers = { ...hookshot, "x-github-event": webhook.kind, "x-github-delivery": webhook.delivery }
  return Effect.asVoid(
    weather._tag === "Malformed"
      ? Topic.publish(CarelessWebhooks, { ...webhook, payload: "not what was agreed" }, { headers })
      : Topic.publish(Webhooks, webhook, { headers })
  )
}

const hookshot = { "user-agent": "GitHub-Hookshot/millrace" }

/** The row of a sending, with what has to become of it. */
const record = ({ copy, delivery }: Plan.Sending) => {
  const change = Activity.stateChange(delivery.example.kind, delivery.example.payload)
  return {
    delivery: delivery.delivery,
    copy,
    source: delivery.source,
    position: delivery.position,
    outcome: Weather.outcome(delivery.weather),
    subject: change?.subject ?? null,
    state: change?.state ?? null
  }
}
