/**
 * A job that must have one owner: two processes want to write the nightly report, one of them does. When it gives up or dies the other one
 * has it, with a higher token; a former owner that wakes up late is refused by the database. Needs `DATABASE_URL`.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Exit, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Lease } from "millrace"
import { Postgres } from "millrace/postgres"

const write = (lease: Lease.Lease, line: string) =>
  Lease.fenced(lease, Effect.flatMap(SqlClient.SqlClient, (sql) => sql`insert into report (line) values (${line})`))

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table report (line text not null)`

  // A leader, as a process is one: it has the lease as long as its scope is open, and renews it by itself.
  const first = yield* Scope.make()
  const ada = yield* Scope.provide(Lease.acquire("nightly-report", { holder: "ada" }), first)
  yield* write(ada, "by ada")

  // Another process does not wait for it: `Lease.use` runs an effect with the lease, and interrupts it when the lease is lost.
  const job = Lease.use("nightly-report", (lease) => write(lease, `by bob, higher token: ${lease.token > ada.token}`), {
    holder: "bob",
    wait: 0
  })
  yield* Effect.catchTag(job, "LeaseTaken", () => Console.log("bob: somebody else writes it"))

  yield* Scope.close(first, Exit.void)
  yield* job
  // She does not know yet that it is not hers any more.
  yield* Effect.catchTag(write(ada, "by ada, late"), "LeaseLost", () => Console.log("ada: refused by the token"))
  yield* Console.log(yield* sql`select line from report`)
})

NodeRuntime.runMain(program.pipe(Effect.provide(Postgres.layerConfig)))

// Output:
// bob: somebody else writes it
// ada: refused by the token
// [ { line: 'by ada' }, { line: 'by bob, higher token: true' } ]
