/**
 * What is done in a transaction that the user began (`sql.withTransaction`) has happened when that commits, and not at all when it is
 * rolled back. What a commit step does is told with its group's commit (`WatchedPorts.ts`); there the user's own transaction is a savepoint.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { Store } from "../Store.ts"

/** Runs `tell` once what is done now is committed. Where no SQL client shows the commit, it is not run. */
export const whenCommitted = (tell: () => void): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.serviceOption(SqlClient.SqlClient),
    (client) => client._tag === "None" ? Effect.void : client.value.afterCommit(Effect.sync(tell))
  )

/** Says, once the transaction around it has committed, whether what is done now was kept: a savepoint of the user's own may undo it. */
export const kept: Effect.Effect<() => boolean> = Effect.flatMap(
  Effect.serviceOption(SqlClient.SqlClient),
  (client) => {
    let kept = client._tag === "None"
    const answer = () => kept
    if (client._tag === "None") return Effect.succeed(answer)
    return Effect.as(
      client.value.afterCommit(Effect.sync(() => {
        kept = true
      })),
      answer
    )
  }
)

/** What is told at once by itself, and in a transaction of somebody's when that has committed. */
export const unlessWithin = <A, E, R, A2, E2, R2>(
  store: Store["Service"],
  within: Effect.Effect<A, E, R>,
  alone: () => Effect.Effect<A2, E2, R2>
): Effect.Effect<A | A2, E | E2, R | R2> =>
  Effect.flatMap(
    store.inTransaction,
    (inTransaction): Effect.Effect<A | A2, E | E2, R | R2> => inTransaction ? within : Effect.suspend(alone)
  )
