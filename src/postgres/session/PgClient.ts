/**
 * The one client: who gets which connection, and why nobody waits behind a handler.
 *
 * | who | connections | because |
 * | --- | --- | --- |
 * | a committer's transaction | a pool of their own | a handler that takes all of the users' cannot stop commits |
 * | reading, claiming, renewing | a small pool of their own | a lease must be renewed however busy the rest is |
 * | everybody else (publishing, users' statements) | the users' pool | its size is the user's setting |
 * | LISTEN | one, while a worker is open | it must not be used for anything else |
 *
 * There is exactly one transaction service: a nested `sql.withTransaction` in a commit step joins the message's
 * transaction, whichever connection that has. An engine with one session (PGlite) has one pool of one for all of them;
 * nothing holds it while it waits for another.
 *
 * @since 0.1.0
 */
import * as SqlPg from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as PgPool from "@effect/sql-pg/PgPool"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Reactivity from "effect/reactivity/Reactivity"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Client from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import type { Duplex } from "node:stream"
import type { ConnectionOptions } from "node:tls"
import { Transaction, type TransactionFailure, WorkerTransaction } from "../../Store.ts"
import * as ServerSql from "../sql/server.ts"
import * as Isolation from "./Isolation.ts"
import * as PgFailure from "./PgFailure.ts"
import { marked, PgSession, type Rows, type Use } from "./PgSession.ts"

/** What the client is built from; every field is decided (defaults stand in `Postgres.ts`). */
export interface Settings {
  readonly url: Redacted.Redacted | undefined
  readonly ssl: boolean | ConnectionOptions | undefined
  readonly stream: (() => Duplex) | undefined
  readonly maxConnections: number
  readonly acquireTimeout: Duration.Duration
  readonly commitTimeout: Duration.Duration
  /** One session for everybody: no LISTEN, no second connection. */
  readonly single: boolean
  /** Behind a transaction pooler: no named statements, no settings at connecting, no LISTEN. */
  readonly pooler: boolean
}

/** What the other files of this room work with. */
export interface PgDatabase {
  /** The client that users get. */
  readonly sql: SqlPg.PgClient
  readonly settings: Settings
  /** A statement in the ambient transaction, which there must be. */
  readonly within: (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError.SqlError>
  /** A statement in the ambient transaction, or by itself on the users' pool. */
  readonly query: (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError.SqlError>
  /**
   * A statement of the worker's own machinery, bounded in time. Its commit is flushed, whatever the role's default is. The statements
   * that say otherwise (`unflushed`) are listed in `src/postgres/README.md`.
   */
  readonly machinery: (text: string, params: ReadonlyArray<unknown>) => Effect.Effect<Rows, SqlError.SqlError>
  /**
   * A transaction on the machinery's connections, which joins no ambient one. Bounded in time as a whole: one that is not over by
   * then is interrupted, and its connection given up; its COMMIT, once sent, has the bound of every COMMIT.
   */
  readonly onMachinery: <A, E>(transaction: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
  /** A transaction of the library, READ COMMITTED whatever the role's default is; a savepoint of the ambient one. */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError.SqlError, R>
  readonly transact: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>>
  readonly savepoint: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TransactionFailure, R>
  /** Whether there is an ambient transaction. */
  readonly inTransaction: Effect.Effect<boolean>
  /** Statements sent in the ambient transaction so far. */
  readonly statements: Effect.Effect<number>
  /** A connection that only listens; undefined where there can be none. */
  readonly listener: Effect.Effect<PgConnection.PgConnection, SqlError.SqlError, Scope.Scope> | undefined
}

/** Set where a transaction belongs to the worker's machinery (claims). */
const OnMachinery = Context.Reference<boolean>("millrace/postgres/OnMachinery", { defaultValue: () => false })

/**
 * Every statement and every transaction of the machinery is ended after this time: it is short, or the database is in trouble. One that is
 * interrupted takes as long again at most, for the driver waits for what its cancel request does.
 */
const machineryTimeout = Duration.seconds(10)

/** Committers' connections: more than one worker runs in many processes, and a group waits for its connection. */
const committers = 16
const machineries = 4

const connectionConfig = (s: Settings, parameters: Readonly<Record<string, string>>): PgConnection.Config => ({
  url: s.url,
  ssl: s.ssl,
  stream: s.stream,
  username: s.stream === undefined ? undefined : "postgres",
  applicationName: "millrace",
  keepAlive: s.stream === undefined ? Duration.seconds(15) : undefined,
  prepare: !s.pooler,
  startupParameters: s.pooler || s.single ? undefined : parameters
})

// The worker ends a step after `commitTimeout`; these end a transaction whose worker cannot be reached any more, so that
// whoever settles its unknown outcome does not wait for it for ever.
// random_page_cost: a queue was nearly empty when its statistics were taken, mostly. One row in many pages of an index makes an index scan
// look dearer than a scan of the table, which each group would then pay for. The users' commit steps run under it, too: it is what
// is recommended where disks do not turn.
export const committerParameters = (version: number): Readonly<Record<string, string>> => ({
  random_page_cost: "1.1",
  idle_in_transaction_session_timeout: "30000",
  ...(version >= 170000 ? { transaction_timeout: "60000" } : {})
})

// enable_seqscan: late rows are looked up by transaction id, and after a bulk publish the statistics say that one id has all
// rows; each poll would then scan the whole table (with a million waiting, for ever), though nearly always none matches.
const machineryParameters = {
  synchronous_commit: "on",
  jit: "off",
  enable_seqscan: "off",
  // A single statement is a transaction, too, and has its session's level.
  default_transaction_isolation: "read committed",
  idle_in_transaction_session_timeout: "30000"
}

/**
 * Connects once and asks for version and isolation level: says within the connect timeout whether the database is there, and whether a
 * pooler before it refuses what sessions are opened with.
 */
const probe = (s: Settings): Effect.Effect<{ readonly version: number; readonly level: string }, SqlError.SqlError> =>
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

const connectionError = (operation: string, cause: Error): SqlError.SqlError =>
  new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause, message: cause.message, operation }) })

