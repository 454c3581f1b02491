/**
 * The pools of connections, and how the sessions of each are opened.
 *
 * @since 0.1.0
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import type * as PgPool from "@effect/sql-pg/PgPool"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as SqlError from "effect/sql/SqlError"
import type { Duplex } from "node:stream"
import type { ConnectionOptions } from "node:tls"
import * as ServerSql from "../sql/server.ts"
import * as PgFailure from "./PgFailure.ts"
import { PgSession, type Rows, type Use } from "./PgSession.ts"

/** The settings of the client. Every field is decided; defaults are in `Postgres.ts`. */
export interface Settings {
  readonly url: Redacted.Redacted | undefined
  readonly ssl: boolean | ConnectionOptions | undefined
  readonly stream: (() => Duplex) | undefined
  readonly maxConnections: number
  readonly acquireTimeout: Duration.Duration
  readonly commitTimeout: Duration.Duration
  /** One session for all callers: no LISTEN, no second connection. */
  readonly single: boolean
  /** Behind a transaction pooler: no named statements, no settings at connecting, no LISTEN. */
  readonly pooler: boolean
}

/** Runs a statement. */
export type Query = (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError.SqlError>

/**
 * Ends every statement and every transaction of the machinery after this time: it is short, or the database has a
 * problem. An interrupted one may take twice as long, since the driver waits for its cancel request.
 */
const machineryTimeout = Duration.seconds(10)

/**
 * The size of the committers' pool. Most deployments run several processes with few workers each, and a group waits
 * for its connection.
 */
export const committers = 16
export const machineries = 4

export const connectionConfig = (s: Settings, parameters: Readonly<Record<string, string>>): PgConnection.Config => ({
  url: s.url,
  ssl: s.ssl,
  stream: s.stream,
  username: s.stream === undefined ? undefined : "postgres",
  applicationName: "millrace",
  keepAlive: s.stream === undefined ? Duration.seconds(15) : undefined,
  prepare: !s.pooler,
  startupParameters: s.pooler || s.single ? undefined : parameters
})

// The worker ends a step after `commitTimeout`. The two timeouts end a transaction whose worker cannot be reached any
// more. Without them, a worker that settles its unknown outcome would wait indefinitely.
//
// random_page_cost: most statistics were taken when a queue was nearly empty. One row in many pages of an index then
// makes an index scan look more expensive than a scan of the table. Each group would pay for that scan. The users'
// commit steps run under it, too: it is the recommended value for SSDs.
export const committerParameters = (version: number): Readonly<Record<string, string>> => ({
  random_page_cost: "1.1",
  idle_in_transaction_session_timeout: "30000",
  ...(version >= 170000 ? { transaction_timeout: "60000" } : {})
})

// enable_seqscan: each poll looks late rows up by transaction id, though nearly always there are none. After a bulk
// publish the statistics say that one id has all rows, so each poll would scan the whole table. With a million
// waiting messages, such a poll does not end in time.
export const machineryParameters = {
  synchronous_commit: "on",
  jit: "off",
  enable_seqscan: "off",
  // A single statement is a transaction, too, and has its session's level.
  default_transaction_isolation: "read committed",
  idle_in_transaction_session_timeout: "30000"
}

/**
 * Connects once and reads version and isolation level. Finds out within the connect timeout whether the database is
 * there, and whether a pooler refuses the settings of sessions.
 */
export const probe = (
  s: Settings
): Effect.Effect<{ readonly version: number; readonly level: string }, SqlError.SqlError> =>
  Effect.scoped(
    Effect.flatMap(
      PgConnection.make(connectionConfig(s, machineryParameters)),
      (connection) =>
        Effect.map(connection.query(ServerSql.probe), ({ rows: [row] }) => ({
          version: Number(row?.["version"] ?? 0),
          level: String(row?.["level"])
        }))
    )
  ).pipe(
    Effect.timeoutOrElse({
      duration: machineryTimeout,
      orElse: () => Effect.fail(connectionError("connect", new Error("the database did not answer")))
    })
  )

export const connectionError = (operation: string, cause: Error): SqlError.SqlError =>
  new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause, message: cause.message, operation }) })

/** Whether the layer was closed. */
export interface LayerState {
  closed: boolean
}

/**
 * Fails when the layer was closed. The pool would only interrupt its caller; a caller that was not interrupted itself
 * gets the reason.
 */
const whileOpen = <A, R>(
  layer: LayerState,
  use: Effect.Effect<A, SqlError.SqlError, R>
): Effect.Effect<A, SqlError.SqlError, R> =>
  Effect.catchCause(
    use,
    (cause) =>
      layer.closed && Cause.hasInterruptsOnly(cause) ? Effect.fail(PgFailure.layerClosed()) : Effect.failCause(cause)
  )

/** Waits for a connection no longer than the setting allows. The error names the setting to change. */
export const acquire = (pool: PgPool.PgPool, s: Settings, layer: LayerState, who: string, setting: string) => {
  const timedOut = () => {
    const millis = Duration.toMillis(s.acquireTimeout)
    return Effect.fail(connectionError(
      "acquire",
      new PgFailure.AcquireTimeout(
        `no connection for ${who} became free within ${millis} ms (acquireTimeout); ${setting}`
      )
    ))
  }
  const within = (
    get: Effect.Effect<PgConnection.PgConnection, SqlError.SqlError, Scope.Scope>,
    use: Use,
    cancel?: (connection: PgConnection.PgConnection) => Effect.Effect<unknown>
  ) =>
    Effect.flatMap(Effect.scope, (scope) =>
      Effect.map(
        Effect.timeoutOrElse(whileOpen(layer, get), { duration: s.acquireTimeout, orElse: timedOut }),
        (connection) =>
          new PgSession({
            connection,
            use,
            scope,
            controlTimeout: s.commitTimeout,
            invalidate: pool.invalidate(connection),
            cancel: cancel?.(connection)
          })
      ))
  return {
    borrow: within(pool.get, "statement"),
    transaction: within(pool.reserve, "transaction"),
    /** For a user who steers it by hand. */
    reserve: within(pool.reserve, "reserved"),
    /**
     * Checks a connection out without pinning it, so that its statements may travel together. The driver then neither
     * cancels an interrupted statement, nor destroys a connection that is given back with one. So the session is
     * terminated, and its locks with it.
     */
    pipelined: (terminate: (processId: number) => Effect.Effect<unknown>) =>
      Effect.tap(
        within(pool.get, "transaction", ({ processId }) => terminate(processId)),
        (session) => Effect.addFinalizer(() => session.interrupted ? session.discard : Effect.void)
      )
  }
}

export const machineryOn = (pool: PgPool.PgPool, layer: LayerState): Query => (text, params) =>
  inTime(whileOpen(
    layer,
    Effect.map(
      pool.use((connection) =>
        Effect.tapError(
          connection.query(text, params),
          (error) => PgFailure.isUnusable(PgFailure.codeOf(error)) ? pool.invalidate(connection) : Effect.void
        )
      ),
      (result) => result.rows
    )
  ))

export const inTime = <A, E>(machinery: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> =>
  Effect.timeoutOrElse(machinery, {
    duration: machineryTimeout,
    orElse: () => Effect.fail(connectionError("query", new Error("the database did not answer in time")))
  })
