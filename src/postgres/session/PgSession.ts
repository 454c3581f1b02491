/**
 * One checkout of a connection, as the SqlClient sees it. The session remembers the last SQLSTATE, and whether the
 * connection died or a statement was interrupted. It also bounds the client's uninterruptible statements (BEGIN,
 * COMMIT, ROLLBACK, savepoints).
 *
 * If the network dropped all packets, an uninterruptible statement would hold its fiber indefinitely. So the session
 * runs such a statement in a fiber of its own, and fails without a response in time. A connection with an unfinished
 * statement is destroyed when it is given back to its pool. The driver does that for a pinned connection.
 *
 * @since 0.1.0
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Connection } from "effect/sql/SqlConnection"
import * as SqlError from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { StatementRefused } from "../../Errors.ts"
import * as ServerSql from "../sql/server.ts"
import * as Batch from "./Batch.ts"
import * as PgFailure from "./PgFailure.ts"
import * as TransactionControl from "./TransactionControl.ts"

export type Rows = ReadonlyArray<PgConnection.Row>
type Transform = (<A extends object>(row: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

/**
 * A character before the client's own control statements. It distinguishes them from the same words of a user, since no
 * user's statement can begin with NUL: the protocol cannot carry it.
 */
const mark = "\0"
export const marked = (control: string): string => mark + control

/**
 * The use of a session. It serves single statements, or a transaction of the client (`sql.withTransaction`, a worker's
 * commit). Or it is reserved for a user (`sql.reserve`), who may send transaction control through it.
 */
export type Use = "statement" | "transaction" | "reserved"

export class PgSession implements Connection {
  /** See `PgFailure.Seen`. */
  code = ""
  lost = false
  interrupted = false
  rolledBack = false
  repaired = false
  detail = ""
  /** The number of statements sent so far. It shows whether a commit step used this connection at all. */
  statements = 0
  /** The number of failed statements so far. A savepoint probes for an aborted transaction only if the number grew. */
  failures = 0

  readonly #connection: PgConnection.PgConnection
  readonly #use: Use
  readonly #scope: Scope.Scope
  readonly #controlTimeout: Duration.Duration
  readonly #invalidate: Effect.Effect<void>
  readonly #cancel: Effect.Effect<unknown> | undefined
  #begun = false
  /** Whether the connection is removed from its pool at the end of the scope. */
  #replaced = false
  /** Whether a user dropped the session's prepared statements. No statement is then sent by a name. */
  #unnamed = false

  /** `cancel` ends a statement on the server. The driver does not always do that when a statement is interrupted. */
  constructor(options: {
    readonly connection: PgConnection.PgConnection
    readonly use: Use
    /** The scope of this checkout. */
    readonly scope: Scope.Scope
    readonly controlTimeout: Duration.Duration
    readonly invalidate: Effect.Effect<void>
    readonly cancel?: Effect.Effect<unknown> | undefined
  }) {
    this.#connection = options.connection
    this.#use = options.use
    this.#scope = options.scope
    this.#controlTimeout = options.controlTimeout
    this.#invalidate = options.invalidate
    this.#cancel = options.cancel
  }

  /** Removes the connection from its pool. */
  readonly discard: Effect.Effect<void> = Effect.suspend(() => {
    const cancel = this.interrupted && !this.lost ? this.#cancel : undefined
    // The cancel request needs another connection, which may have the same problem. So it runs in the background.
    return cancel === undefined ? this.#invalidate : Effect.andThen(Effect.forkDetach(cancel), this.#invalidate)
  })

  execute(sql: string, params: ReadonlyArray<unknown>, transform: Transform): Effect.Effect<Rows, SqlError.SqlError> {
    return this.#rowsOf(sql, params, transform, true)
  }

