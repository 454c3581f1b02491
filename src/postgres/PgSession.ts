/**
 * One checkout of a connection, as the SqlClient sees it: it remembers the SQLSTATE seen last, whether the connection died
 * or a statement was interrupted, and bounds what the client runs uninterruptibly (BEGIN, COMMIT, ROLLBACK, savepoints).
 *
 * A black hole in the network would otherwise hold a fiber for ever: the client runs those statements where nothing can
 * interrupt them. Here they run in a fiber of their own; if no answer comes in time, the checkout goes on without it, and
 * giving a connection back that still has a statement on the wire destroys it (a pinned one does so by itself).
 *
 * @since 0.1.0
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Connection } from "effect/sql/SqlConnection"
import * as SqlError from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as PgFailure from "./PgFailure.ts"
import * as ServerSql from "./sql/server.ts"

export type Rows = ReadonlyArray<PgConnection.Row>
type Transform = (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

/** What the client runs on its own account, uninterruptibly. */
const control = /^(?:BEGIN|ROLLBACK|SAVEPOINT|RELEASE)\b/

export class PgSession implements Connection {
  /** See `PgFailure.Seen`. */
  code = ""
  lost = false
  interrupted = false
  rolledBack = false
  repaired = false
  /** An answer did not come in time. */
  unanswered = false
  detail = ""
  /** Statements sent so far: tells whether a commit step used this connection at all. */
  statements = 0
  /** Failures seen so far: a savepoint looks for an aborted state only if there were any. */
  failures = 0

  readonly #connection: PgConnection.PgConnection
  readonly #patience: Duration.Duration
  readonly #invalidate: Effect.Effect<void>
  readonly #cancel: Effect.Effect<unknown> | undefined

  /** `cancel` ends what runs on the server, where the driver does not do it when a statement is interrupted. */
  constructor(
    connection: PgConnection.PgConnection,
    patience: Duration.Duration,
    invalidate: Effect.Effect<void>,
    cancel?: Effect.Effect<unknown>
  ) {
    this.#connection = connection
    this.#patience = patience
    this.#invalidate = invalidate
    this.#cancel = cancel
  }

  /** Whether a statement may be on the wire whose answer nobody waits for any more. */
  get abandoned(): boolean {
    return this.interrupted || this.unanswered
  }

  /** Nobody gets this connection again. */
  readonly giveUp: Effect.Effect<void> = Effect.suspend(() => {
    const cancel = this.interrupted && !this.lost ? this.#cancel : undefined
    // Not waited for: it needs another connection, which may be in the same trouble.
    return cancel === undefined ? this.#invalidate : Effect.andThen(Effect.forkDetach(cancel), this.#invalidate)
  })

  execute(sql: string, params: ReadonlyArray<unknown>, transform: Transform): Effect.Effect<Rows, SqlError.SqlError> {
    if (params.length === 0 && control.test(sql)) return this.#control(sql, true)
    return this.#seen(Effect.map(this.#connection.query(sql, params), (result) => this.#rows(result.rows, transform)))
  }

