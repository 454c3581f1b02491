/**
 * Turns the statements of `commitSql` and `commitRows` into data, so that the store can send a whole group of them in
 * one write.
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
 * Returns the statements for a value, or for the values of a batch. Returns undefined if one of them must run as an
 * effect.
 */
export type ToSqlData<Given = DeliveryContext> = (
  value: never,
  context: Given
) => ReadonlyArray<SqlData> | undefined

/**
 * Returns the function that makes the statements for a value. Returns undefined where statements must run as effects:
 * the context has no client, or a transformer changes each statement.
 */
export const make = <A, Given = DeliveryContext>(
  f: (
    value: A,
    sql: SqlClient.SqlClient,
    context: Given
  ) => ReadonlyArray<Statement.Statement<unknown>> | undefined
) =>
(services: Context.Context<never>): ToSqlData<Given> | undefined => {
  const sql = Context.getOrUndefined(services, SqlClient.SqlClient)
  if (sql === undefined || Context.get(services, Statement.CurrentTransformer) !== undefined) return undefined
  const ours = compilerOf(sql``)
  return (value: A, context) => {
    const statements = f(value, sql, context)
    if (statements === undefined) return undefined
    const data: Array<SqlData> = []
    for (const statement of statements) {
      // A statement of another client belongs to another database.
      if (compilerOf(statement) !== ours) return undefined
      const [text, params] = statement.compile()
      data.push({ sql: text, params })
    }
    return data
  }
}

/** Returns whether a pipeline has statements of `commitSql`, and the context no client that could run them. */
export const lackClient = (
  steps: ReadonlyArray<{ readonly _tag: string }>,
  services: Context.Context<never>
): boolean =>
  steps.some(({ _tag }) => _tag === "CommitSql") && Context.getOrUndefined(services, SqlClient.SqlClient) === undefined

/** Returns the compiler with which a statement was made, or undefined if it is no statement. */
const compilerOf = (statement: unknown): unknown =>
  Statement.isFragment(statement) && "compiler" in statement ? statement.compiler : undefined
