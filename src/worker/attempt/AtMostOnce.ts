/**
 * Runs the steps of a message of an `atMostOnce` pipeline. Before that, a transaction of its own has taken the message:
 * removed it from the queue, and recorded its id in the inbox.
 *
 * The steps before the transaction run first. Then the commit steps and emits run in another transaction, which checks
 * the fencing token again. An effect that may have happened is not repeated. So after a failure, an interruption or a
 * COMMIT without an answer, a warning is logged, and the message does not run again. Only if the store says that
 * nothing was committed, the transaction is repeated up to ten times.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type * as Tracer from "effect/Tracer"
import * as DeadLetter from "../../DeadLetter.ts"
import type { Delivery, DeliveryContext } from "../../Delivery.ts"
import { LeaseLost } from "../../Errors.ts"
import * as Backoff from "../../internal/Backoff.ts"
import { contained } from "../../internal/HandlerResult.ts"
import * as Store from "../../Store.ts"
import * as Telemetry from "../../Telemetry.ts"
import * as GroupCommit from "../commit/GroupCommit.ts"
import * as Savepoints from "../commit/Savepoints.ts"
import * as FailureRecord from "./FailureRecord.ts"
import type { Stepped } from "./Steps.ts"

/** A message that was taken, with its steps before the transaction. */
export interface Taken {
  readonly delivery: Delivery
  readonly context: DeliveryContext
  readonly span: Tracer.Span | undefined
  readonly steps: Effect.Effect<Stepped, unknown>
}

/** The outcome of a message that was taken: its steps were committed, or they failed. */
export type Ran = Extract<GroupCommit.MemberOutcome, { readonly _tag: "Committed" | "Failed" }>

export interface AtMostOnce {
  /** Runs steps and commit. Returns their outcome. Never fails: a failure is logged, and is part of the outcome. */
  readonly run: (
    taken: Taken,
    /** Makes the steps and the commit interruptible. The log line about a failure is not interruptible. */
    restore: <B, E>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E>
  ) => Effect.Effect<Ran>
}

/**
 * Returns the error for a message whose lane was taken over before its commit. Another worker may process its key by
 * now.
 */
const lost = ({ lease }: Delivery) =>
  new LeaseLost({ lease: lease.name, token: String(lease.token), reason: "it was taken over before the commit" })

/** A transaction that committed nothing is repeated at most this often. */
const tries = 10

export const make = (options: GroupCommit.Options & { readonly transactions: number }): AtMostOnce => {
  const { consumer, store } = options
  // These commits take at most as many of the store's database connections as the committers of another pipeline do.
  const permits = Semaphore.makeUnsafe(options.transactions)
  const statements = GroupCommit.isData(options) ? "pipelined" : "sequential"

  const commit = (taken: Taken, stepped: Stepped): Effect.Effect<GroupCommit.MemberOutcome, unknown> => {
    const body = Savepoints.inTime(options, GroupCommit.composeTaken(options, { ...taken, stepped }))
    const once = Effect.provideService(store.transact(body), Store.WorkerTransaction, statements)
    const go = (tried: number): Effect.Effect<GroupCommit.MemberOutcome, unknown> =>
      Effect.catch(once, (error) =>
        error._tag !== "TransientFailure" || tried === tries
          ? Effect.fail(error)
          : Effect.andThen(Backoff.pause(tried, { first: 5, cap: 500 }), go(tried + 1)))
    return permits.withPermit(go(0))
  }

  /** Logs a failure. The line names the error, the step and the place in the code, and never the message's content. */
  const report = (taken: Taken, step: string, cause: Cause.Cause<unknown>, error: unknown): Effect.Effect<void> => {
    const failure = FailureRecord.make({ attempt: 1, at: 0, error, step, worker: "", codeVersion: "" })
    const what = Cause.hasInterruptsOnly(cause)
      ? `was interrupted in its ${step}`
      : `failed: ${DeadLetter.fingerprint(failure)}`
    return Effect.logWarning(`A message that is handled at most once ${what}. It is not run again.`).pipe(
      Effect.annotateLogs(Telemetry.logFields(consumer, taken.delivery, taken.context.attempt))
    )
  }

  const run: AtMostOnce["run"] = (taken, restore) =>
    Effect.suspend(() => {
      let step = "steps"
      const work = taken.steps.pipe(
        Effect.flatMap((stepped) => {
          step = "commit"
          return commit(taken, stepped)
        }),
        Effect.flatMap((outcome) =>
          outcome._tag === "Committed"
            ? Effect.succeed(outcome)
            : Effect.fail(lost(taken.delivery))
        )
      )
      return Effect.flatMap(Effect.exit(restore(contained(work))), (exit) => {
        if (exit._tag === "Success") return Effect.succeed<Ran>(exit.value)
        const error = GroupCommit.unwrap(FailureRecord.errorOf(exit.cause))
        const failed: Ran = { _tag: "Failed", error }
        return Effect.as(report(taken, step, exit.cause, error), failed)
      })
    })

  return { run }
}
