/**
 * Turns the statements of `commitSql` into data, so that the store can send a whole group of them in one write.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as SqlClient from "effect/sql/SqlClient"
import * as Statement from "effect/sql/Statement"
import type { DeliveryContext } from "../../Delivery.ts"

/** A statement with its parameters. */
export interface SqlData {
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
}

/**
 * Returns the statements that a `commitSql` step makes of a message's value. Returns undefined if one of them must run
 * as an effect.
 */
export type ToSqlData = (value: never, delivered: DeliveryContext) => ReadonlyArray<SqlData> | undefined

/**
 * Returns the function that makes the statements of a `commitSql` step. Returns undefined where statements must run as
 * effects: the context has no client, or a transformer changes each statement.
 */
export const make = <A>(
  f: (value: A, sql: SqlClient.SqlClient, delivered: DeliveryContext) => ReadonlyArray<Statement.Statement<unknown>>
) =>
(context: Context.Context<never>): ToSqlData | undefined => {
  const sql = Context.getOrUndefined(context, SqlClient.SqlClient)
  if (sql === undefined || Context.get(context, Statement.CurrentTransformer) !== undefined) return undefined
  const ours = compilerOf(sql``)
  return (value: A, delivered) => {
    const data: Array<SqlData> = []
    for (const statement of f(value, sql, delivered)) {
      // A statement of another client belongs to another database.
      if (compilerOf(statement) !== ours) return undefined
      const [text, params] = statement.compile()
      data.push({ sql: text, params })
    }
    return data
  }
}

/** Returns whether a pipeline has statements of `commitSql`, and the context no client that could run them. */
export const lackClient = (steps: ReadonlyArray<{ readonly _tag: string }>, context: Context.Context<never>): boolean =>
  steps.some(({ _tag }) => _tag === "CommitSql") && Context.getOrUndefined(context, SqlClient.SqlClient) === undefined

/** Returns the compiler with which a statement was made, or undefined if it is no statement. */
const compilerOf = (statement: unknown): unknown =>
  Statement.isFragment(statement) && "compiler" in statement ? statement.compiler : undefined
