/**
 * Parks an account behind its failed payment, and redrives the dead letter after the fix. Needs `DATABASE_URL`.
 *
 * One payment names an account that does not exist yet, so it becomes a dead letter.
 * An operator opens the account and redrives the dead letter. The account's later payment was waiting behind it.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, References, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"

class Payment
  extends Schema.Class<Payment>("Payment")({ id: Schema.String, account: Schema.String, cents: Schema.Int })
{}

class NoAccount extends Schema.TaggedError<NoAccount>()("NoAccount", { account: Schema.String }) {
  override get message() {
    return `There is no account "${this.account}".`
  }
}

const Payments = Topic.make("payments", {
  schema: Payment,
  key: (payment) => payment.account,
  id: (payment) => payment.id
})

const post = Effect.fnUntraced(function*({ account, cents }: Payment) {
  const sql = yield* SqlClient.SqlClient
  const changed = yield* sql`update accounts set cents = cents + ${cents} where name = ${account} returning name`
  if (changed.length === 0) return yield* new NoAccount({ account })
})

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.commit(post),
  Pipeline.retry(Retry.exponential("10 millis", { attempts: 3 })),
  Pipeline.deadLetter({ order: "park" }) // later payments of that account wait for an operator
)

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const balances = sql<{ name: string; cents: number }>`select name, cents from accounts order by name`.pipe(
    Effect.map((accounts) => accounts.map(({ cents, name }) => `${name} has ${cents}`).join(", "))
  )
  yield* sql`create table accounts (name text primary key, cents int not null)`
  yield* sql`insert into accounts values ('ada', 0)`
  yield* Topic.publishAll(Payments, [
    new Payment({ id: "p1", account: "ada", cents: 500 }),
    new Payment({ id: "p2", account: "bob", cents: 300 }),
    new Payment({ id: "p3", account: "bob", cents: -100 })
  ])
  yield* Worker.drain(ledger)
  yield* Console.log(yield* balances)

  const [deadLetter] = yield* DeadLetters.list({ consumer: "ledger" })
  yield* Console.log(`${deadLetter!.message.id} is ${deadLetter!.reason} (${deadLetter!.attempts.at(-1)!.message})`)
  yield* sql`insert into accounts values ('bob', 0)`
  yield* DeadLetters.redrive(deadLetter!.id, { by: "grace" })
  yield* Worker.drain(ledger)
  yield* Console.log(yield* balances)
})

NodeRuntime.runMain(program.pipe(
  Effect.provide(Postgres.layerConfig),
  Effect.provideService(References.MinimumLogLevel, "Error") // each dead letter is a warning, too
))

// Output:
// ada has 500
// p2 is exhausted (There is no account "bob".)
// ada has 500, bob has 200
