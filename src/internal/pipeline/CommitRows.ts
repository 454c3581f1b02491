/**
 * The commit step that writes a row for each message, all rows of a group in one statement. `Pipeline.ts` exports it.
 *
 * The rows travel as one array of texts for each column, and the statement casts each text to the type of its column.
 * So the statement has the same text for any number of rows, and the server plans it once.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { Fragment, Statement } from "effect/sql/Statement"
import type { DeliveryContext } from "../../Delivery.ts"
import { ignoreRejection, nameOf } from "../HandlerResult.ts"
import type { DeliveryMode, KeyOrder, Phase } from "../Step.ts"
import * as Step from "../Step.ts"
import { make, type Pipeline } from "./PipelineType.ts"
import * as SqlData from "./SqlData.ts"

/**
 * The values of a column by its type in Postgres. A column of any other type takes the text that Postgres reads for it.
 *
 * @since 0.1.0
 */
export interface ColumnValues {
  readonly text: string
  /** The text of a UUID. */
  readonly uuid: string
  /** A whole number of 32 bits. */
  readonly int: number
  /** A whole number of 64 bits. A `number` is exact up to 2^53. */
  readonly bigint: bigint | number
  /** A floating-point number of 64 bits. */
  readonly float8: number
  /** A decimal number. A text keeps every digit. */
  readonly numeric: string | number | bigint
  readonly boolean: boolean
  /** A day. Of a `Date` it is the day in UTC. A text is like `2030-01-31`. */
  readonly date: Date | string
  /** A moment: a `Date`, or a text that Postgres reads. */
  readonly timestamptz: Date | string
  /** Bytes. */
  readonly bytea: Uint8Array
  /** Any value that JSON can represent. `null` is the NULL of SQL. */
  readonly jsonb: unknown
}

/**
 * The columns of `commitRows` with their types in Postgres.
 *
 * @since 0.1.0
 */
export type Columns = Readonly<Record<string, keyof ColumnValues | (string & {})>>

/**
 * A row with these columns.
 *
 * @since 0.1.0
 */
export type RowOf<C extends Columns> = {
  readonly [K in keyof C]: (C[K] extends keyof ColumnValues ? ColumnValues[C[K]] : string) | null
}

/**
 * Writes a row for each message inside the transaction, all rows of a group in one statement. The message keeps its
 * value. This is the fastest way to write: one statement for hundreds of messages, and no code runs in between.
 *
 * `into` is the table, as `ledger` or `accounting.ledger`, and the rows are inserted in the order of the messages of
 * their key. For any other statement, `into` is a function. It gets the rows as the table `rows` of the columns, and
 * returns the statement. A group may have several rows for one key, so such a statement has to sum them up or to choose
 * one.
 *
 * `columns` has each column with its type in Postgres. The type decides which values the function `row` may return, and
 * the server checks them.
 *
 * Failures and order are those of `commitSql`. If the statement fails, the group is rolled back and run again with each
 * message in its own savepoint. So a row that the database refuses fails only its own message.
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Pipeline, Topic } from "millrace"
 *
 * const Payment = Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int })
 * const Payments = Topic.make("payments", { schema: Payment, key: (one) => one.account, id: (one) => one.id })
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.commitRows("ledger", { id: "text", cents: "int" }, ({ id, cents }) => ({ id, cents })),
 *   Pipeline.commitRows(
 *     (rows, sql) =>
 *       sql`update accounts set cents = accounts.cents + sums.cents
 *         from (select account, sum(cents) as cents from ${rows} group by account) sums where id = sums.account`,
 *     { account: "text", cents: "int" },
 *     ({ account, cents }) => ({ account, cents })
 *   )
 * )
 * ```
 *
 * @since 0.1.0
 */
