/**
 * Runs work that must have one owner: two processes want to write the nightly report, and one of them does.
 *
 * If the owner releases the lease or dies, the other process acquires it with a higher fencing token.
 * The database refuses a stale owner that resumes late. Needs `DATABASE_URL`.
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

  // A leader keeps the lease while its scope is open, and renews it by itself.
  const first = yield* Scope.make()
  const ada = yield* Scope.provide(Lease.acquire("nightly-report", { holder: "ada" }), first)
  yield* write(ada, "by ada")

  // Another process does not wait (`wait: 0`). `Lease.use` interrupts its effect if the lease is lost.
  const report = Lease.use(
    "nightly-report",
    (lease) => write(lease, `by bob with a ${lease.token > ada.token ? "higher" : "lower"} token`),
    { holder: "bob", wait: 0 }
  )
  yield* Effect.catchTag(
    report,
    "LeaseTaken",
    () => Console.log("bob skips it, since ada has the lease")
  )

  yield* Scope.close(first, Exit.void)
  yield* report
  // ada is a stale owner now, and does not know it yet.
  yield* Effect.catchTag(write(ada, "by ada, late"), "LeaseLost", () => Console.log("ada is refused by her token"))
  const lines = yield* sql<{ line: string }>`select line from report`
  yield* Console.log(`written ${lines.map(({ line }) => line).join(", ")}`)
})

NodeRuntime.runMain(program.pipe(Effect.provide(Postgres.layerConfig)))

// Output:
// bob skips it, since ada has the lease
// ada is refused by her token
// written by ada, by bob with a higher token
