/**
 * Millrace on PGlite: Postgres in this process, in memory or in a directory, through the same driver and the same
 * statements.
 *
 * One session serves all callers in turn, so more committers make nothing faster. Only one layer of one process can
 * have a directory open, so workers of other processes cannot take part. This module needs the package
 * `@electric-sql/pglite`.
 *
 * @since 0.1.0
 */
import type * as SqlPg from "@effect/sql-pg/PgClient"
import { PGlite } from "@electric-sql/pglite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import { type DataInUse, StoreFailure } from "../Errors.ts"
import type { RetentionOptions } from "../postgres/maintenance/Retention.ts"
import { type PostgresError, services } from "../postgres/Postgres.ts"
import type { Store } from "../Store.ts"
import type { Transport } from "../Transport.ts"
import * as DataLock from "./DataLock.ts"
import { streams } from "./PgliteStream.ts"

/**
 * Where the database and Millrace's tables are.
 *
 * @since 0.1.0
 */
export interface EmbeddedOptions {
  /**
   * The directory of the database, which is created if necessary. Without a directory, all data is in memory. One layer
   * of one process at a time can have a directory open, so build the layer once, and share it. Another layer fails with
   * `DataInUse`. The directory of a killed process can be opened at once.
   */
  readonly dataDir?: string | undefined
  /** The schema for Millrace's tables. Default `millrace`. */
  readonly schema?: string | undefined
  /**
   * The content of a new database, as `PGlite.dumpDataDir` returns it. Default an empty database. It takes seconds to
   * make one, and a quarter of that to load one. So tests can share the dump of an empty database. It is refused for a
   * directory that holds a database already.
   */
  readonly loadDataDir?: Blob | undefined
  /** `auto` creates and migrates the schema; `check` only refuses a schema that does not fit. Default `auto`. */
  readonly migrate?: "auto" | "check" | undefined
  /** How long old data is kept, as in `Postgres.layer`. With `false`, nothing is deleted. */
  readonly retention?: RetentionOptions | false | undefined
}

const failed = (dataDir: string | undefined) => (cause: unknown): StoreFailure =>
  new StoreFailure({
    operation: "open the embedded database",
    kind: "refused",
    code: "",
    detail: `${dataDir ?? "memory"}: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: "Use a directory that is empty or holds such a database, and that this process may write."
  })

/** Returns the directory of PGlite, or undefined if the data is in memory. */
const directoryOf = ({ dataDir }: EmbeddedOptions): string | undefined =>
  dataDir === undefined || dataDir.startsWith("memory://") ? undefined : dataDir.replace(/^file:\/\//, "")

const create = ({ dataDir = "memory://", loadDataDir }: EmbeddedOptions) =>
  PGlite.create({ dataDir, ...(loadDataDir === undefined ? {} : { loadDataDir }) })

/**
 * Provides store, transport and SqlClient on PGlite. Fails with `DataInUse` if the directory is open already, in
 * another process or by another layer of this process.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Topic } from "millrace"
 * import { Embedded } from "millrace/embedded"
 *
 * const Payments = Topic.make("payments", { schema: Schema.Struct({ cents: Schema.Int }) })
 * const paid = Topic.publish(Payments, { cents: 5 }).pipe(
 *   Effect.provide(Embedded.layer({ dataDir: "data" })),
 *   Effect.catchTag("DataInUse", (inUse) => Effect.logError(inUse.message))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const layer = (
  options: EmbeddedOptions = {}
): Layer.Layer<Store | Transport | SqlClient.SqlClient | SqlPg.PgClient, PostgresError | DataInUse> =>
  Layer.effectContext(Effect.gen(function*() {
    const directory = directoryOf(options)
    if (directory !== undefined) yield* DataLock.acquire(directory, failed(directory))
    const pglite = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => create(options), catch: failed(options.dataDir) }),
      (opened) => Effect.ignore(Effect.tryPromise(() => opened.close()))
    )
    const engine = { stream: yield* streams(pglite), single: true }
    const { migrate, retention, schema } = options
    return yield* services({ migrate, retention, schema }, engine)
  }))
