/** A system with planted failures, as an operator finds it: two poison groups, parked keys, and workers that run. */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { limit } from "../harness/patience.ts"
import { eventually } from "../postgres/kit.ts"

class PaymentDeclined extends Schema.TaggedError<PaymentDeclined>()("PaymentDeclined", {
  code: Schema.String,
  bank: Schema.String
}) {
  override get message() {
    return `The bank ${this.bank} declined the payment (code ${this.code})`
  }
}

/** Fails as a service does that is down. */
const post = (account: string) => Effect.fail(new PaymentDeclined({ code: "51", bank: `first-national of ${account}` }))

/** The payments of a consumer, which are refused while the bank is down. */
export const ledgerOf = (consumer: string) => {
  const topic = `payments-${consumer}`
  const Payments = Topic.make(topic, {
    schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
    key: ({ account }) => account,
    id: ({ id }) => id
  })
  /** The same topic as an old publisher knows it, which sends cents as a text. */
  const OldPayments = Topic.make(topic, {
    schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.String }),
    key: ({ account }) => account,
    id: ({ id }) => id
  })
  const bank = { isDown: true }
  const pipeline = Pipeline.from(Payments, { consumer }).pipe(
    Pipeline.tap(({ account }) => bank.isDown && account.startsWith("first") ? post(account) : Effect.void),
    Pipeline.commitSql(({ account, cents, id }, sql) =>
      sql`insert into ledger (consumer, id, account, cents) values (${consumer}, ${id}, ${account}, ${cents})`
    ),
    Pipeline.retry(Retry.never),
    Pipeline.deadLetter({ order: "park", errors: PaymentDeclined })
  )
  return { consumer, Payments, OldPayments, bank, pipeline }
}

export type Ledger = ReturnType<typeof ledgerOf>

const options = { idlePoll: "50 millis", statsEvery: "1 second" } as const

/** The table of the effects. */
export const ledgerTable = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`create table if not exists ledger (consumer text, id text, account text, cents bigint)`
)

/**
 * Plants the failures, published in a trace: 12 refused payments of 12 accounts with 2 successors each, and one payment
 * that does not decode. Then workers of a newer version run until the scope ends.
 */
export const plant = Effect.fnUntraced(function*({ OldPayments, Payments, consumer, pipeline }: Ledger) {
  yield* Worker.drain(pipeline, { ...options, codeVersion: "1.4.2" })
  const accounts = Array.from({ length: 12 }, (_, i) => `first-${i}`)
  const payments = accounts.flatMap((account) =>
    [0, 1, 2].map((n) => ({ id: `${consumer}-${account}-${n}`, account, cents: 100 + n }))
  )
  yield* Effect.withSpan(Topic.publishAll(Payments, payments), "checkout")
  yield* Topic.publishAll(
    Payments,
    Array.from({ length: 20 }, (_, n) => ({ id: `${consumer}-fine-${n}`, account: `fine-${n}`, cents: n }))
  )
  yield* Topic.publish(OldPayments, { id: `${consumer}-old-1`, account: "old", cents: "1250" })
  yield* Worker.drain(pipeline, { ...options, codeVersion: "1.4.2" })
  yield* Effect.forkScoped(Worker.run(pipeline, { ...options, codeVersion: "1.4.3" }))
  yield* eventually(
    Effect.map(DeadLetters.list({ consumer, state: "open" }), ({ length }) => length === 13),
    limit(20_000)
  )
})

/** Returns the ids of the payments whose effects are committed, each as often as it is there. */
export const committed = (consumer: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      Effect.map(
        sql<{ id: string }>`select id from ledger where consumer = ${consumer} order by id`,
        (rows) => rows.map(({ id }) => id)
      )
  )