export const commitRows = <A, const C extends Columns>(
  into: string | ((rows: Fragment, sql: SqlClient.SqlClient) => Statement<unknown>),
  columns: C,
  row: (value: NoInfer<A>, context: DeliveryContext) => RowOf<C>
) =>
<E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  self: Pipeline<A, E, R, P, M, O>
): Pipeline<A, E, R | SqlClient.SqlClient, "commit", M, O> => {
  const statementOf = (
    values: ReadonlyArray<A>,
    sql: SqlClient.SqlClient,
    contexts: ReadonlyArray<DeliveryContext>
  ): Statement<unknown> | WrongRow => {
    const arrays = arraysOf(columns, values.map((value, i) => row(value, contexts[i]!)))
    if (arrays instanceof WrongRow) return arrays
    const rows = fragmentOf(sql, columns, arrays)
    if (typeof into === "function") return into(rows, sql)
    const names = sql.csv(Object.keys(columns).map((name) => sql`${sql(name)}`))
    return sql`insert into ${sql(into)} (${names}) select ${names} from ${rows}`
  }
  return make(Step.add(self, {
    _tag: "CommitBatch",
    data: SqlData.make((values: ReadonlyArray<A>, sql, contexts: ReadonlyArray<DeliveryContext>) => {
      const statement = statementOf(values, sql, contexts)
      return statement instanceof WrongRow ? undefined : [statement]
    }),
    f: Step.wrapping(
      row,
      (values: ReadonlyArray<A>, contexts: ReadonlyArray<DeliveryContext>) =>
        Effect.flatMap(SqlClient.SqlClient, (sql) => {
          const statement = statementOf(values, sql, contexts)
          return statement instanceof WrongRow ? Effect.die(statement) : Effect.asVoid(statement)
        }),
      `${String(into)} ${JSON.stringify(columns)}`
    )
  }))
}

/** The defect of a function that returned no row, or a row without one of the columns. */
class WrongRow extends Error {
  constructor(problem: string) {
    super(`The function of Pipeline.commitRows returned ${problem}.`)
    this.name = "WrongRow"
    // Omits the stack, because it would point into this library and not at the function.
    this.stack = ""
  }
}

/** Returns the texts of each column, in the order of the rows. */
const arraysOf = (
  columns: Columns,
  rows: ReadonlyArray<unknown>
): ReadonlyArray<ReadonlyArray<string | null>> | WrongRow => {
  const arrays: Array<ReadonlyArray<string | null>> = []
  for (const [name, type] of Object.entries(columns)) {
    const isJson = type === "jsonb" || type === "json"
    const array: Array<string | null> = []
    for (const row of rows) {
      if (typeof row !== "object" || row === null || Effect.isEffect(row) || "then" in row) {
        ignoreRejection(row)
        return new WrongRow(`${nameOf(row)}, where a row with the columns ${Object.keys(columns).join()} is expected`)
      }
      const value = (row as Readonly<Record<string, unknown>>)[name]
      if (value === undefined) return new WrongRow(`no value for column "${name}". Return null where it has none`)
      array.push(value === null ? null : isJson ? JSON.stringify(value) : textOf(value))
    }
    arrays.push(array)
  }
  return arrays
}

/** Returns the text that Postgres reads for a value. */
const textOf = (value: unknown): string =>
  typeof value === "string"
    ? value
    : value instanceof Date
    ? value.toISOString()
    : value instanceof Uint8Array
    ? `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`
    : typeof value === "bigint"
    ? value.toString()
    : typeof value === "number"
    ? String(value)
    : JSON.stringify(value)

/**
 * Returns a column as the driver can send it. It finds no type in an array of NULLs only, so that array's text is sent.
 */
const arrayOf = (array: ReadonlyArray<string | null>): ReadonlyArray<string | null> | string =>
  array.every((value) => value === null) ? `{${array.map(() => "NULL").join()}}` : array

/** Returns the rows as the table `rows`, with each column in its type. */
const fragmentOf = (
  sql: SqlClient.SqlClient,
  columns: Columns,
  arrays: ReadonlyArray<ReadonlyArray<string | null>>
): Fragment => {
  const names = Object.keys(columns)
  const typed = names.map((name) => sql`${sql(name)}::${sql.literal(columns[name]!)} as ${sql(name)}`)
  const texts = arrays.map((array) => sql`${arrayOf(array)}::text[]`)
  return sql`(select ${sql.csv(typed)} from unnest(${sql.csv(texts)}) as given (${
    sql.csv(names.map((name) => sql`${sql(name)}`))
  })) as rows`
}
