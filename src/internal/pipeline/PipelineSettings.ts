/**
 * The settings of a pipeline: retries, timeouts, dead letters and the size of its groups. `Pipeline.ts` exports them.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Schema from "effect/Schema"
import type { DeadLetterOrder } from "../../DeadLetter.ts"
import * as Retry from "../../Retry.ts"
import type { Parkable, Reads, Repeatable } from "../CompileErrors.ts"
import type { DeliveryMode, KeyOrder, Phase } from "../Step.ts"
import * as Step from "../Step.ts"
import { make, type Pipeline } from "./PipelineType.ts"

/**
 * Sets how failed attempts are repeated.
 *
 * The policy is a `Schedule` that can read the pipeline's errors and `Retry.RuntimeFailure`, or an object of
 * `attempts`, `base` and `cap` for exponential backoff. The policy applies to the whole pipeline. Put `retry` behind
 * the steps, so that the types include every error. Default: `Retry.standard`, which retries for 16 to 25 minutes.
 * After `Retry.mostAttempts` (10,000) attempts a message is a dead letter, even if the schedule continues.
 *
 * A worker waits in memory through delays up to its `holdAfter`. For a longer delay the key is held in the store, and
 * other keys continue. On a transport without order only the failed message waits.
 *
 * If the option `while` returns false for an error, the attempts end and the message becomes a dead letter `rejected`.
 * In a `pipe`, `while` gets the typed errors of the pipeline and the runtime, even if the schedule reads other types.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Pipeline, Retry, Topic } from "millrace"
 *
 * class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
 * const Payments = Topic.make("payments", { schema: Schema.Int, id: "content" })
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.tap((code) => Effect.fail(new Declined({ code }))),
 *   Pipeline.retry(Retry.exponential("1 second"), { while: (error) => error._tag !== "Declined" || error.code >= 500 })
 * )
 * ```
 *
 * @since 0.1.0
 */
export const retry = <E0, Seen = unknown>(
  policy: Retry.Policy<E0> | Retry.RetryOptions,
  options?: { readonly while?: ((error: NoInfer<Seen> | Retry.RuntimeFailure) => boolean) | undefined }
) =>
<A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  self:
    & Pipeline<A, E, R, P, M, O>
    & Pipeline<unknown, Seen, unknown>
    & Reads<"The retry schedule", E | Retry.RuntimeFailure, E0>
    & Repeatable<"retry", M>
): Pipeline<A, E, R, P, M, O> =>
  make(
    Step.set(self, {
      retry: Retry.policy(policy) as Retry.Policy<never>,
      retryWhile: Step.checkedWhile(options?.while as ((error: never) => boolean) | undefined)
    })
  )

/**
 * Sets the timeout of the steps before the transaction, together, in each attempt. An attempt that takes longer fails
 * with `StepTimeout`. By default there is no timeout.
 *
 * @since 0.1.0
 */
export const timeout =
  (duration: Duration.Input) =>
  <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O>
  ): Pipeline<A, E, R, P, M, O> => make(Step.set(self, { timeout: duration }))

/**
 * Sets the timeout of each commit step. If a step takes longer, its attempt fails with `StepTimeout`. Default 10
 * seconds, at most 25 seconds.
 *
 * @since 0.1.0
 */
export const commitTimeout =
  (duration: Duration.Input) =>
  <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O>
  ): Pipeline<A, E, R, P, M, O> => make(Step.set(self, { commitTimeout: duration }))

/**
 * Sets the order behind a dead letter, and how errors are stored with it.
 *
 * `order`: `continue` lets the messages behind a dead letter's message pass, which is the default. `park` keeps the
 * key's messages waiting in order until an operator redrives, discards or releases the dead letter. The first
 * registration of the consumer fixes this order. A worker that asks for the other order fails with `ConsumerConflict`.
 *
 * `errors`: a Schema of every error of the pipeline (`Pipeline.Error`), so a `Schema.Union` of several. If steps send
 * statements, `SqlError.SqlError` is one of these errors. A `Topic.publish` in a step adds `InvalidName`,
 * `InvalidMessage`, `EncodeFailed` and `StoreFailure`. Cover these errors too, or use `Effect.orDie` for those that
 * another attempt cannot fix.
 *
 * With `errors`, each failure is stored as the Schema encodes it. The retry schedule then reads typed errors of
 * attempts before a restart, and `DeadLetter.decodeError` reads them from the dead letter. Without `errors`, tag,
 * message and JSON fields are stored. The same is stored for failures of the runtime, and for errors that the Schema
 * cannot encode. The setting applies to the whole pipeline. Put `deadLetter` last, so that the types include every
 * error.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { SqlClient, SqlError } from "effect/sql"
 * import { DeadLetter, DeadLetters, Pipeline, Topic } from "millrace"
 *
 * class Declined extends Schema.TaggedError<Declined>()("Declined", { at: Schema.Date }) {}
 * const Errors = Schema.Union([Declined, SqlError.SqlError])
 * const Payments = Topic.make("payments", { schema: Schema.String, id: "content" })
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.tap((id) => id === "" ? Effect.fail(new Declined({ at: new Date(0) })) : Effect.void),
 *   Pipeline.commit((id) => Effect.flatMap(SqlClient.SqlClient, (sql) => sql`insert into ledger (id) values (${id})`)),
 *   Pipeline.deadLetter({ order: "park", errors: Errors })
 * )
 * const why = Effect.gen(function*() {
 *   const [deadLetter] = yield* DeadLetters.list({ consumer: ledger.consumer })
 *   return yield* DeadLetter.decodeError(deadLetter!.attempts.at(-1)!, Errors) // Option<Pipeline.Error<typeof ledger>>
 * })
 * ```
 *
 * @since 0.1.0
 */
export const deadLetter = <S extends Schema.Constraint = never, D extends DeadLetterOrder = DeadLetterOrder>(options: {
  readonly order: D
  readonly errors?: S | undefined
}) =>
<A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  self:
    & Pipeline<A, E, R, P, M, O>
    & ([S] extends [never] ? unknown : Reads<"The Schema of deadLetter", E, S["Type"]>)
    & Repeatable<"deadLetter", M>
    & Parkable<D, O>
): Pipeline<A, E, R | S["EncodingServices"] | S["DecodingServices"], P, M, O> =>
  make(Step.set(self, { order: options.order, errors: options.errors }))

/**
 * Sets the most messages that share a transaction. Default 250. Use 1 if a commit step uses `set local` or advisory
 * locks, so that each message has its own transaction.
 *
 * @since 0.1.0
 */
export const group = (size: number) =>
<A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  self: Pipeline<A, E, R, P, M, O>
): Pipeline<A, E, R, P, M, O> => make(Step.set(self, { group: size }))
