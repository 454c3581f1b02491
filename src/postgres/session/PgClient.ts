/**
 * The one SqlClient, and the pool from which each caller gets its connections. No commit and no lease renewal waits for
 * a connection that a handler uses.
 *
 * | caller | connections | because |
 * | --- | --- | --- |
 * | a committer's transaction | the committers' pool | handlers that use the whole users' pool must not stop commits |
 * | the machinery: reading, claiming, renewing | a small pool | leases must be renewed under any load of other pools |
 * | reads of operators (`ReadTransaction`) | the readers' small pool | looking and handlers do not delay one another |
 * | all others (publishing, users' statements) | the users' pool | the pool's size is the user's setting |
 * | LISTEN | one, once a call listens | a connection that listens must do nothing else |
 *
 * There is exactly one transaction service. So a nested `sql.withTransaction` in a commit step joins the message's
 * transaction, from any pool. PGlite has one session, so all callers share one pool of one connection. No code of the
 * library keeps that connection while it waits for another connection.
 *
 * @since 0.1.0
 */
import * as SqlPg from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as PgPool from "@effect/sql-pg/PgPool"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Client from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { ReadTransaction, type Transaction, type TransactionFailure, WorkerTransaction } from "../../Store.ts"
import * as ServerSql from "../sql/server.ts"
import * as Isolation from "./Isolation.ts"
import { marked, type PgSession } from "./PgSession.ts"
import { transactions } from "./PgTransactions.ts"
import {
  acquire,
  committerParameters,
  committers,
  connectionConfig,
  connectionError,
  inTime,
  type LayerState,
  machineries,
  machineryOn,
  machineryParameters,
  moreForUsers,
  probe,
  type Query,
  readers,
  type Settings
} from "./Pools.ts"

/** The database, as the other modules of `postgres/` use it. */
export interface PgDatabase {
  /** The client that user code gets, as the services `SqlClient` and `PgClient`. */
  readonly sql: SqlPg.PgClient
  readonly settings: Settings
  /** Runs a statement in the ambient transaction, which must exist. */
  readonly within: Query
  /** Runs a statement in the ambient transaction. Without one, the statement runs by itself on the users' pool. */
  readonly query: Query
  /**
   * Runs a statement as `query` does, without a prepared name. After five runs by name Postgres may take one plan for
   * all filters, and that plan can take a hundred times as long.
   */
  readonly unprepared: Query
  /**
   * Runs a statement on the machinery's connections, bounded in time and outside of any ambient transaction. The
   * statement's commit is flushed, even if the role's default is otherwise. `src/postgres/README.md` lists the
   * exceptions, which use `unflushed`.
   */
  readonly machinery: Query
  /**
   * Runs a transaction on the machinery's connections, outside of any ambient transaction. A transaction that takes too
   * long is interrupted, and its connection is discarded. A COMMIT that was sent is not interrupted: the commit timeout
   * bounds it.
   */
  readonly onMachinery: <A, E>(transaction: Effect.Effect<A, E>) => Effect.Effect<A, E | SqlError.SqlError>
  /**
   * Runs a transaction of the library at READ COMMITTED, under every default of the role. Within an ambient transaction
   * it is a savepoint, and has the level of that transaction.
   */
  readonly transaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError.SqlError, R>
  readonly transact: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>>
  readonly savepoint: <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TransactionFailure, R>
  /** Takes a session of the committers for one group, which it commits by `PgSession.batch`. */
  readonly committerSession: Effect.Effect<PgSession, SqlError.SqlError, Scope.Scope>
  /** Returns whether there is an ambient transaction. */
  readonly inTransaction: Effect.Effect<boolean>
  /** Returns the number of statements that were sent in the ambient transaction so far; 0 without one. */
  readonly statements: Effect.Effect<number>
  /** Opens a connection that only listens. Undefined where LISTEN is impossible (PGlite, a pooler). */
  readonly listener: Effect.Effect<PgConnection.PgConnection, SqlError.SqlError, Scope.Scope> | undefined
}