/** Whether the layer lives. */
interface Life {
  over: boolean
}

/** A pool that is closed interrupts who asks it; a caller that was not interrupted is told why it gets nothing. */
const whileOpen = <A, R>(
  life: Life,
  use: Effect.Effect<A, SqlError.SqlError, R>
): Effect.Effect<A, SqlError.SqlError, R> =>
  Effect.catchCause(
    use,
    (cause) =>
      life.over && Cause.hasInterruptsOnly(cause) ? Effect.fail(PgFailure.layerClosed()) : Effect.failCause(cause)
  )

/** Waits for a connection no longer than the setting says, and the error names what to change. */
const acquire = (pool: PgPool.PgPool, s: Settings, life: Life, who: string, setting: string) => {
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
        Effect.timeoutOrElse(whileOpen(life, get), { duration: s.acquireTimeout, orElse: timedOut }),
        (connection) =>
          new PgSession({
            connection,
            use,
            scope,
            patience: s.commitTimeout,
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
     * Checked out, but not pinned: its statements may be on the wire together. The driver then neither cancels a statement that was
     * interrupted, nor destroys a connection that comes back with one; so the session is ended, and its locks with it.
     */
    pipelined: (terminate: (processId: number) => Effect.Effect<unknown>) =>
      Effect.tap(
        within(pool.get, "transaction", ({ processId }) => terminate(processId)),
        (session) => Effect.addFinalizer(() => session.abandoned ? session.giveUp : Effect.void)
      )
  }
}

/** Builds pools and client in the given scope. The pools connect when they are first used. */
export const make = Effect.fnUntraced(
  function*(settings: Settings): Effect.fn.Return<PgDatabase, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> {
    const { level, version } = settings.single ? { level: "", version: 0 } : yield* probe(settings)
    const pool = (parameters: Readonly<Record<string, string>>, max: number, multiplex = false) =>
      PgPool.make({
        ...connectionConfig(settings, parameters),
        // The driver's word for statements that travel together. A connection still has one user at a time.
        multiplex,
        multiplexConcurrency: 1,
        maxConnections: max,
        minConnections: settings.single ? 1 : 0
      })
    const users = yield* pool({}, settings.single ? 1 : settings.maxConnections)
    const committing = settings.single ? users : yield* pool(committerParameters(version), committers, !settings.pooler)
    const machinery = settings.single ? users : yield* pool(machineryParameters, machineries)

    const life: Life = { over: false }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        life.over = true
      })
    )
    const raise =
      "raise maxConnections (MILLRACE_POOL), or look for handlers that keep one connection while they wait for another"
    const forUsers = acquire(users, settings, life, "a statement", raise)
    const forCommitters = acquire(committing, settings, life, "a commit", "run fewer committers in this process")
    const forMachinery = acquire(
      machinery,
      settings,
      life,
      "a worker's own statement",
      "run fewer workers in this process"
    )
    const ours = machineryOn(machinery, life)
    const together = settings.single || settings.pooler
      ? forCommitters.transaction
      : forCommitters.pipelined((processId) => Effect.ignore(ours(ServerSql.terminate, [processId])))
    const transactionAcquirer = Effect.withFiber<PgSession, SqlError.SqlError, Scope.Scope>((fiber) => {
      if (fiber.getRef(OnMachinery)) return forMachinery.transaction
      switch (fiber.getRef(WorkerTransaction)) {
        case undefined:
          return forUsers.transaction
        case "pipelined":
          return together
        case "sequential":
        case "separate":
          return forCommitters.transaction
      }
    })
    const client = yield* Client.make({
      acquirer: forUsers.borrow,
      transactionAcquirer,
      compiler: SqlPg.makeCompiler(),
      driver: "pg",
      prepareTransactionControls: true,
      commit: (connection) => (connection as PgSession).commit,
      rollback: marked(ServerSql.rollback),
      savepoint: (name) => marked(ServerSql.savepoint(name)),
      rollbackSavepoint: (name) => marked(ServerSql.rollbackTo(name)),
      releaseSavepoint: (name) => marked(ServerSql.release(name)),
      spanAttributes: [["db.system.name", "postgresql"]]
    })
    const withoutTransaction = (context: Context.Context<never>) =>
      Context.omit(client.transactionService)(context) as Context.Context<unknown>
    const sql = withPgParts(client, settings, users, forUsers)
    const transaction = Isolation.transaction(client)
    const onMachinery: PgDatabase["onMachinery"] = (body) =>
      inTime(Effect.updateContext(Effect.provideService(body, OnMachinery, true), withoutTransaction))
    const { query, within } = statements(client)
    // A pooler takes no settings at connecting, so that the level must stand in a BEGIN where the default is another one.
    const wrapped = settings.pooler && level !== "read committed"
    return {
      sql,
      settings,
      query,
      within,
      machinery: wrapped ? (text, params) => onMachinery(transaction(within(text, params))) : ours,
      transaction,
      ...transactions(client, transaction),
      onMachinery,
      listener: settings.single || settings.pooler ? undefined : PgConnection.make(connectionConfig(settings, {}))
    }
  }
)

