/**
 * Millrace on Postgres: a store, a transport, and a SqlClient whose effects commit together with the message.
 *
 * Build your services on the SqlClient that this layer exports, and build the layer once. Effects on another client
 * would commit outside of the message's transaction.
 *
 * @since 0.1.0
 */
import * as SqlPg from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { MigrationError } from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { Duplex } from "node:stream"
import type { ConnectionOptions } from "node:tls"
import {
  type InvalidConfig,
  type InvalidName,
  InvalidSetting,
  type SchemaOutdated,
  type SchemaTooNew,
  StoreFailure
} from "../Errors.ts"
import * as GivenDuration from "../internal/GivenDuration.ts"
import { Store } from "../Store.ts"
import { Transport } from "../Transport.ts"
import * as RestoredCluster from "./maintenance/RestoredCluster.ts"
import * as Retention from "./maintenance/Retention.ts"
import * as Migrations from "./migrations/index.ts"
import { PgDelayed } from "./queue/PgDelayed.ts"
import * as PgTransport from "./queue/PgTransport.ts"
import * as Wake from "./queue/Wake.ts"
import * as PgClient from "./session/PgClient.ts"
import * as PgConfig from "./session/PgConfig.ts"
import * as PgFailure from "./session/PgFailure.ts"
import * as Names from "./sql/names.ts"
import * as PgConsumers from "./store/PgConsumers.ts"
import * as PgStore from "./store/PgStore.ts"
import * as PgWatchers from "./store/PgWatchers.ts"

/**
 * How to connect to the database, and how to use it.
 *
 * @since 0.1.0
 */
export interface PostgresOptions {
  /**
   * `postgres://user:password@host:port/database`. A plain text is made `Redacted`, so that no log shows its
   * password.
   */
  readonly url: Redacted.Redacted | string
  /** Settings of TLS, if the URL's `sslmode` is not enough. */
  readonly ssl?: boolean | ConnectionOptions | undefined
  /** The schema for Millrace's tables: letters, digits, underscore, dash, at most 50 characters. Default `millrace`. */
  readonly schema?: string | undefined
  /** `auto` creates and migrates the schema; `check` only refuses a schema that does not fit. Default `auto`. */
  readonly migrate?: "auto" | "check" | undefined
  /**
   * The most connections for publishing and for your own statements. Workers have further connections, which open when
   * they are needed: up to 16 for commits, and up to 4 for reading. Default 10.
   */
  readonly maxConnections?: number | undefined
  /** How long a caller waits for a free connection. Then the call fails, and names this setting. Default 10 seconds. */
  readonly acquireTimeout?: Duration.Input | undefined
  /**
   * How long a transaction waits for the response to COMMIT. After that time the outcome is unknown, and a worker looks
   * it up in the inbox. Default 10 seconds.
   */
  readonly commitTimeout?: Duration.Input | undefined
  /**
   * True behind a transaction pooler (PgBouncer in transaction mode): no named statements, no session settings, no
   * LISTEN. Workers then find messages by polling. Default false.
   */
  readonly pooler?: boolean | undefined
  /**
   * How long old data is kept, and how often to look for it. With `false`, nothing is ever deleted. The defaults are in
   * `RetentionOptions`.
   */
  readonly retention?: Retention.RetentionOptions | false | undefined
}

/**
 * The failures of a layer on Postgres: the database is not there, or its schema does not fit this code.
 *
 * @since 0.1.0
 */
export type PostgresError = StoreFailure | InvalidName | InvalidSetting | SchemaTooNew | SchemaOutdated

/** The services that the layer provides, all on one database. */
type Services = Store | Transport | SqlClient.SqlClient | SqlPg.PgClient

/** How long a start waits for the schema: the checks, the migration (perhaps of another process), and the repair. */
const startTimeout = Duration.minutes(2)

/** The differences between Postgres and PGlite. */
export interface Engine {
  readonly stream: (() => Duplex) | undefined
  readonly single: boolean
}

/**
 * Makes a `StoreFailure` of an SQL error at the start. While a worker runs, "unavailable" passes by itself. At the
 * start it usually needs a fix, so the hint names the URL.
 */
const notStarted = (error: SqlError): StoreFailure => {
  const failure = PgFailure.storeFailure("start")(error)
  if (failure.kind === "refused") return failure
  const { code, detail, kind, operation } = failure
  return new StoreFailure({ operation, kind, code, detail, hint: "Start Postgres, or correct its url (DATABASE_URL)." })
}

const atStart = (error: SqlError | MigrationError): StoreFailure => {
  const operation = "start"
  if (isSqlError(error)) return notStarted(error)
  const cause = error.cause
  return isSqlError(cause)
    ? notStarted(cause)
    : new StoreFailure({
      operation,
      kind: "refused",
      code: "",
      detail: error.message,
      hint: "Fix the schema, then start again."
    })
}

const timedOut = new StoreFailure({
  operation: "start",
  kind: "timeout",
  code: "",
  detail: "the schema was not ready within 2 minutes",
  hint: "Look for a transaction that locks its tables, then start again."
})

