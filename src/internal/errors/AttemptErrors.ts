/**
 * Errors that the runtime records for a failed attempt, beside the handler's own errors.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A step took longer than its timeout, so the attempt failed.
 *
 * @since 0.1.0
 */
export class StepTimeout extends Schema.TaggedError<StepTimeout>("millrace/StepTimeout")("StepTimeout", {
  /**
   * `steps`: the steps before the transaction took longer than `Pipeline.timeout`. `commit`: one commit step took
   * longer than `Pipeline.commitTimeout`.
   */
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
 * A handler ended in a defect (an unexpected exception), so the attempt failed.
 *
 * @since 0.1.0
 */
export class Defect extends Schema.TaggedError<Defect>("millrace/Defect")("Defect", { detail: Schema.String }) {
  override get message() {
    return `A handler ended in a defect: ${this.detail}. Nothing was committed. `
      + `Fix the handler; a failure that can be expected belongs in its typed errors.`
  }
}

/**
 * Several processes died while this message was in flight, and in one of them the message ran alone.
 *
 * @since 0.1.0
 */
export class WorkerCrashed extends Schema.TaggedError<WorkerCrashed>("millrace/WorkerCrashed")("WorkerCrashed", {
  crashCount: Schema.Number
}) {
  override get message() {
    return `A process died ${this.crashCount} times while this message was in flight, and one of these times it ran alone. `
      + `It is not tried again. Look for out-of-memory, native crashes and process.exit in the handler, then redrive it.`
  }
}