  executeRaw(sql: string, params: ReadonlyArray<unknown>): Effect.Effect<unknown, SqlError.SqlError> {
    return this.#seen(Effect.map(this.#connection.query(sql, params), (result) => {
      this.code = ""
      return result
    }))
  }

  executeValues(sql: string, params: ReadonlyArray<unknown>) {
    return this.#values(sql, params, true)
  }

  executeValuesUnprepared(sql: string, params: ReadonlyArray<unknown>) {
    return this.#values(sql, params, false)
  }

  executeUnprepared(
    sql: string,
    params: ReadonlyArray<unknown>,
    transform: Transform
  ): Effect.Effect<Rows, SqlError.SqlError> {
    // Our own BEGIN never changes, so that it may be prepared.
    if (params.length === 0 && control.test(sql)) return this.#control(sql, sql === ServerSql.begin)
    return this.#seen(
      Effect.map(this.#connection.query(sql, params, false), (result) => this.#rows(result.rows, transform))
    )
  }

  executeStream(sql: string, params: ReadonlyArray<unknown>, transform: Transform) {
    const stream = Stream.tapCause(
      this.#connection.stream(sql, params),
      (cause) => Effect.sync(() => this.#note(cause))
    )
    return transform === undefined
      ? stream
      : Stream.map(stream, (row) => transform([row])[0] as PgConnection.Row)
  }

  /** COMMIT, answered within the bound or not at all. Postgres answers ROLLBACK if the transaction was aborted. */
  readonly commit: Effect.Effect<void, SqlError.SqlError> = Effect.suspend(() =>
    Effect.flatMap(this.#bounded("COMMIT", true), (result) => {
      if (result.command !== "ROLLBACK") return Effect.void
      this.rolledBack = true
      return Effect.fail(failure(
        new SqlError.UnknownError({
          cause: new Error("COMMIT rolled back an aborted transaction"),
          message: "COMMIT rolled back an aborted transaction",
          operation: "commit"
        })
      ))
    })
  )

  #rows(rows: Rows, transform: Transform): Rows {
    this.code = ""
    return transform === undefined ? rows : transform(rows)
  }

  #values(sql: string, params: ReadonlyArray<unknown>, prepare: boolean) {
    return this.#seen(Effect.map(this.#connection.queryValues(sql, params, prepare), (values) => {
      this.code = ""
      return values
    }))
  }

  #seen<A>(effect: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, SqlError.SqlError> {
    this.statements++
    return Effect.onExitPrimitive(effect, (exit) => {
      if (exit._tag === "Failure") this.#note(exit.cause)
      return undefined
    })
  }

  #note(cause: Cause.Cause<SqlError.SqlError>): void {
    this.failures++
    this.repaired = false
    const error = PgFailure.sqlErrorIn(cause)
    if (error === undefined) {
      this.interrupted = true
      return
    }
    const code = PgFailure.codeOf(error)
    if (PgFailure.isLost(error)) this.lost = true
    if (code === "" && !this.lost) return
    // A statement after the failed one only tells that the transaction is aborted; the first one tells why.
    const before = PgFailure.kindOf(this.code)
    if (code !== "25P02" || this.code === "") this.detail = PgFailure.detailOf(error)
    if (code !== "25P02" || (before !== "conflict" && before !== "unavailable")) this.code = code
  }

  #control(sql: string, prepare: boolean): Effect.Effect<Rows, SqlError.SqlError> {
    if (sql !== "ROLLBACK") {
      return Effect.map(this.#bounded(sql, prepare), (result) => {
        if (sql.startsWith("ROLLBACK TO")) this.repaired = true
        return result.rows
      })
    }
    // A cancel request may still be on its way to this connection, and a dead one cannot roll back: closing it does. A
    // failed ROLLBACK must not fail the transaction, or it would hide why the body failed.
    return this.interrupted || this.lost
      ? Effect.as(this.giveUp, [])
      : Effect.matchCauseEffect(this.#wire(sql, prepare), {
        onFailure: () => Effect.as(this.giveUp, []),
        onSuccess: () => Effect.succeed([])
      })
  }

  /** As `#wire`, and what it failed with is remembered. */
  #bounded(sql: string, prepare: boolean): Effect.Effect<PgConnection.Result, SqlError.SqlError> {
    return this.#seen(this.#wire(sql, prepare))
  }

  #wire(sql: string, prepare: boolean): Effect.Effect<PgConnection.Result, SqlError.SqlError> {
    return Effect.flatMap(
      Effect.forkDetach(Effect.exit(this.#connection.query(sql, [], prepare)), { startImmediately: true }),
      (fiber) =>
        Effect.timeoutOrElse(Effect.interruptible(Effect.flatten(Fiber.join(fiber))), {
          duration: this.#patience,
          orElse: () => {
            this.unanswered = true
            return Effect.fail(noAnswer(sql))
          }
        })
    )
  }
}

const failure = (reason: SqlError.SqlErrorReason): SqlError.SqlError => new SqlError.SqlError({ reason })

const noAnswer = (sql: string): SqlError.SqlError => {
  const message = `no answer to ${sql.split(" ", 1)[0]} in time`
  return failure(new SqlError.ConnectionError({ cause: new Error(message), message, operation: "control" }))
}
