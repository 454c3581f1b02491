/**
 * Every error that a user of Millrace can meet.
 *
 * Each has a tag and fields that a program can branch on, and a message that a person can act on: what happened and to what; what is
 * safe; what to do. No message contains a payload or a secret. The error catalogue in `src/README.md` is made from these files.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

export * from "./internal/errors/InboxErrors.ts"
export * from "./internal/errors/StatementErrors.ts"

/**
 * A message was refused at publish: nothing was stored.
 *
 * @since 0.1.0
 */
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>("millrace/InvalidMessage")("InvalidMessage", {
  topic: Schema.String,
  /** The id, cut to 64 characters. */
  id: Schema.String,
  field: Schema.String,
  problem: Schema.String,
  hint: Schema.String
}) {
  override get message() {
    return `Message ${
      JSON.stringify(this.id)
    } of topic "${this.topic}" was refused: its ${this.field} ${this.problem}. `
      + `Nothing was published. ${this.hint}`
  }
}

/**
 * A value does not fit its topic's Schema, so it could not be encoded: nothing was stored.
 *
 * @since 0.1.0
 */
export class EncodeFailed extends Schema.TaggedError<EncodeFailed>("millrace/EncodeFailed")("EncodeFailed", {
  topic: Schema.String,
  issue: Schema.String
}) {
  override get message() {
    return `A value for topic "${this.topic}" does not fit its schema: ${this.issue}. Nothing was published. `
      + `Publish a value of the topic's type.`
  }
}

/**
 * A stored payload does not decode with its topic's Schema: the message becomes a dead letter `undecodable`.
 *
 * @since 0.1.0
 */
export class DecodeFailed extends Schema.TaggedError<DecodeFailed>("millrace/DecodeFailed")("DecodeFailed", {
  topic: Schema.String,
  id: Schema.String,
  version: Schema.Number,
  issue: Schema.String,
  /** Where, and what kind of issue: `$.lines[*].cents InvalidType`. Part of the failure's fingerprint. */
  where: Schema.String
}) {
  override get message() {
    return `Message ${
      JSON.stringify(this.id)
    } of topic "${this.topic}" (version ${this.version}) does not decode: ${this.issue}. `
      + `Its payload is kept in the dead letter. Deploy code that reads it, then redrive it; or discard it.`
  }
}

/**
 * A name that people gave (topic, consumer, lease, schema) is not usable.
 *
 * @since 0.1.0
 */
export class InvalidName extends Schema.TaggedError<InvalidName>("millrace/InvalidName")("InvalidName", {
  /** `topic`, `consumer`, `lease` or `schema`. */
  kind: Schema.String,
  got: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `A ${this.kind} name has ${
      this.kind === "schema"
        ? "letters, digits, underscore and dash, at most 50, and begins with a letter or underscore"
        : "letters, digits, dot, dash, underscore and slash, at most 200, and begins with a letter or digit"
    }, but ${JSON.stringify(this.got.slice(0, 80))} ${this.problem}. Nothing was done. Change the name.`
  }
}

/**
 * A setting is out of its range, or two settings contradict each other. Nothing was started.
 *
 * @since 0.1.0
 */
export class InvalidSetting extends Schema.TaggedError<InvalidSetting>("millrace/InvalidSetting")("InvalidSetting", {
  setting: Schema.String,
  got: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `Setting "${this.setting}" is ${this.got}, but ${this.expected}. Nothing was started. Change it and start again.`
  }
}

/**
 * A variable of the environment is missing or does not parse. Nothing was started.
 *
 * @since 0.1.0
 */
export class InvalidConfig extends Schema.TaggedError<InvalidConfig>("millrace/InvalidConfig")("InvalidConfig", {
  variable: Schema.String,
  /** What was read, or "nothing"; secrets are not repeated. */
  got: Schema.String,
  expected: Schema.String,
  example: Schema.String
}) {
  override get message() {
    return `${this.variable} should be ${this.expected}, but is ${this.got}. Nothing was started. Set it, for example: `
      + `${this.variable}=${this.example}`
  }
}

/**
 * A consumer is registered with other settings than this worker has; they cannot change while it exists.
 *
 * @since 0.1.0
 */
export class ConsumerConflict
  extends Schema.TaggedError<ConsumerConflict>("millrace/ConsumerConflict")("ConsumerConflict", {
    consumer: Schema.String,
    setting: Schema.String,
    registered: Schema.String,
    asked: Schema.String
  })
{
  override get message() {
    return `Consumer "${this.consumer}" is registered with ${this.setting} ${this.registered}, but this worker asks for ${this.asked}. `
      + `The worker did not start; nothing was changed. Use ${this.registered}, or give the pipeline another consumer name.`
  }
}

/**
 * The engine cannot do what the pipeline asks. Said before anything is opened.
 *
 * @since 0.1.0
 */
