/**
 * The senders, in GitHub's place. Several run at once, each for some of the sources.
 *
 * A sending and the sender's own record of it commit in one transaction, as in an outbox.
 * So the record says exactly what was published, and a stopped sender continues after its last row.
 */
import { Array, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Topic } from "millrace"
import * as Activity from "./activity.ts"
import * as Fault from "./faultPlan.ts"
import * as Plan from "./plan.ts"
import type { Tables } from "./tables.ts"
import { CarelessWebhooks, type Webhook, Webhooks } from "./topics.ts"

export interface Options {
  readonly tables: Tables
  /** The steps of each sender, in order. */
  readonly steps: ReadonlyArray<ReadonlyArray<Plan.Step>>
  /** Sendings a second by all senders together. Undefined: as fast as the database takes them. */
  readonly rate: number | undefined
}

/** Sends what the plan contains and the record lacks. All senders run at once, each in its order. */
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

/** Publishes the sendings and records them in one transaction. */
const transaction = Effect.fnUntraced(function*(tables: Tables, sendings: Array.NonEmptyReadonlyArray<Plan.Sending>) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(Effect.gen(function*() {
    const webhooks = sendings.map(({ delivery }) => ({ fault: delivery.fault, webhook: Plan.webhook(delivery) }))
    for (const run of runs(webhooks)) yield* publish(run)
    yield* sql`insert into ${sql(tables.sent)} ${sql.insert(Array.map(sendings, record))}`
  }))
})

interface Sent {
  readonly fault: Fault.Fault
  readonly webhook: Webhook
}

/** Splits the webhooks so that each malformed one is published alone, in its place. */
const runs = (webhooks: ReadonlyArray<Sent>): ReadonlyArray<ReadonlyArray<Sent>> => {
  const runs: Array<Array<Sent>> = []
  let previous: Sent | undefined
  for (const next of webhooks) {
    const alone = next.fault._tag === "Malformed" || previous?.fault._tag === "Malformed"
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
  const { fault, webhook } = first
  const headers = { ...hookshot, "x-github-event": webhook.kind, "x-github-delivery": webhook.delivery }
  return Effect.asVoid(
    fault._tag === "Malformed"
      ? Topic.publish(CarelessWebhooks, { ...webhook, payload: "not what was agreed" }, { headers })
      : Topic.publish(Webhooks, webhook, { headers })
  )
}

const hookshot = { "user-agent": "GitHub-Hookshot/millrace" }

/** The row of a sending, with its expected outcome. */
const record = ({ copy, delivery }: Plan.Sending) => {
  const change = Activity.stateChange(delivery.example.kind, delivery.example.payload)
  return {
    delivery: delivery.delivery,
    copy,
    source: delivery.source,
    position: delivery.position,
    outcome: Fault.outcome(delivery.fault),
    subject: change?.subject ?? null,
    state: change?.state ?? null
  }
}
