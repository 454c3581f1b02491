/**
 * Runs the statements of facts, each with its own bound of time. On a server a transaction of its own sets that bound,
 * and lets the statement only read. A transaction of the caller keeps its settings.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Failure } from "../../Delivery.ts"
import { ConsumerNotFound, StoreFailure } from "../../Errors.ts"
import { ReadTransaction } from "../../internal/store/StoreTransaction.ts"
import * as Isolation from "../../postgres/session/Isolation.ts"
import * as PgFailure from "../../postgres/session/PgFailure.ts"
import * as FactsSql from "../../postgres/sql/facts.ts"
import type { Names } from "../../postgres/sql/names.ts"
import { sessions } from "../../postgres/sql/sessions.ts"
import type { Store } from "../../Store.ts"
import type { Count } from "../Fact.ts"
import { ReadTimeout } from "../ReadTimeout.ts"

/** A row of a fact. Numbers come as numbers, and never as BigInt, since each statement casts them. */
export type Row = Record<string, unknown>

/** Runs a statement for the named operation, which a failure names. */
export type Read = (
  operation: string,
  text: string,
  params?: ReadonlyArray<unknown>
) => Effect.Effect<ReadonlyArray<Row>, StoreFailure>

export interface FactQuery {
  readonly read: Read
  /** Runs reads of the store as `read` runs a statement. */
  readonly reading: <A, E, R>(reads: Effect.Effect<A, E, R>) => Effect.Effect<A, E | StoreFailure, R>
  /** Fails if there is no such consumer. Does nothing without a name. */
  readonly exists: (consumer: string | undefined) => Effect.Effect<void, StoreFailure | ConsumerNotFound>
}

/** How much longer than the server's bound an answer may take: a connection must become free, and rows must arrive. */
const answerMillis = 2_000

const timedOut = (operation: string, millis: number) =>
  new StoreFailure({
    operation,
    kind: "timeout",
    code: "",
    detail: `the database did not answer within ${millis / 1000} seconds`,
    hint: "Ask for less, or look at the load of the database."
  })

export const make = (sql: SqlClient.SqlClient, store: Store["Service"], names: Names): FactQuery => {
  const exists = FactsSql.make(names).exists
  const transaction = Isolation.transaction(sql)
  const bounded = <A, E, R>(operation: string, reads: Effect.Effect<A, E | SqlError, R>) =>
    Effect.gen(function*() {
      const millis = Duration.toMillis(yield* ReadTimeout)
      const whole = (yield* store.inTransaction)
        ? reads
        : Effect.provideService(
          transaction(Effect.andThen(sql.unsafe(sessions.bounds, [String(millis)]), reads)),
          ReadTransaction,
          true
        )
      const named = Effect.mapError(
        whole,
        (error): StoreFailure | Exclude<E, SqlError> =>
          isSqlError(error) ? PgFailure.storeFailure(operation)(error) : error as Exclude<E, SqlError>
      )
      return yield* Effect.timeoutOrElse(named, {
        duration: millis + answerMillis,
        orElse: () => Effect.fail(timedOut(operation, millis + answerMillis))
      })
    })
  const read: Read = (operation, text, params = []) => bounded(operation, sql.unsafe<Row>(text, params))
  return {
    read,
    reading: (reads) => bounded("look", reads),
    exists: (consumer) =>
      consumer === undefined ? Effect.void : Effect.flatMap(
        read("look for the consumer", exists, [consumer]),
        (rows) => rows.length === 0 ? Effect.fail(new ConsumerNotFound({ consumer })) : Effect.void
      )
  }
}

/** Returns the text of a column, and "" for null. */
export const text = (row: Row, column: string): string => {
  const value = row[column]
  if (value === null || value === undefined) return ""
  return typeof value === "object" ? JSON.stringify(value) : String(value as string | number | bigint | boolean)
}

/** Returns the number of a column, and 0 for null. */
export const number = (row: Row, column: string): number => Number(row[column] ?? 0)

/** Returns a count of the status. The status counts to 10,000, so a count of 10,000 may mean more. */
export const counted = (row: Row, column: string): Count => {
  const value = number(row, column)
  return { value, kind: value >= 10_000 ? "atLeast" : "exact" }
}

/** Returns whole milliseconds, and undefined for null. */
export const time = (row: Row, column: string): number | undefined =>
  row[column] === null || row[column] === undefined ? undefined : Math.floor(Number(row[column]))

/** Returns the failure that a column has as JSON, and undefined for null. */
export const failureOf = (row: Row, column: string): Failure | undefined =>
  text(row, column) === "" ? undefined : JSON.parse(text(row, column)) as Failure

export const texts = (row: Row, column: string): ReadonlyArray<string> =>
  Array.isArray(row[column]) ? (row[column] as ReadonlyArray<unknown>).map(String) : []
