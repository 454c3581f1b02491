/**
 * `npm run bench -- publish`: single publishes of concurrent fibers, beside bare inserts of the same fibers and beside
 * publishes that share no statement. The forms run in turn, and only their ratios count.
 */
import { Console, Effect, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, type Store, Topic, Worker } from "millrace"
import * as Names from "../../src/postgres/sql/names.ts"
import * as OutboxSql from "../../src/postgres/sql/publishing.ts"
import * as PgOutbox from "../../src/postgres/store/PgOutbox.ts"
import { median } from "./figures.ts"

const Payment = Schema.Struct({ id: Schema.String, key: Schema.String, amount: Schema.Int, pad: Schema.String })
const Payments = Topic.make("bench-publish", {
  schema: Payment,
  key: (payment) => payment.key,
  id: (payment) => payment.id
})

export const publishes = Effect.fnUntraced(function*(
  { messages, rounds, schema }: { readonly schema: string; readonly messages: number; readonly rounds: number }
) {
  const sql = yield* SqlClient.SqlClient
  const { write } = OutboxSql.make(Result.getOrThrow(Names.make(schema)))
  yield* sql`drop table if exists bare`
  yield* sql`create table bare (id bigserial primary key, message_id text, key text, amount int, pad text)`
  yield* Worker.drain(Pipeline.from(Payments, { consumer: "bench-publish" }).pipe(Pipeline.map((payment) => payment)))
  const payments = Array.from({ length: messages }, (_, i) => ({
    id: `m${i}`,
    key: `k${i % 1000}`,
    amount: i,
    pad: "x".repeat(150)
  }))
  const bare = (payment: typeof Payment.Type) =>
    sql`insert into bare (message_id, key, amount, pad) values (${payment.id}, ${payment.key}, ${payment.amount}, ${payment.pad})`
  /** A publish as a statement of its own, which waits for no group. */
  const alone = (payment: typeof Payment.Type) =>
    Effect.flatMap(Payments.encode(payment), (message) => sql.unsafe(write, PgOutbox.columnsOf([message])))
  const each = (
    f: (payment: typeof Payment.Type) => Effect.Effect<unknown, unknown, Store.Store>,
    concurrency: number
  ) => Effect.forEach(payments, f, { concurrency, discard: true })
  const publish = (payment: typeof Payment.Type) => Topic.publish(Payments, payment)
  const runs = {
    "bare insert, 16 fibers": each(bare, 16),
    "Topic.publish, 16 fibers": each(publish, 16),
    "a statement each, 16 fibers": each(alone, 16),
    "bare insert, 64 fibers": each(bare, 64),
    "Topic.publish, 64 fibers": each(publish, 64),
    "a statement each, 64 fibers": each(alone, 64),
    "Topic.publish, 1 fiber": each(publish, 1),
    "a statement each, 1 fiber": each(alone, 1),
    "publishAll": Topic.publishAll(Payments, payments)
  }
  type Name = keyof typeof runs
  const names = Object.keys(runs) as Array<Name>
  const rates = new Map(names.map((name) => [name, [] as Array<number>]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const began = performance.now()
      yield* runs[name]
      // The first round warms up.
      if (round > 0) rates.get(name)!.push(messages / (performance.now() - began) * 1000)
    }
  }
  const of = (name: Name) => median(rates.get(name)!)
  yield* Console.log(`medians of ${rounds} rounds of ${messages} messages, 10 connections`)
  for (const name of names) yield* Console.log(`${name}: ${of(name).toFixed(0)}/s`)
  const ratio = (a: Name, b: Name) => Console.log(`${a} / ${b}: ${(of(a) / of(b)).toFixed(2)}`)
  yield* ratio("Topic.publish, 1 fiber", "a statement each, 1 fiber")
  yield* ratio("Topic.publish, 16 fibers", "a statement each, 16 fibers")
  yield* ratio("Topic.publish, 16 fibers", "bare insert, 16 fibers")
  yield* ratio("Topic.publish, 64 fibers", "a statement each, 64 fibers")
  yield* ratio("Topic.publish, 64 fibers", "bare insert, 64 fibers")
})
