/**
 * The connections of the pools: their settings, how long a caller waits for one, and how statements run on them.
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

/** The settings of the client, with all defaults filled in. `Postgres.ts` has the defaults. */
export interface Settings {
  readonly url: Redacted.Redacted | undefined
  readonly ssl: boolean | ConnectionOptions | undefined
  readonly stream: (() => Duplex) | undefined
  readonly maxConnections: number
  readonly acquireTimeout: Duration.Duration
  readonly commitTimeout: Duration.Duration
  /** True for PGlite, which has one session for all callers: no second connection, no LISTEN. */
  readonly single: boolean
  /** True behind a transaction pooler: no named statements, no session settings, no LISTEN. */
  readonly pooler: boolean
}

/** Runs a statement with its parameters, and returns its rows. */
export type Query = (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError.SqlError>

/**
 * The longest time for a statement or a transaction of the machinery. They are all short, so a longer one means that
 * the database has a problem. An interruption may take as long again, since the driver waits for its cancel request.
 */
const machineryTimeout = Duration.seconds(10)

/**
 * The size of the committers' pool in one process. That is enough for most deployments, which run several processes
 * with few workers each. If all connections are in use, a group commit waits for one.
 */
export const committers = 16
/** The size of the machinery's pool. */
export const machineries = 4
/** The size of the pool for reads of operators. More would let them load the database as much as workers do. */
export const readers = 2

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

// The worker ends a commit step after `Pipeline.commitTimeout`. The two timeouts here are for a transaction whose
// worker is frozen or cut off, and make the server end it. Without them, another worker that settles the unknown
// outcome of this transaction would wait indefinitely.
//
// random_page_cost: most statistics were taken when a queue was nearly empty. An index of many pages with one row then
// makes an index scan look more expensive than a scan of the table. Each group commit would pay for that scan. The
// users' commit steps have this setting, too, which does no harm: it is the recommended value for SSDs.
export const committerParameters = (version: number): Readonly<Record<string, string>> => ({
  random_page_cost: "1.1",
  idle_in_transaction_session_timeout: "30000",
  ...(version >= 170000 ? { transaction_timeout: "60000" } : {})
})

// enable_seqscan: each poll looks up late rows by transaction id, though nearly always there are none. After a bulk
// publish the statistics say that one transaction wrote all rows, so each poll would scan the whole table. With a
// million waiting messages, such a poll does not end in time. So sequential scans are off.
export const machineryParameters = {
  synchronous_commit: "on",
  jit: "off",
  enable_seqscan: "off",
  // A statement outside of an explicit transaction runs at the session's default isolation level.
  default_transaction_isolation: "read committed",
  idle_in_transaction_session_timeout: "30000"
}

/**
 * Connects once, and returns the server's version and default isolation level. Fails within `machineryTimeout` if the
 * database does not respond, or if a pooler refuses session settings.
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

/** The state that all pools of a layer share: whether the layer was closed. */
export interface LayerState {
  closed: boolean
}

/**
 * Fails with `LayerClosed` if the layer was closed during the effect. The closed pool itself would only interrupt the
 * caller, which shows no reason.
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

/** Returns the failure of a caller that waited too long for a connection. It names `setting`, the change that helps. */
export const noneFree = (acquireTimeout: Duration.Duration, who: string, setting: string): SqlError.SqlError => {
  const millis = Duration.toMillis(acquireTimeout)
  return connectionError(
    "acquire",
    new PgFailure.AcquireTimeout(
      `no connection for ${who} became free within ${millis} ms (acquireTimeout); ${setting}`
    )
  )
}

/** The change that helps if the users' pool has no free connection. */
export const moreForUsers =
  "raise maxConnections (MILLRACE_POOL), or look for handlers that keep one connection while they wait for another"

/**
 * Returns the ways to take a session from a pool. Each waits for a free connection for at most `acquireTimeout`.
 */
export const acquire = (pool: PgPool.PgPool, s: Settings, layer: LayerState, who: string, setting: string) => {
  const timedOut = () => Effect.fail(noneFree(s.acquireTimeout, who, setting))
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
    /** Takes a session for a user, who may send transaction control through it. */
    reserve: within(pool.reserve, "reserved"),
    /**
     * Takes a session without pinning its connection, so that several statements may travel together. For a connection
     * that is not pinned, the driver does not cancel an interrupted statement, and does not destroy the connection
     * afterwards. So a session with an interrupted statement is discarded and terminated here, and loses its locks.
     */
    pipelined: (terminate: (processId: number) => Effect.Effect<unknown>) =>
      Effect.tap(
        within(pool.get, "transaction", ({ processId }) => terminate(processId)),
        (session) => Effect.addFinalizer(() => session.interrupted ? session.discard : Effect.void)
      )
  }
}

/** Returns a function that runs single statements on the machinery's pool, bounded in time. */
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
