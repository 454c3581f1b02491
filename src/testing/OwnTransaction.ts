/**
 * Reports the work of a transaction that the user began (`sql.withTransaction`, `Store.transact`) to the tape. The
 * report comes when the transaction commits, and never if it rolls back.
 *
 * The work of a commit step is reported with its group's commit (`TapeHooks.ts`). Within a commit step the user's
 * own transaction is a savepoint.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { Store, Transaction, TransactionFailure } from "../Store.ts"

/**
 * The reports that wait for the commit of the user's own transaction. They are used on engines without an SQL client
 * that shows the commit.
 */
const Pending = Context.Reference<Array<() => void> | undefined>("millrace/testing/OwnTransaction/Pending", {
  defaultValue: () => undefined
})

/** Runs a transaction that the user begins, or a savepoint if it is nested. Its reports are made after its commit. */
export const transact = <A, E, R>(
  store: Store["Service"],
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>> =>
  Effect.flatMap(store.inTransaction, (inTransaction) => {
    if (inTransaction) return forgetting(store.transact(body))
    const own: Array<() => void> = []
    // The store may run the body again.
    const begun = Effect.andThen(Effect.sync(() => own.splice(0)), body)
    return Effect.tap(store.transact(Effect.provideService(begun, Pending, own)), () =>
      Effect.sync(() => {
        for (const tell of own) tell()
      }))
  })

/** Runs a savepoint of the user's transaction. If it fails, its work is not reported. */
export const forgetting = <A, E, R>(savepoint: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Pending, (pending) => {
    const mark = pending?.length ?? 0
    return Effect.onError(savepoint, () => Effect.sync(() => pending?.splice(mark)))
  })

/**
 * Runs `tell` when the current transaction has committed. Where neither the client nor the store shows the commit,
 * `tell` does not run.
 */
export const whenCommitted = (tell: () => void): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.all([Effect.serviceOption(SqlClient.SqlClient), Pending]),
    ([client, pending]) =>
      client._tag === "None" ? Effect.sync(() => void pending?.push(tell)) : client.value.afterCommit(Effect.sync(tell))
  )

/**
 * Returns a function for the time after the commit. It returns whether the work that is done now was kept, since a
 * savepoint of the user may undo that work.
 */
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

/** Reports at once outside of any transaction. Inside of a transaction of the user, reports after its commit. */
export const unlessWithin = <A, E, R, A2, E2, R2>(
  store: Store["Service"],
  within: Effect.Effect<A, E, R>,
  alone: () => Effect.Effect<A2, E2, R2>
): Effect.Effect<A | A2, E | E2, R | R2> =>
  Effect.flatMap(
    store.inTransaction,
    (inTransaction): Effect.Effect<A | A2, E | E2, R | R2> => inTransaction ? within : Effect.suspend(alone)
  )
