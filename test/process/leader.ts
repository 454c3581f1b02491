/**
 * A process that leads while it has a lease, for tests: writes its name and token into a table, fenced, as often as it
 * can. Says `leads` when it does, and `lost` when it does not any more; then it asks again.
 *
 * Started by `workers.ts` with a setup. The writes do not stop by themselves when the lease is lost: only the fence
 * refuses those of a process that was frozen.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Lease } from "millrace"
import { Postgres } from "millrace/postgres"
import { given } from "../harness/given.ts"

export interface LeaderSetup {
  readonly url: string
  readonly schema: string
  readonly name: string
}

const setup = given<LeaderSetup>()
if (setup !== undefined) {
  const say = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))
  const lead = Effect.scoped(Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const lease = yield* Lease.acquire("leader", { duration: "1500 millis", poll: "50 millis" })
    yield* say("leads")
    // If it is frozen in the middle of a write, it wakes up with a dead connection. Then it asks once more, and learns
    // of its loss.
    const write = Effect.retry(
      Lease.fenced(
        lease,
        sql`insert into ${sql(setup.schema)}.terms (token, name) values (${lease.token}, ${setup.name})`
      ),
      { while: (error) => error._tag !== "LeaseLost", times: 5 }
    )
    yield* Effect.catchTag(Effect.forever(Effect.andThen(write, Effect.sleep(5))), "LeaseLost", () => Effect.void)
    yield* say("lost")
  }))
  const program = Effect.forever(lead).pipe(
    Effect.provide(Postgres.layer({ url: Redacted.make(setup.url), schema: setup.schema, migrate: "check" }))
  )
  NodeRuntime.runMain(program)
}