export class Unsupported extends Schema.TaggedError<Unsupported>("millrace/Unsupported")("Unsupported", {
  engine: Schema.String,
  asked: Schema.String,
  because: Schema.String,
  instead: Schema.String
}) {
  override get message() {
    return `${this.engine} cannot do what was asked (${this.asked}): ${this.because}. Nothing was started. Instead: ${this.instead}.`
  }
}

/**
 * The store could not do something outside of a worker's transaction: publish, list, redrive, register.
 *
 * `kind` tells whether trying again can help: `unavailable` (down, no connection, read-only, full), `timeout` (a wait of
 * ours ended), `refused` (the database answered with an error that stays).
 *
 * @since 0.1.0
 */
export class StoreFailure extends Schema.TaggedError<StoreFailure>("millrace/StoreFailure")("StoreFailure", {
  operation: Schema.String,
  kind: Schema.Literals(["unavailable", "timeout", "refused"]),
  /** SQLSTATE where the database gave one. */
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
    const code = this.code === "" ? "" : ` (SQLSTATE ${this.code})`
    return `The store could not ${this.operation}: ${this.detail}${code}. ${safe} ${this.hint}`
  }
}

/**
 * A lease ended before its work did: nothing more can be committed under its token. The work goes to the next owner.
 *
 * @since 0.1.0
 */
export class LeaseLost extends Schema.TaggedError<LeaseLost>("millrace/LeaseLost")("LeaseLost", {
  lease: Schema.String,
  token: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `Lost ${this.lease} (token ${this.token}): ${this.reason}. Nothing was committed under it since; its work goes to the next owner. `
      + `If this repeats, look for a blocked event loop or a slow database, or lengthen the lease.`
  }
}

/**
 * Somebody else has the lease, and the time that one would wait for it is over.
 *
 * @since 0.1.0
 */
export class LeaseTaken extends Schema.TaggedError<LeaseTaken>("millrace/LeaseTaken")("LeaseTaken", {
  lease: Schema.String,
  holder: Schema.String,
  /** Until its time is over, unless it is renewed: milliseconds. */
  remainingMillis: Schema.Number
}) {
  override get message() {
    return `Lease "${this.lease}" is held by "${this.holder}", for ${
      Math.round(this.remainingMillis)
    } ms more unless it is renewed. `
      + `Nothing was started. Try again later, or give a longer "wait".`
  }
}

/**
 * The transaction met something that passes: a conflict with another one (40001, 40P01, 55P03), or a database that is not
 * there at the moment. Nothing was committed; the same transaction is run again, uncounted.
 *
 * @since 0.1.0
 */
export class TransientFailure
  extends Schema.TaggedError<TransientFailure>("millrace/TransientFailure")("TransientFailure", {
    kind: Schema.Literals(["conflict", "unavailable"]),
    code: Schema.String,
    detail: Schema.String
  })
{
  override get message() {
    const what = this.kind === "conflict" ? "conflict" : "database that is not available"
    return `The transaction met a ${what}: ${this.detail}${this.code === "" ? "" : ` (SQLSTATE ${this.code})`}. `
      + `Nothing was committed. A worker runs it again; a transaction of your own is to be run again as a whole.`
  }
}

/**
 * A commit step caught an SQL error, which leaves the whole transaction aborted in Postgres. Nothing was committed.
 *
 * @since 0.1.0
 */
export class TransactionAborted
  extends Schema.TaggedError<TransactionAborted>("millrace/TransactionAborted")("TransactionAborted", {
    detail: Schema.String
  })
{
  override get message() {
    return `A commit step caught an SQL error and went on, but Postgres had aborted the transaction: ${this.detail}. `
      + `Nothing was committed. Wrap the statement that may fail in sql.withTransaction (a savepoint), and catch outside of it.`
  }
}

/**
 * The database refused at COMMIT, as a deferred constraint does. Nothing was committed.
 *
 * @since 0.1.0
 */
export class CommitRejected extends Schema.TaggedError<CommitRejected>("millrace/CommitRejected")("CommitRejected", {
  code: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `COMMIT was refused: ${this.detail} (SQLSTATE ${this.code}). Nothing was committed. `
      + `A deferred constraint says so only at the end: check what it needs in the commit step.`
  }
}

/**
 * COMMIT was sent and no answer came: it may or may not have happened. The inbox settles it.
 *
 * @since 0.1.0
 */
export class UnknownOutcome extends Schema.TaggedError<UnknownOutcome>("millrace/UnknownOutcome")("UnknownOutcome", {
  detail: Schema.String
}) {
  override get message() {
    return `COMMIT was sent, but its answer did not come: ${this.detail}. It may have happened. `
      + `A pipeline settles this by its inbox; a caller repeats with the same id.`
  }
}

