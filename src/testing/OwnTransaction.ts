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

/**
 * Runs a transaction that user code begins. Inside of another transaction it becomes a savepoint of that one. Its work
 * is reported when the outermost transaction has committed.
 */
export const transact = <A, E, R>(
  store: Store["Service"],
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>> =>
  Effect.flatMap(store.inTransaction, (inTransaction) => {
    if (inTransaction) return forgetting(store.transact(body))
    const own: Array<() => void> = []
    // The store may run the body again, so the reports of an earlier run are dropped.
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
 * Returns a function to call after the commit. It returns whether the work that is done now was committed, since the
 * user may roll back to an earlier savepoint.
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

/**
 * Runs `within` inside of a transaction, and `alone` outside of any. So a caller can report at once where there is no
 * transaction, and after the commit where there is one.
 */
export const unlessWithin = <A, E, R, A2, E2, R2>(
  store: Store["Service"],
  within: Effect.Effect<A, E, R>,
  alone: () => Effect.Effect<A2, E2, R2>
): Effect.Effect<A | A2, E | E2, R | R2> =>
  Effect.flatMap(
    store.inTransaction,
    (inTransaction): Effect.Effect<A | A2, E | E2, R | R2> => inTransaction ? within : Effect.suspend(alone)
  )
