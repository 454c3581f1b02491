/**
 * Errors of names, settings and wiring. Each is reported before anything is started.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The name of a topic, consumer, lease or schema is not usable.
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
  /** The value that was read, or "nothing". A secret is not repeated. */
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
 * A consumer is registered with other settings than this worker has. These settings cannot change while the consumer
 * exists.
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
 * The engine cannot do what the pipeline asks. The worker fails with this error before it opens anything.
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
 * The context has a `SqlClient` that is not the store's. Effects on it would commit outside of the message's
 * transaction. The memory engine has no `SqlClient`, so it refuses every `SqlClient`.
 *
 * @since 0.1.0
 */
export class ForeignSqlClient
  extends Schema.TaggedError<ForeignSqlClient>("millrace/ForeignSqlClient")("ForeignSqlClient", {
    consumer: Schema.String,
    /** The engine of the store: `postgres` or `memory`. */
    engine: Schema.String
  })
{
  override get message() {
    return `The SqlClient around consumer "${this.consumer}" is not the one of the store, so its effects would commit outside of the message's transaction. `
      + `Nothing was started; nothing was changed. ${
        this.engine === "memory"
          ? "Memory has no SQL: use Embedded.layer, or put a service between the pipeline and the database."
          : "Build your services on the SqlClient that Postgres.layer exports, and build that layer once."
      }`
  }
}