/** Whether the fiber's transactions run on the machinery's pool. `onMachinery` sets this reference. */
const OnMachinery = Context.Reference<boolean>("millrace/postgres/OnMachinery", { defaultValue: () => false })

/**
 * Builds the pools and the client in the given scope. A server is first probed by one connection; each pool connects
 * when it is first used.
 */
export const make = Effect.fnUntraced(
  function*(settings: Settings): Effect.fn.Return<PgDatabase, SqlError.SqlError, Scope.Scope | Reactivity.Reactivity> {
    const { level, version } = settings.single ? { level: "", version: 0 } : yield* probe(settings)
    const pool = (parameters: Readonly<Record<string, string>>, max: number, multiplex = false) =>
      PgPool.make({
        ...connectionConfig(settings, parameters),
        // `multiplex` lets several statements travel together (pipelining). A connection still has one user at a time.
        multiplex,
        multiplexConcurrency: 1,
        maxConnections: max,
        minConnections: settings.single ? 1 : 0
      })
    const users = yield* pool({}, settings.single ? 1 : settings.maxConnections)
    const committing = settings.single ? users : yield* pool(committerParameters(version), committers, !settings.pooler)
    const machinery = settings.single ? users : yield* pool(machineryParameters, machineries)
    const reading = settings.single ? users : yield* pool({}, readers)

    const layer: LayerState = { closed: false }
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        layer.closed = true
      })
    )
    const forUsers = acquire(users, settings, layer, "a statement", moreForUsers)
    const forCommitters = acquire(committing, settings, layer, "a commit", "run fewer committers in this process")
    const forMachinery = acquire(
      machinery,
      settings,
      layer,
      "a worker's own statement",
      "run fewer workers in this process"
    )
    const forReaders = acquire(reading, settings, layer, "a look of an operator", "look at less at the same time")
    const ours = machineryOn(machinery, layer)
    const pipelined = settings.single || settings.pooler
      ? forCommitters.transaction
      : forCommitters.pipelined((processId) => Effect.ignore(ours(ServerSql.terminate, [processId])))
    const transactionAcquirer = Effect.withFiber<PgSession, SqlError.SqlError, Scope.Scope>((fiber) => {
      if (fiber.getRef(OnMachinery)) return forMachinery.transaction
      if (fiber.getRef(ReadTransaction)) return forReaders.transaction
      switch (fiber.getRef(WorkerTransaction)) {
        case undefined:
          return forUsers.transaction
        case "pipelined":
          return pipelined
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
    const { query, unprepared, within } = statements(client)
    // A pooler accepts no session settings when a connection starts, so the machinery's sessions have the database's
    // default level. If that is not READ COMMITTED, each machinery statement runs in a transaction whose BEGIN sets it.
    const wrapped = settings.pooler && level !== "read committed"
    return {
      sql,
      settings,
      query,
      unprepared,
      within,
      machinery: wrapped ? (text, params) => onMachinery(transaction(within(text, params))) : ours,
      transaction,
      ...transactions(client, transaction),
      onMachinery,
      committerSession: pipelined,
      listener: settings.single || settings.pooler ? undefined : PgConnection.make(connectionConfig(settings, {}))
    }
  }
)

/**
 * Makes a PgClient of a SqlClient: adds JSON fragments, LISTEN and NOTIFY. `sql.reserve` takes a session from the
 * users' pool, never from the committers' pool.
 */
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

const statements = (client: Client.SqlClient): Pick<PgDatabase, "within" | "query" | "unprepared"> => ({
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
    }),
  unprepared: (text, params) =>
    Effect.withFiber((fiber) => {
      const ambient = Context.getOrUndefined(fiber.context, client.transactionService)
      return ambient === undefined
        ? client.unsafe<Record<string, unknown>>(text, params).unprepared
        : ambient[0].executeUnprepared(text, params, undefined)
    })
})
