/**
 * Errors of the store outside of a transaction: a failed request, and a database that cannot be opened.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The store could not do something outside of a worker's transaction: publish, list, redrive, register.
 *
 * `kind` tells whether trying again can help:
 *
 * - `unavailable`: the database is down, read-only or full, or no database connection is free.
 * - `timeout`: the database did not answer within Millrace's own limit.
 * - `refused`: the database answered with an error that does not pass by itself.
 *
 * @since 0.1.0
 */
export class StoreFailure extends Schema.TaggedError<StoreFailure>("millrace/StoreFailure")("StoreFailure", {
  operation: Schema.String,
  kind: Schema.Literals(["unavailable", "timeout", "refused"]),
  /** The SQLSTATE, or `HTTP 403` if a server of the HTTP API answered. Empty if there is none. */
  code: Schema.String,
  detail: Schema.String,
  hint: Schema.String
}) {
  override get message() {
    const safe = this.operation === "start"
      ? "Nothing was started."
      : this.kind === "refused"
      ? "Nothing of this operation was committed."
      : "Nothing was committed, unless only the answer was lost."
    const kind = this.code.startsWith("HTTP") ? "" : "SQLSTATE "
    const code = this.code === "" ? "" : ` (${kind}${this.code})`
    return `The store could not ${this.operation}: ${this.detail}${code}. ${safe} ${this.hint}`
  }
}

/**
 * The data directory of PGlite is open already. Two processes that have it open would lose each other's commits.
 *
 * @since 0.1.0
 */
export class DataInUse extends Schema.TaggedError<DataInUse>("millrace/DataInUse")("DataInUse", {
  dataDir: Schema.String,
  /** The process that has the directory open. */
  pid: Schema.Number,
  /** The host on which that process runs. Empty if it is this host. */
  host: Schema.String,
  /** Whether that process is this one. */
  same: Schema.Boolean,
  /** Whether that process is known to be alive. If not, only its claim file shows that it has the directory open. */
  certain: Schema.Boolean,
  /** Since when the directory has been open, in milliseconds since the epoch. */
  at: Schema.Number,
  /** Path of the claim file. An operator may delete it when the process is known to be dead. */
  file: Schema.String
}) {
  override get message() {
    const who = this.same
      ? "this process, by another layer"
      : `process ${this.pid}${this.host === "" ? "" : ` on ${this.host}`}`
    return `The data in ${JSON.stringify(this.dataDir)} is open in ${who}, since ${new Date(this.at).toISOString()}. `
      + `Nothing was opened. ${
        this.same ? "Build the layer once, and share it" : "Stop that process"
      }, or use a Postgres server, which several processes can share.`
      + (this.certain ? "" : ` If no process has the data open any more, delete ${this.file}, and start again.`)
  }
}

/**
 * The database's schema was created by newer code. This older code must not run on it.
 *
 * @since 0.1.0
 */
export class SchemaTooNew extends Schema.TaggedError<SchemaTooNew>("millrace/SchemaTooNew")("SchemaTooNew", {
  schema: Schema.String,
  found: Schema.Number,
  supported: Schema.Number
}) {
  override get message() {
    return `Schema "${this.schema}" is at version ${this.found}, and this code knows versions up to ${this.supported}. Nothing was changed. `
      + `Deploy a newer version of millrace.`
  }
}

/**
 * The database has no tables of Millrace, or old ones, and this worker must not migrate the schema (`migrate:
 * "check"`).
 *
 * @since 0.1.0
 */
export class SchemaOutdated extends Schema.TaggedError<SchemaOutdated>("millrace/SchemaOutdated")("SchemaOutdated", {
  schema: Schema.String,
  found: Schema.Number,
  needed: Schema.Number
}) {
  override get message() {
    return `Schema "${this.schema}" is at version ${this.found}, this code needs ${this.needed}, and migrate is "check". Nothing was changed. `
      + `Run "npx millrace migrate" with a role that may create tables, or start once with migrate "auto".`
  }
}