/**
 * A step took longer than its timeout; the attempt failed.
 *
 * @since 0.1.0
 */
export class StepTimeout extends Schema.TaggedError<StepTimeout>("millrace/StepTimeout")("StepTimeout", {
  /** `steps` (before the transaction: `Pipeline.timeout`) or `commit` (one commit step: `Pipeline.commitTimeout`). */
  phase: Schema.Literals(["steps", "commit"]),
  millis: Schema.Number
}) {
  override get message() {
    return this.phase === "steps"
      ? `The steps before the transaction took longer than ${this.millis} ms. Nothing was committed. Speed them up, or raise Pipeline.timeout.`
      : `A commit step took longer than ${this.millis} ms. Nothing was committed. A commit step holds database work only: `
        + `move waiting and network calls into mapEffect, or raise Pipeline.commitTimeout (25 seconds at most).`
  }
}

/**
 * A handler ended in a defect (an unexpected exception); the attempt failed.
 *
 * @since 0.1.0
 */
export class Defect extends Schema.TaggedError<Defect>("millrace/Defect")("Defect", { detail: Schema.String }) {
  override get message() {
    return `A handler ended in a defect: ${this.detail}. Nothing was committed. Fix the handler; a failure that can be expected belongs into its typed errors.`
  }
}

/**
 * An id was committed before, with other content. A message is kept as a dead letter, never dropped; a caller of `Inbox.once` gets this
 * error.
 *
 * @since 0.1.0
 */
export class IdempotencyConflict
  extends Schema.TaggedError<IdempotencyConflict>("millrace/IdempotencyConflict")("IdempotencyConflict", {
    consumer: Schema.String,
    id: Schema.String
  })
{
  override get message() {
    return `Consumer "${this.consumer}" committed ${
      JSON.stringify(this.id)
    } before, with other content. This one had no effect. `
      + `Give other content another id (the topics of one consumer share its ids), or correct the sender.`
  }
}

/**
 * The message was in the hands of a process that died, again and again, and one of these times it ran alone.
 *
 * @since 0.1.0
 */
export class WorkerCrashed extends Schema.TaggedError<WorkerCrashed>("millrace/WorkerCrashed")("WorkerCrashed", {
  received: Schema.Number
}) {
  override get message() {
    return `The process died ${this.received} times with this message in its hands, and one of these times it ran alone. `
      + `It is not tried again. Look for out-of-memory, native crashes and process.exit in the handler, then redrive it.`
  }
}

/**
 * A context's `SqlClient` is not the one that `Postgres.layer` exports: effects on it would commit outside of the
 * message's transaction.
 *
 * @since 0.1.0
 */
export class ForeignSqlClient
  extends Schema.TaggedError<ForeignSqlClient>("millrace/ForeignSqlClient")("ForeignSqlClient", {
    consumer: Schema.String
  })
{
  override get message() {
    return `The SqlClient around consumer "${this.consumer}" is not the one of the store, so its effects would commit outside of the message's transaction. `
      + `Nothing was started; nothing was changed. Build your services on the SqlClient that Postgres.layer exports, and build that layer once.`
  }
}

/**
 * A directory of PGlite is open already. Two that have it open would lose each other's commits.
 *
 * @since 0.1.0
 */
export class DataInUse extends Schema.TaggedError<DataInUse>("millrace/DataInUse")("DataInUse", {
  dataDir: Schema.String,
  /** The process that has it open. */
  pid: Schema.Number,
  /** Where that process runs; empty: on this host. */
  host: Schema.String,
  /** Whether it is this process. */
  same: Schema.Boolean,
  /** Whether it was seen that the process lives; otherwise only its claim says so. */
  certain: Schema.Boolean,
  /** Since when, in milliseconds since the epoch. */
  at: Schema.Number,
  /** The claim, to be deleted by a person who knows that the process is gone. */
  file: Schema.String
}) {
  override get message() {
    const who = this.same
      ? "this process, by another layer"
      : `process ${this.pid}${this.host === "" ? "" : ` on ${this.host}`}`
    return `The data in ${JSON.stringify(this.dataDir)} is open in ${who}, since ${new Date(this.at).toISOString()}. `
      + `Nothing was opened. ${
        this.same ? "Build the layer once, and share it" : "Stop that process"
      }, or use a Postgres server, `
      + `which many may share.${
        this.certain ? "" : ` If nothing has it open any more, delete ${this.file}, and start again.`
      }`
  }
}

/**
 * The database's schema was made by newer code that older code must not run on.
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
 * The database has no tables of Millrace, or old ones, and this worker may not migrate (`migrate: "check"`).
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
      + `Start once with migrate "auto" and a role that may create tables.`
  }
}

export * from "./internal/errors/OperationsErrors.ts"
export * from "./internal/errors/TransportErrors.ts"
