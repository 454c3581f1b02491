/**
 * Runs transactions and savepoints of the client, and classifies their failures.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Client from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { Transaction, type TransactionFailure } from "../../Store.ts"
import type { PgDatabase } from "./PgClient.ts"
import * as PgFailure from "./PgFailure.ts"
import type { PgSession } from "./PgSession.ts"

const opened: Transaction["Service"] = { engine: "postgres" }

export const transactions = (
  client: Client.SqlClient,
  transaction: PgDatabase["transaction"]
): Pick<PgDatabase, "transact" | "savepoint" | "statements" | "inTransaction"> => {
  const sessionOf = (context: Context.Context<never>): PgSession | undefined =>
    Context.getOrUndefined(context, client.transactionService)?.[0] as PgSession | undefined

  /** Runs the body in a transaction of the client (or in a savepoint of the ambient one), and classifies a failure. */
  const run = <A, E, R>(
    body: Effect.Effect<A, E, R>,
    end: (session: PgSession) => Effect.Effect<unknown, SqlError.SqlError> | "commit"
  ) =>
    Effect.suspend(() => {
      let session: PgSession | undefined
      let finished = false
      // `repaired` is read when the body ends. Afterwards this level itself is rolled back, which would set it, too.
      let repaired = false
      const inner = Effect.withFiber<A, E | SqlError.SqlError, Exclude<R, Transaction>>((fiber) => {
        session = sessionOf(fiber.context)!
        const whole = Effect.flatMap(Effect.provideService(body, Transaction, opened), (a) => {
          const last = end(session!)
          if (last !== "commit") return Effect.as(last, a)
          finished = true
          return Effect.succeed(a)
        })
        return Effect.onExitPrimitive(whole, () => {
          repaired = session!.repaired
          return undefined
        })
      })
      return Effect.catchCause(transaction(inner), (cause): Effect.Effect<never, E | TransactionFailure> => {
        const failure = PgFailure.classify(
          cause,
          session === undefined ? nothingSeen : seen(session, finished, repaired)
        )
        return failure === undefined ? Effect.failCause(cause as Cause.Cause<E>) : Effect.fail(failure)
      })
    })
  const savepoint = <A, E, R>(body: Effect.Effect<A, E, R>) =>
    Effect.withFiber<A, E | TransactionFailure, Exclude<R, Transaction>>((fiber) => {
      const before = sessionOf(fiber.context)!.failures
      // A body that caught an SQL error leaves an aborted transaction. The probe fails within the savepoint then, so
      // the rollback to the savepoint repairs the transaction.
      return run(
        body,
        (session) => session.failures === before ? Effect.void : session.probe
      )
    })
  return {
    inTransaction: Effect.withFiber((fiber) => Effect.succeed(sessionOf(fiber.context) !== undefined)),
    statements: Effect.withFiber((fiber) => Effect.succeed(sessionOf(fiber.context)?.statements ?? 0)),
    transact: (body) =>
      Effect.withFiber((fiber) => sessionOf(fiber.context) === undefined ? run(body, () => "commit") : savepoint(body)),
    savepoint: savepoint as PgDatabase["savepoint"]
  }
}

const nothingSeen: PgFailure.Seen = {
  began: false,
  finished: false,
  code: "",
  lost: false,
  interrupted: false,
  rolledBack: false,
  repaired: false,
  detail: ""
}

const seen = (session: PgSession, finished: boolean, repaired: boolean): PgFailure.Seen => ({
  began: true,
  finished,
  code: session.code,
  lost: session.lost,
  interrupted: session.interrupted,
  rolledBack: session.rolledBack,
  repaired,
  detail: session.detail
})
