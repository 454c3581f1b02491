/**
 * Connects a command to the database: a server, or the directory of an embedded database.
 *
 * A command never creates or migrates tables and never deletes old data, except for `migrate`. So a role that may only
 * read can look.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Redacted from "effect/Redacted"
import type * as SqlClient from "effect/sql/SqlClient"
import type { ConsumerNotFound, DataInUse, InvalidConfig, InvalidSetting, StoreFailure } from "../../Errors.ts"
import * as Operations from "../../ops/Operations.ts"
import * as Postgres from "../../postgres/Postgres.ts"
import * as PgConfig from "../../postgres/session/PgConfig.ts"
import type { Store } from "../../Store.ts"
import { CliFailure, notFound, usage } from "./CliFailure.ts"
import { DatabaseUrl, DataDir, Schema, Url, variable } from "./GlobalSettings.ts"

/** The layer of a database, with all of its failures. */
type Database = Layer.Layer<
  Store | SqlClient.SqlClient | PgClient,
  CliFailure | DataInUse | InvalidConfig | PlatformError | Postgres.PostgresError,
  FileSystem.FileSystem | Path.Path
>

/** Whether tables may be created and changed. */
type Migrate = "auto" | "check"

const embeddedIsMissing = new CliFailure({
  reason: "usage",
  type: "embedded-missing",
  message: "An embedded database needs the package @electric-sql/pglite, which is not installed here. "
    + "Nothing was opened.\nRun `npm install @electric-sql/pglite` in the project that has millrace."
})

/** Opens the embedded database. Its package is loaded here, since most commands do not need it. */
const embedded = (dataDir: string, schema: string | undefined, migrate: Migrate) =>
  Layer.unwrap(Effect.gen(function*() {
    const files = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    if (!(yield* files.exists(path.join(dataDir, "PG_VERSION"))) && migrate === "check") {
      return yield* new CliFailure({
        reason: "notFound",
        type: "database-not-found",
        message: `There is no embedded database in ${JSON.stringify(dataDir)}. Nothing was opened.\n`
          + "`--data-dir` needs the directory that the program passes to Embedded.layer.",
        fields: { dataDir }
      })
    }
    const { layer } = yield* Effect.tryPromise({
      try: () => import("../../embedded/Embedded.ts"),
      catch: () => embeddedIsMissing
    })
    return layer({ dataDir, schema, migrate, retention: false })
  }))

/** Connects to the server of `--database-url` or DATABASE_URL, with the other variables of the environment. */
const server = (url: string | undefined, schema: string, migrate: Migrate) =>
  Layer.unwrap(Effect.gen(function*() {
    const environment = yield* ConfigProvider.ConfigProvider
    const options = yield* Effect.provideService(
      PgConfig.options,
      ConfigProvider.ConfigProvider,
      url === undefined
        ? environment
        : ConfigProvider.orElse(ConfigProvider.fromUnknown({ DATABASE_URL: url }), environment)
    )
    return Postgres.layer({ ...options, schema, migrate, retention: false })
  }))

/** Returns the schema's name, as the settings or the environment give it. */
export const schemaName = Effect.gen(function*() {
  return Option.getOrUndefined(yield* Schema) ?? (yield* variable("MILLRACE_SCHEMA")) ?? "millrace"
})

/** Returns the database or server of a command, as its flags say. Two flags exclude each other. */
const target = Effect.gen(function*() {
  const given = {
    "--database-url": Option.getOrUndefined(yield* DatabaseUrl),
    "--data-dir": Option.getOrUndefined(yield* DataDir),
    "--url": Option.getOrUndefined(yield* Url)
  }
  const names = Object.entries(given).filter(([, value]) => value !== undefined).map(([name]) => name)
  if (names.length > 1) {
    return yield* usage(`${names.join(" and ")} exclude each other. Pass the one that is meant.`)
  }
  return { databaseUrl: given["--database-url"], dataDir: given["--data-dir"], url: given["--url"] }
})

/**
 * The address of the server that a command works on. Undefined for a database. A flag for a database wins over
 * MILLRACE_URL.
 */
const serverUrl = Effect.gen(function*() {
  const { databaseUrl, dataDir, url } = yield* target
  return url ?? (databaseUrl === undefined && dataDir === undefined ? yield* variable("MILLRACE_URL") : undefined)
})

/**
 * Returns the store and the facts of a server of the HTTP API. Its client is loaded here, since a database needs none.
 */
const overHttp = (url: string) =>
  Layer.unwrap(Effect.gen(function*() {
    const token = yield* variable("MILLRACE_TOKEN")
    const { layer } = yield* Effect.promise(() => import("../../http/client/HttpOperations.ts"))
    const client = yield* Effect.promise(() => import("effect/http/FetchHttpClient"))
    return Layer.provide(
      layer({ url, token: token === undefined ? undefined : Redacted.make(token) }),
      client.layer
    )
  }))

/** Returns the store and the facts of a database, with or without the right to migrate. */
export const layer = (migrate: Migrate) =>
  Layer.unwrap(Effect.gen(function*() {
    const { dataDir, databaseUrl: url } = yield* target
    const schema = yield* schemaName
    const database: Database = dataDir === undefined ? server(url, schema, migrate) : embedded(dataDir, schema, migrate)
    return Layer.provideMerge(Operations.layer({ schema }), database)
  }))

const isConsumerNotFound = (error: unknown): error is ConsumerNotFound =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "ConsumerNotFound"

/** The store and the facts of the database, or of the server of `--url`. */
const databaseOrServer = Layer.unwrap(Effect.gen(function*() {
  const url = yield* serverUrl
  const services: Layer.Layer<
    Operations.Operations | Store,
    Layer.Error<ReturnType<typeof layer>> | InvalidSetting,
    Layer.Services<ReturnType<typeof layer>>
  > = url === undefined ? layer("check") : overHttp(url)
  return services
}))

/** Fails for an unknown consumer with the names of those that exist. */
const namingConsumers = <A, E, R>(command: Effect.Effect<A, E, R>) =>
  Effect.catch(
    command,
    (error): Effect.Effect<never, Exclude<E, ConsumerNotFound> | CliFailure | StoreFailure, Operations.Operations> =>
      isConsumerNotFound(error)
        ? Effect.flatMap(Operations.Operations.use(({ consumers }) => consumers), (all) =>
          Effect.fail(notFound(
            "consumer",
            error.consumer,
            all.map(({ consumer }) => consumer),
            "A consumer registers when its first worker starts."
          )))
        : Effect.fail(error as Exclude<E, ConsumerNotFound>)
  )

/**
 * Runs a command on the database, or on the server of `--url`. If a consumer does not exist, the failure names those
 * that do. Every failure of an unknown consumer passes here, so no command can do nothing and report success.
 */
export const connected = <A, E, R>(command: Effect.Effect<A, E, R>) =>
  Effect.provide(namingConsumers(command), databaseOrServer)

/** Fails if the flags name a server: this command needs the database itself. */
export const needsDatabase = Effect.gen(function*() {
  if ((yield* target).url === undefined) return
  return yield* usage(
    "This command needs the database itself, and --url names a server of the HTTP API. Nothing was done.\n"
      + "Pass --database-url, or set DATABASE_URL."
  )
})

/** Runs a command that needs the database itself. MILLRACE_URL does not matter to it. */
export const connectedToDatabase = <A, E, R>(command: Effect.Effect<A, E, R>) =>
  Effect.andThen(needsDatabase, Effect.provide(namingConsumers(command), layer("check")))
