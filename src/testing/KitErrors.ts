/**
 * Errors of the test kit itself. Each error says what happened and what to do. Most show the life of each message:
 * everything that happened to the message, as a sentence.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A test waited for messages that neither commit nor become dead letters within the time it gave them
 * (`TestPipeline.drain`).
 *
 * @since 0.1.0
 */
export class NotDrained extends Schema.TaggedError<NotDrained>("millrace/NotDrained")("NotDrained", {
  waiting: Schema.Array(Schema.String),
  /**
   * If no message is known to wait, this is the number of messages in the queue that the test's worker has not read.
   */
  unread: Schema.Number,
  millis: Schema.Number,
  /** The life line of each message. */
  story: Schema.String
}) {
  override get message() {
    const count = this.waiting.length + this.unread
    const which = this.unread > 0
      ? "in the store, not read by the test's worker"
      : this.waiting.slice(0, 20).join(", ")
    return `${count} ${count === 1 ? "message still waits" : "messages still wait"} after ${this.millis} ms: ${which}. `
      + `Nothing was given up. Look at the last word of each life below: a step that never returns needs Pipeline.timeout, a long retry delay more time `
      + `(drain("1 day")).\n${this.story}`
  }
}

/**
 * A test asked for a fault at a step that the pipeline does not have (`TestPipeline.inject`). Nothing was injected.
 *
 * @since 0.1.0
 */
export class NoSuchStep extends Schema.TaggedError<NoSuchStep>("millrace/NoSuchStep")("NoSuchStep", {
  /** The step as the test gave it: a number, `steps`, `commit`, or empty for any. */
  step: Schema.String,
  /** The steps that can be struck, each with number and kind. */
  steps: Schema.Array(Schema.String)
}) {
  override get message() {
    const which = this.step === "steps"
      ? "step before the transaction"
      : this.step === "commit"
      ? "step inside of the transaction"
      : `step ${this.step}`.trimEnd()
    return `The pipeline has no ${which} that runs an effect. Nothing was injected. `
      + `Use one of those it has: ${this.steps.length === 0 ? "none" : this.steps.join(", ")}.`
  }
}

/**
 * A test asked for faults (`TestPipeline.inject`) that struck no message until its end. So the test has not tested
 * these faults.
 *
 * @since 0.1.0
 */
export class NeverStruck extends Schema.TaggedError<NeverStruck>("millrace/NeverStruck")("NeverStruck", {
  /** The faults as the test gave them. */
  injections: Schema.Array(Schema.String),
  /** The life line of each message. */
  story: Schema.String
}) {
  override get message() {
    return `The scenario succeeded, but nothing was struck by ${
      this.injections.join(", ")
    }. So this run shows nothing about that fault. Check id, `
      + `attempt and step, inject before the message is handled, and drain after it. If another fault always comes first, leave this one out.\n`
      + this.story
  }
}

/**
 * After a crash and the redelivery that follows, the state is not that of a run without a crash
 * (`TestPipeline.crashEverywhere`). So an effect happened twice, or not at all. The error shows the compared values.
 *
 * @since 0.1.0
 */
export class CrashDiverged extends Schema.TaggedError<CrashDiverged>("millrace/CrashDiverged")("CrashDiverged", {
  /** Where the process died, and the number of that point among all of them. */
  point: Schema.String,
  number: Schema.Int,
  points: Schema.Int,
  /** The compared values, as text. */
  clean: Schema.String,
  crashed: Schema.String,
  /** The life line of each message of the run that differs. */
  story: Schema.String
}) {
  override get message() {
    return `A crash leaves another state behind. Crash point ${this.number} of ${this.points}: ${this.point}.\n`
      + `without crash: ${this.clean}\nafter it: ${this.crashed}\n`
      + `Nothing was kept: each run had a store of its own. The steps before the transaction run again after a crash: move the effect into Pipeline.commit, or make it idempotent `
      + `(keep context.message.id with it, and do nothing if it is there).\n${this.story}`
  }
}

/**
 * A test wanted to crash everywhere (`TestPipeline.crashEverywhere`), but no message reached the pipeline. So the test
 * would have proved nothing.
 *
 * @since 0.1.0
 */
export class NothingToCrash
  extends Schema.TaggedError<NothingToCrash>("millrace/NothingToCrash")("NothingToCrash", { consumer: Schema.String })
{
  override get message() {
    return `The scenario passed no point at which a process could die: nothing was published to a topic of consumer "${this.consumer}". `
      + `Nothing was tested. Publish in the scenario.`
  }
}
