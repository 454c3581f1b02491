/**
 * Millrace on PGlite: Postgres in this process, in memory or in a directory, through the same driver and the same statements.
 *
 * One session serves everybody in turn, so nothing is faster with more committers, and workers of other processes cannot take
 * part. Needs the package `@electric-sql/pglite`.
 *
 * @since 0.1.0
 */
import type * as SqlPg from "@effect/sql-pg/PgClient"
import { PGlite } from "@electric-sql/pglite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import { StoreFailure } from "../Errors.ts"
import { type PostgresError, services } from "../postgres/Postgres.ts"
import type { Store } from "../Store.ts"
import type { Transport } from "../Transport.ts"
import { streams } from "./PgliteStream.ts"

/**
 * Where the database lives.
 *
 * @since 0.1.0
 */
export interface EmbeddedOptions {
  /** A directory, which is created; one process at a time may have it open. Without it everything is in memory. */
  readonly dataDir?: string | undefined
  /** The schema for Millrace's tables. Default `millrace`. */
  readonly schema?: string | undefined
}

const failed = (dataDir: string | undefined) => (cause: unknown): StoreFailure =>
  new StoreFailure({
    operation: "open the embedded database",
    kind: "refused",
    code: "",
    detail: `${dataDir ?? "memory"}: ${cause instanceof Error ? cause.message : String(cause)}`,
    mend: "Use a directory that is empty or holds such a database, and that no other process has open."
  })

/**
 * Store, transport and SqlClient on PGlite.
 *
 * @since 0.1.0
 */
export const layer = (
  options: EmbeddedOptions = {}
): Layer.Layer<Store | Transport | SqlClient.SqlClient | SqlPg.PgClient, PostgresError> =>
  Layer.effectContext(Effect.gen(function*() {
    const pglite = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => PGlite.create(options.dataDir ?? "memory://"), catch: failed(options.dataDir) }),
      (opened) => Effect.ignore(Effect.tryPromise(() => opened.close()))
    )
    const engine = { stream: yield* streams(pglite), single: true, durable: options.dataDir !== undefined }
    return yield* services({ schema: options.schema }, engine)
  }))