/** What makes a SqlClient a PgClient: JSON fragments, LISTEN and NOTIFY. A reserved session is the user's own, never a committer's. */
const withPgParts = (
  client: Client.SqlClient,
  settings: Settings,
  users: PgPool.PgPool,
  { borrow, reserve }: Pick<ReturnType<typeof acquire>, "borrow" | "reserve">
): SqlPg.PgClient => {
  const json = Statement.custom<Statement.Custom<"PgJson", unknown>>("PgJson")
  return Object.assign(client, {
    [SqlPg.TypeId]: SqlPg.TypeId,
    config: {},
    reserve,
    json: (value: unknown) => Statement.fragment([json(value, undefined, undefined)]),
    listen: (channel: string) =>
      settings.single
        ? Effect.fail(
          connectionError("listen", new Error("PGlite has one session, which LISTEN would keep for itself"))
        )
        : Effect.flatMap(users.reserve, (connection) => connection.listen(channel)),
    notify: (channel: string, payload: string) =>
      Effect.asVoid(Effect.scoped(
        Effect.flatMap(borrow, (session) => session.executeRaw(ServerSql.notify, [channel, payload]))
      ))
  })
}

const statements = (client: Client.SqlClient): Pick<PgDatabase, "within" | "query"> => ({
  within: (text, params) =>
    Effect.withFiber((fiber) =>
      Context.getUnsafe(fiber.context, client.transactionService)[0].execute(text, params, undefined)
    ),
  query: (text, params) =>
    Effect.withFiber((fiber) => {
      const ambient = Context.getOrUndefined(fiber.context, client.transactionService)
      return ambient === undefined
        ? client.unsafe<Record<string, unknown>>(text, params)
        : ambient[0].execute(text, params, undefined)
    })
})