  executeRaw(sql: string, params: ReadonlyArray<unknown>): Effect.Effect<unknown, SqlError.SqlError> {
    return this.#guarded(
      sql,
      (text) =>
        this.#observed(Effect.map(this.#connection.query(text, params, !this.#unnamed), (result) => {
          this.code = ""
          return result
        }))
    )
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
    return this.#rowsOf(sql, params, transform, false)
  }

  executeStream(sql: string, params: ReadonlyArray<unknown>, transform: Transform) {
    const found = TransactionControl.classify(sql)
    if (found.kind === "plain") return this.#stream(sql, params, transform)
    return Stream.unwrap(Effect.as(this.#allowed(found), this.#stream(sql, params, transform)))
  }

  /**
   * Sends several statements together, as `Batch.ts` describes. They are the library's own, or were found to be plain,
   * so they are not checked here.
   */
  batch(statements: ReadonlyArray<Batch.Sent>): Effect.Effect<ReadonlyArray<Batch.Answer>, SqlError.SqlError> {
    return this.#observed(Effect.map(Batch.run(this.#connection, statements, !this.#unnamed), (answers) => {
      this.code = ""
      return answers
    }))
  }

  /** Ends a transaction that was begun by `batch`. If that fails, the connection is removed from its pool. */
  readonly rollback: Effect.Effect<void> = Effect.suspend(() =>
    Effect.orDie(Effect.asVoid(this.#control(ServerSql.rollback, true)))
  )

  /** Fails if the transaction is aborted. The probe is bounded in time, since the client does not interrupt it. */
  readonly probe: Effect.Effect<unknown, SqlError.SqlError> = Effect.suspend(() =>
    this.#bounded(ServerSql.unaborted, true)
  )

  /**
   * Sends COMMIT. Fails if there is no response in time, or if the response is ROLLBACK, because the transaction was
   * aborted before.
   */
  readonly commit: Effect.Effect<void, SqlError.SqlError> = Effect.suspend(() =>
    // After a failed COMMIT the transaction may still be open: perhaps the prepared COMMIT did not exist. So the
    // connection is removed from its pool.
    Effect.flatMap(Effect.tapCause(this.#bounded("COMMIT", true), () => this.discard), (result) => {
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

  #rowsOf(
    sql: string,
    params: ReadonlyArray<unknown>,
    transform: Transform,
    prepare: boolean
  ): Effect.Effect<Rows, SqlError.SqlError> {
    if (sql.startsWith(mark)) return this.#control(sql.slice(mark.length), prepare)
    return this.#guarded(sql, (text, found) =>
      // The client sends a transaction's BEGIN without the mark, since it may be a user's text
      // (`SqlClient.BeginTransaction`). So BEGIN is recognized here by its first word.
      found.kind === "begin" && this.#use === "transaction"
        // The library's BEGIN never changes, so it is always prepared.
        ? this.#begin(text, prepare || text === ServerSql.begin)
        : this.#observed(Effect.map(this.#connection.query(text, params, prepare && !this.#unnamed), (result) => {
          this.code = ""
          return transform === undefined ? result.rows : transform(result.rows)
        })))
  }

  #values(sql: string, params: ReadonlyArray<unknown>, prepare: boolean) {
    return this.#guarded(
      sql,
      (text) =>
        this.#observed(Effect.map(this.#connection.queryValues(text, params, prepare && !this.#unnamed), (values) => {
          this.code = ""
          return values
        }))
    )
  }

  #stream(sql: string, params: ReadonlyArray<unknown>, transform: Transform) {
    const stream = Stream.tapCause(
      this.#connection.stream(sql, params),
      (cause) => Effect.suspend(() => this.#note(cause) ?? Effect.void)
    )
    return transform === undefined
      ? stream
      : Stream.map(stream, (row) => transform([row])[0] as PgConnection.Row)
  }

  /**
   * Sends a statement if it is allowed. Every statement without the mark passes this check, since it may be a user's.
   */
  #guarded<A>(
    sql: string,
    send: (sql: string, found: TransactionControl.Found) => Effect.Effect<A, SqlError.SqlError>
  ): Effect.Effect<A, SqlError.SqlError> {
    const found = TransactionControl.classify(sql)
    return found.kind === "plain"
      ? send(sql, found)
      : Effect.andThen(this.#allowed(found), Effect.suspend(() => send(sql, found)))
  }

  /**
   * Refuses a statement that would begin or end a transaction of the client. If a statement changes the session, the
   * connection is removed from its pool at the end of the scope.
   */
  #allowed({ command, kind }: TransactionControl.Found): Effect.Effect<void, SqlError.SqlError> {
    return Effect.suspend(() => {
      if (kind === "names") this.#unnamed = true
      if (kind === "begin" && this.#use === "transaction" && !this.#begun) return Effect.void
      if ((kind === "begin" || kind === "control") && this.#use !== "reserved") return this.#refuse(command)
      if (this.#replaced) return Effect.void
      this.#replaced = true
      return Scope.addFinalizer(this.#scope, this.discard)
    })
  }

  /**
   * Fails without sending the statement. Within a transaction it first aborts the transaction on the server. So a user
   * who catches the error can continue only after a rollback to a savepoint.
   */
  #refuse(command: string): Effect.Effect<never, SqlError.SqlError> {
    const inTransaction = this.#use === "transaction"
    const cause = new StatementRefused({ command, inTransaction })
    const refused = Effect.fail(
      failure(new SqlError.UnknownError({ cause, message: cause.message, operation: "execute" }))
    )
    return inTransaction
      ? Effect.andThen(Effect.exit(this.#bounded(ServerSql.refuse(command), false)), refused)
      : refused
  }

  /**
   * Sends BEGIN. If that fails, an earlier transaction may still be open in the session, so the connection is removed
   * from its pool.
   */
  #begin(sql: string, prepare: boolean): Effect.Effect<Rows, SqlError.SqlError> {
    return Effect.matchCauseEffect(this.#bounded(sql, prepare), {
      onFailure: (cause) => Effect.andThen(this.discard, Effect.failCause(cause)),
      onSuccess: (result) => {
        this.#begun = true
        return Effect.succeed(result.rows)
      }
    })
  }

  #observed<A>(effect: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, SqlError.SqlError> {
    this.statements++
    return Effect.onExitPrimitive(effect, (exit) => exit._tag === "Failure" ? this.#note(exit.cause) : undefined)
  }

  /**
   * Remembers a failure. If the session cannot be used any more, the connection is removed from its pool. It then
   * serves this checkout to its end, and no other one.
   */
  #note(cause: Cause.Cause<SqlError.SqlError>): Effect.Effect<void> | undefined {
    this.failures++
    this.repaired = false
    const error = PgFailure.sqlErrorIn(cause)
    if (error === undefined) {
      this.interrupted = true
      return undefined
    }
    const code = PgFailure.codeOf(error)
    if (PgFailure.isLost(error) || PgFailure.isStaleStatement(error)) this.lost = true
    if (code === "" && !this.lost) return undefined
    // After a failed statement, all others fail with 25P02, which only says that the transaction is aborted. So 25P02
    // replaces neither the text nor the code of the failure that says why.
    const before = PgFailure.kindOf(this.code)
    if (code !== "25P02" || this.code === "") this.detail = PgFailure.detailOf(error)
    if (code !== "25P02" || (before !== "conflict" && before !== "unavailable")) this.code = code
    return PgFailure.isUnusable(code) ? this.#invalidate : undefined
  }

  #control(sql: string, prepare: boolean): Effect.Effect<Rows, SqlError.SqlError> {
    if (sql !== ServerSql.rollback) {
      return Effect.map(this.#bounded(sql, prepare), (result) => {
        if (sql.startsWith("ROLLBACK TO")) this.repaired = true
        return result.rows
      })
    }
    // After an interruption a cancel request may still be on its way to this connection, and a dead connection cannot
    // send ROLLBACK. Closing the connection rolls back, too. A failed ROLLBACK must not fail here, since its error
    // would hide why the body failed.
    return this.interrupted || this.lost
      ? Effect.as(this.discard, [])
      : Effect.matchCauseEffect(this.#wire(sql, prepare), {
        onFailure: () => Effect.as(this.discard, []),
        onSuccess: () => Effect.succeed([])
      })
  }

  /** Sends a statement as `#wire` does, and remembers a failure. */
  #bounded(sql: string, prepare: boolean): Effect.Effect<PgConnection.Result, SqlError.SqlError> {
    return this.#observed(this.#wire(sql, prepare))
  }

  /** Sends a statement in a fiber of its own, and fails without a response within the control timeout. */
  #wire(sql: string, prepare: boolean): Effect.Effect<PgConnection.Result, SqlError.SqlError> {
    return Effect.flatMap(
      Effect.forkDetach(Effect.exit(this.#connection.query(sql, [], prepare && !this.#unnamed)), {
        startImmediately: true
      }),
      (fiber) =>
        Effect.timeoutOrElse(Effect.interruptible(Effect.flatten(Fiber.join(fiber))), {
          duration: this.#controlTimeout,
          orElse: () => Effect.fail(noResponse(sql))
        })
    )
  }
}

const failure = (reason: SqlError.SqlErrorReason): SqlError.SqlError => new SqlError.SqlError({ reason })

const noResponse = (sql: string): SqlError.SqlError => {
  const message = `no answer to ${sql.split(" ", 1)[0]} in time`
  return failure(new SqlError.ConnectionError({ cause: new Error(message), message, operation: "control" }))
}
