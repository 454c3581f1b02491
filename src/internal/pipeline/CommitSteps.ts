/**
 * The steps of a pipeline that run inside the transaction: commits and emits. `Pipeline.ts` exports them.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { Statement } from "effect/sql/Statement"
import type { DeliveryContext } from "../../Delivery.ts"
import type { Topic } from "../../Topic.ts"
import type { AsyncResult, Emitting, NoAsync } from "../CompileErrors.ts"
import type { DeliveryMode, KeyOrder, Phase } from "../Step.ts"
import * as Step from "../Step.ts"
import { make, type Pipeline, running } from "./PipelineType.ts"
import * as SqlData from "./SqlData.ts"

/**
 * Runs an effect inside the transaction. The effect's statements, the inbox record, the emits and the removal of the
 * message commit together, once. Many messages share a transaction.
 *
 * Use `commit` for database work only, and put network calls and waiting into `mapEffect`. If you catch the failure of
 * a statement, wrap that statement in a nested `sql.withTransaction`. A bare statement returns its rows, so return the
 * value for the next step: `Effect.as(value)`.
 *
 * @since 0.1.0
 */
export const commit: {
  <A, B, E2, R2>(
    f: (value: A, context: DeliveryContext) => Effect.Effect<B, E2, R2>
  ): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O>
  ) => Pipeline<B, E | E2, R | Exclude<R2, Scope.Scope>, "commit", M, O>
  <A>(
    f: (value: A, context: DeliveryContext) => Effect.Effect<unknown, unknown, unknown> | AsyncResult
  ): <E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
    self: Pipeline<A, E, R, P, M, O> & NoAsync<"commit">
  ) => never
} = running("Commit")

/**
 * The value of a message after a batch: the batch's result for it, or the value before if the batch returned no
 * results.
 *
 * @since 0.1.0
 */
export type Batched<A, X> = X extends ReadonlyArray<infer B> ? B : A

/**
 * Runs one effect for all messages of a group inside the transaction: one statement for a hundred rows. The messages of
 * a key are in order.
 *
 * The function gets the values, at least one, and their delivery contexts. It returns nothing, which keeps the values,
 * or one result for each message in the same order. Another number of results is a defect. Duplicates and filtered
 * messages are left out. With `mapEffect` or `tap` before it, a key has one message in a group. Without them, a group
 * may contain all messages of the key that are in memory.
 *
 * If a batch fails, the group is rolled back and run again with each message in its own savepoint. The function is then
 * called with one message, so it must not rely on the others. Use `commitBatch` for database work only, as {@link
 * commit}. A bare statement returns its rows; an insert has none, and `Effect.asVoid` keeps the values. Use effect's
 * `Array.map` for rows of another shape, because it keeps the type of a non-empty array.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { SqlClient } from "effect/sql"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Click = Schema.Struct({ id: Schema.String, page: Schema.String })
 * const Clicks = Topic.make("clicks", { schema: Click, id: (click) => click.id })
 * const clicks = Pipeline.from(Clicks, { consumer: "clicks" }).pipe(
 *   Pipeline.commitBatch((batch) =>
 *     Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.asVoid(sql`insert into clicks ${sql.insert(batch)}`))
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 */
export const commitBatch = <A, X extends ReadonlyArray<unknown> | void, E2, R2>(
  f: (values: NonEmptyReadonlyArray<A>, contexts: NonEmptyReadonlyArray<DeliveryContext>) => Effect.Effect<X, E2, R2>
) =>
<E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  self: Pipeline<A, E, R, P, M, O>
): Pipeline<Batched<A, X>, E | E2, R | Exclude<R2, Scope.Scope>, "commit", M, O> =>
  make(Step.add(self, { _tag: "CommitBatch", f, data: undefined }))

/**
 * Runs statements inside the transaction, given as data and in order, so that the runtime can send them together. No
 * code runs between two of the statements. The message keeps its value.
 *
 * @since 0.1.0
 */
export const commitSql = <A>(
  f: (
    value: NoInfer<A>,
    sql: SqlClient.SqlClient,
    context: DeliveryContext
  ) => Statement<unknown> | ReadonlyArray<Statement<unknown>>
) =>
<E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  self: Pipeline<A, E, R, P, M, O>
): Pipeline<A, E, R | SqlClient.SqlClient, "commit", M, O> => {
  const statements = (value: A, sql: SqlClient.SqlClient, context: DeliveryContext) => {
    const given = f(value, sql, context)
    return isStatements(given) ? given : [given]
  }
  return make(Step.add(self, {
    _tag: "CommitSql",
    data: SqlData.make(statements),
    f: Step.wrapping(
      f,
      (value: A, context) => Effect.map(SqlClient.SqlClient, (sql) => statements(value, sql, context))
    )
  }))
}

const isStatements = (
  given: Statement<unknown> | ReadonlyArray<Statement<unknown>>
): given is ReadonlyArray<Statement<unknown>> => Array.isArray(given)

/**
 * Publishes one message to any topic in the transaction. The value for the next step stays the same.
 *
 * The id is derived from the consumer, the message and the position of the emit, so that a repeated attempt emits the
 * same message. All emits of the message are counted in order. The topic's own `id` is not used. The option `id`
 * replaces the derived id. That function must return the same text in every attempt.
 *
 * For a delayed or named message call `Topic.publish` inside of {@link commit}, where the publish joins the
 * transaction.
 *
 * @since 0.1.0
 */
export const emit = <A, Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  f: (value: Emitting<NoInfer<A>>, context: DeliveryContext) => S["Type"],
  options?: { readonly id?: ((value: NoInfer<A>, context: DeliveryContext) => string) | undefined }
) =>
<E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  self: Pipeline<A, E, R, P, M, O>
): Pipeline<A, E, R | S["EncodingServices"], "commit", M, O> => {
  const id = options?.id
  return make(Step.add(self, {
    _tag: "Emit",
    topic,
    f: Step.wrapping(f, (value: Emitting<NoInfer<A>>, context) => [f(value, context)]),
    id: id === undefined ? undefined : (_, value: A, context) => id(value, context)
  }))
}

/**
 * Publishes any number of messages in the transaction, in the order of the array. The value for the next step stays the
 * same. Ids are derived as for {@link emit}; the option `id` is called for each message.
 *
 * @since 0.1.0
 */
export const emitAll = <A, Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  f: (value: Emitting<NoInfer<A>>, context: DeliveryContext) => ReadonlyArray<S["Type"]>,
  options?: {
    readonly id?: ((out: S["Type"], value: NoInfer<A>, context: DeliveryContext) => string) | undefined
  }
) =>
<E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  self: Pipeline<A, E, R, P, M, O>
): Pipeline<A, E, R | S["EncodingServices"], "commit", M, O> =>
  make(Step.add(self, { _tag: "Emit", topic, f, id: options?.id }))