const machineryOn = (pool: PgPool.PgPool, life: Life): PgDatabase["machinery"] => (text, params) =>
  inTime(whileOpen(
    life,
    Effect.map(
      pool.use((connection) =>
        Effect.tapError(
          connection.query(text, params),
          (error) => PgFailure.isSpent(PgFailure.codeOf(error)) ? pool.invalidate(connection) : Effect.void
        )
      ),
      (result) => result.rows
    )
  ))

const inTime = <A, E>(machinery: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> =>
  Effect.timeoutOrElse(machinery, {
    duration: machineryTimeout,
    orElse: () => Effect.fail(connectionError("query", new Error("the database did not answer in time")))
  })

const opened: Transaction["Service"] = { engine: "postgres" }

const transactions = (
  client: Client.SqlClient,
  transaction: PgDatabase["transaction"]
): Pick<PgDatabase, "transact" | "savepoint" | "statements" | "inTransaction"> => {
  const sessionOf = (context: Context.Context<never>): PgSession | undefined =>
    Context.getOrUndefined(context, client.transactionService)?.[0] as PgSession | undefined

  /** Runs the body in a transaction of the client (or in a savepoint of the ambient one) and says what a failure means. */
  const run = <A, E, R>(
    body: Effect.Effect<A, E, R>,
    end: (session: PgSession) => Effect.Effect<unknown, SqlError.SqlError> | "commit"
  ) =>
    Effect.suspend(() => {
      let session: PgSession | undefined
      let finished = false
      // Asked before this level is rolled back itself, which repairs nothing for its own failure.
      let repaired = false
      const inner = Effect.withFiber<A, E | SqlError.SqlError, Exclude<R, Transaction>>((fiber) => {
        session = sessionOf(fiber.context)!
        const whole = Effect.flatMap(Effect.provideService(body, Transaction, opened), (a) => {
          const last = end(session!)
          if (last !== "commit") return Effect.as(last, a)
          finished = true
          return Effect.succeed(a)
        })
        return Effect.onExitPrimitive(whole, () => {
          repaired = session!.repaired
          return undefined
        })
      })
      return Effect.catchCause(transaction(inner), (cause): Effect.Effect<never, E | TransactionFailure> => {
        const failure = PgFailure.classify(
          cause,
          session === undefined ? nothingSeen : seen(session, finished, repaired)
        )
        return failure === undefined ? Effect.failCause(cause as Cause.Cause<E>) : Effect.fail(failure)
      })
    })
  const savepoint = <A, E, R>(body: Effect.Effect<A, E, R>) =>
    Effect.withFiber<A, E | TransactionFailure, Exclude<R, Transaction>>((fiber) => {
      const before = sessionOf(fiber.context)!.failures
      // A body that swallowed an SQL error leaves an aborted transaction; found inside, the savepoint still repairs it.
      return run(
        body,
        (session) => session.failures === before ? Effect.void : session.probe
      )
    })
  return {
    inTransaction: Effect.withFiber((fiber) => Effect.succeed(sessionOf(fiber.context) !== undefined)),
    statements: Effect.withFiber((fiber) => Effect.succeed(sessionOf(fiber.context)?.statements ?? 0)),
    transact: (body) =>
      Effect.withFiber((fiber) => sessionOf(fiber.context) === undefined ? run(body, () => "commit") : savepoint(body)),
    savepoint: savepoint as PgDatabase["savepoint"]
  }
}

const nothingSeen: PgFailure.Seen = {
  began: false,
  finished: false,
  code: "",
  lost: false,
  interrupted: false,
  rolledBack: false,
  repaired: false,
  detail: ""
}

const seen = (session: PgSession, finished: boolean, repaired: boolean): PgFailure.Seen => ({
  began: true,
  finished,
  code: session.code,
  lost: session.lost,
  interrupted: session.interrupted,
  rolledBack: session.rolledBack,
  repaired,
  detail: session.detail
})