/** Returns the URL, or fails. The error does not show the given text, since it may contain a password. */
const urlOf = (given: unknown): Effect.Effect<Redacted.Redacted, InvalidSetting> => {
  const text = Redacted.isRedacted(given) ? Redacted.value(given) : given
  return typeof text === "string" && PgConfig.isPostgresUrl(text)
    ? Effect.succeed(Redacted.make(text))
    : Effect.fail(
      new InvalidSetting({
        setting: "url",
        got: text === undefined ? "missing" : "no address of Postgres",
        expected: "it must be a text (or Redacted) of the form postgres://user:password@host:port/database"
      })
    )
}

/** Returns the two timeouts of the options, with defaults filled in, or the first invalid one. */
const waitsOf = (options: Partial<PostgresOptions>) => {
  const wait = (setting: "acquireTimeout" | "commitTimeout"): Result.Result<Duration.Duration, InvalidSetting> => {
    const given = options[setting] ?? "10 seconds"
    const millis = GivenDuration.millis(given)
    return millis > 0
      ? Result.succeed(Duration.millis(millis))
      : Result.fail(GivenDuration.refusal(setting, given, "a duration above zero is needed"))
  }
  return Result.all({ acquireTimeout: wait("acquireTimeout"), commitTimeout: wait("commitTimeout") })
}

/** Builds the services in the scope of the layer. The embedded engine uses it, too. */
export const services = Effect.fnUntraced(function*(
  options: Partial<PostgresOptions>,
  engine: Engine
): Effect.fn.Return<Context.Context<Services>, PostgresError, Scope.Scope> {
  const names = yield* Effect.fromResult(Names.make(options.schema ?? "millrace"))
  const retention = Retention.resolve(options.retention === false ? {} : options.retention ?? {})
  if (retention instanceof InvalidSetting) return yield* retention
  const waits = yield* Effect.fromResult(waitsOf(options))
  const db = yield* Effect.mapError(
    Effect.provide(
      PgClient.make({
        url: engine.single ? undefined : yield* urlOf(options.url),
        ssl: options.ssl,
        stream: engine.stream,
        maxConnections: options.maxConnections ?? 10,
        ...waits,
        single: engine.single,
        pooler: options.pooler ?? false
      }),
      Reactivity.layer
    ),
    notStarted
  )
  yield* Migrations.ensure(db.sql, db.transaction, names, options.migrate ?? "auto").pipe(
    Effect.andThen(RestoredCluster.repair(db, names)),
    Effect.mapError((error) => error._tag === "SqlError" || error._tag === "MigrationError" ? atStart(error) : error),
    Effect.timeoutOrElse({ duration: startTimeout, orElse: () => Effect.fail(timedOut) })
  )
  const wake = yield* Wake.make(db, names)
  const queues = PgConsumers.makeQueues(db, names)
  // Without retention no id is ever deleted, so the deduplication window has no end.
  const window = options.retention === false ? Duration.infinity : Duration.millis(retention.inbox)
  const delayed = new PgDelayed(db, names, wake)
  const parts = PgStore.make(db, names, queues, wake, delayed, yield* PgWatchers.make(wake), window)
  if (options.retention !== false) yield* Retention.start(db, names, retention)
  const { logs, overflow, transport } = yield* PgTransport.make(db, names, queues, wake, delayed, parts)
  const store: Store["Service"] = { ...parts, logs, overflow }
  return Context.make(Store, store).pipe(
    Context.add(Transport, transport),
    Context.add(SqlClient.SqlClient, db.sql),
    Context.add(SqlPg.PgClient, db.sql)
  )
})

const server: Engine = { stream: undefined, single: false }

/**
 * Provides store, transport and SqlClient on a Postgres server (15 or later).
 *
 * ```ts
 * import { Postgres } from "millrace/postgres"
 *
 * const services = Postgres.layer({ url: "postgres://app:secret@db:5432/shop", maxConnections: 20 })
 * ```
 *
 * @since 0.1.0
 */
export const layer = (options: PostgresOptions): Layer.Layer<Services, PostgresError> =>
  Layer.effectContext(services(options, server))

/**
 * Provides the same services as `layer`, with settings from variables of the environment. `DATABASE_URL` is required.
 * `MILLRACE_SCHEMA`, `MILLRACE_MIGRATE` (auto or check), `MILLRACE_POOL` (connections) and `MILLRACE_POOLER` (true
 * behind PgBouncer) are optional. If a variable is wrong, the layer fails with `InvalidConfig`, which names the
 * variable.
 *
 * The options are for settings without a variable, for example `retention`. A variable that is set wins over its
 * option.
 *
 * ```ts
 * import { Postgres } from "millrace/postgres"
 *
 * const services = Postgres.layerConfigWith({ retention: { inbox: "14 days" } })
 * ```
 *
 * @since 0.1.0
 */
export const layerConfigWith = (
  options: Omit<PostgresOptions, "url">
): Layer.Layer<Services, PostgresError | InvalidConfig> =>
  Layer.effectContext(Effect.flatMap(PgConfig.options, (variables) => services({ ...options, ...variables }, server)))

/**
 * Provides the services of {@link layerConfigWith} without options: all settings come from the environment.
 *
 * ```ts
 * import { Layer } from "effect"
 * import { type Pipeline, Worker } from "millrace"
 * import { Postgres } from "millrace/postgres"
 *
 * declare const ledger: Pipeline.Pipeline<void, never, never>
 * const main = Worker.layer(ledger).pipe(Layer.provide(Postgres.layerConfig), Worker.launch)
 * ```
 *
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<Services, PostgresError | InvalidConfig> = layerConfigWith({})
