/**
 * Errors of the inbox: of `Inbox.once`, of `Inbox.await`, and of an id that comes again with other content.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The inbox cannot store an id: the id is empty or too long, or has characters that Postgres does not keep.
 *
 * @since 0.1.0
 */
export class InvalidId extends Schema.TaggedError<InvalidId>("millrace/InvalidId")("InvalidId", {
  consumer: Schema.String,
  /** The id, cut to 64 characters. */
  id: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `The id ${JSON.stringify(this.id)} for consumer "${this.consumer}" was refused: it ${this.problem}. `
      + `Nothing was run. Use a non-empty text of at most 512 bytes without NUL; hash long natural keys.`
  }
}

/**
 * The inbox has an id already, with other content. A pipeline keeps the message as a dead letter and never drops it. A
 * caller of `Inbox.once` gets this error.
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
    return `Consumer "${this.consumer}" has the id ${
      JSON.stringify(this.id)
    } already, with other content. This one had no effect. `
      + `Give other content another id (the topics of one consumer share its ids), or correct the sender.`
  }
}

/**
 * Another caller runs its effect under this id, and this call must not wait, or has waited for its whole timeout.
 *
 * @since 0.1.0
 */
export class InProgress extends Schema.TaggedError<InProgress>("millrace/InProgress")("InProgress", {
  consumer: Schema.String,
  id: Schema.String,
  /** How long this call waited for the other one. */
  waitedMillis: Schema.Number
}) {
  override get message() {
    return `Another caller is at work on ${
      JSON.stringify(this.id)
    } of "${this.consumer}"; this one gave up after ${this.waitedMillis} ms. `
      + `Nothing was run by this call. Use the same id again later. It gets the result of the other call, or runs if that one failed.`
  }
}

/**
 * The id was decided before, but there is no result to return.
 *
 * - `undecodable`: the stored result does not decode with this Schema.
 * - `none`: a pipeline committed the id, and pipelines store no result. In an inbox outside of the store, the result of
 *   the first call was refused (`ResultRefused`).
 * - `dead`: the message with this id is a dead letter.
 *
 * @since 0.1.0
 */
export class ResultUnavailable
  extends Schema.TaggedError<ResultUnavailable>("millrace/ResultUnavailable")("ResultUnavailable", {
    consumer: Schema.String,
    id: Schema.String,
    reason: Schema.Literals(["undecodable", "none", "dead"]),
    /** The decoding issue, or the dead letter's id. */
    detail: Schema.String
  })
{
  override get message() {
    const { why, hint } = this.reason === "undecodable"
      ? {
        why: `has a stored result that does not decode: ${this.detail}`,
        hint: "The result is kept: change the schema so that it reads what was stored, then use the same id again."
      }
      : this.reason === "none"
      ? {
        why: "has no stored result: a pipeline committed it, or its first result was refused",
        hint: "Use a consumer name of its own for once. After a refused result, another id runs the effect again."
      }
      : {
        why: `is dead letter ${this.detail}`,
        hint: "Redrive that dead letter, or use another id."
      }
    return `The id ${JSON.stringify(this.id)} of "${this.consumer}" ${why}. Nothing was run by this call. ${hint}`
  }
}

/**
 * The effect succeeded, but its result is too large to be stored, or does not fit its Schema. So the effect was rolled
 * back. An effect outside of the store cannot be rolled back, so its id is kept without a result.
 *
 * @since 0.1.0
 */
export class ResultRefused extends Schema.TaggedError<ResultRefused>("millrace/ResultRefused")("ResultRefused", {
  consumer: Schema.String,
  id: Schema.String,
  problem: Schema.String,
  /** False if the inbox is outside of the store. Then the effect has happened, and its id does not run again. */
  rolledBack: Schema.Boolean
}) {
  override get message() {
    const { safe, then } = this.rolledBack
      ? { safe: "Nothing was committed: the effect was rolled back.", then: "Then use the same id again." }
      : { safe: "The effect has happened, and its id is kept without a result.", then: "It is not tried again." }
    return `The result for ${JSON.stringify(this.id)} of "${this.consumer}" was not stored: it ${this.problem}. `
      + `${safe} Return less (a reference to a large result), or correct its schema. ${then}`
  }
}

/**
 * A call of `Inbox.once` lost the in-progress marker of its id, in an inbox outside of the store. The marker ran out
 * because it could not be renewed, or another call has claimed the id.
 *
 * @since 0.1.0
 */
export class ClaimLost extends Schema.TaggedError<ClaimLost>("millrace/ClaimLost")("ClaimLost", {
  consumer: Schema.String,
  id: Schema.String,
  /** `interrupted`: it was under way, and may have happened. `happened`: it had succeeded, perhaps without a record. */
  effect: Schema.Literals(["interrupted", "happened"]),
  reason: Schema.String
}) {
  override get message() {
    const safe = this.effect === "happened"
      ? "The effect has happened. Perhaps its result is not stored."
      : "The effect was interrupted. It may have happened."
    return `The claim of ${JSON.stringify(this.id)} for "${this.consumer}" was lost: ${this.reason}. ${safe} `
      + `Use the same id again: it returns the result that is stored, or runs the effect again.`
  }
}

/**
 * `Inbox.await` waited for its whole timeout, and the message is neither committed nor dead.
 *
 * @since 0.1.0
 */
export class AwaitTimeout extends Schema.TaggedError<AwaitTimeout>("millrace/AwaitTimeout")("AwaitTimeout", {
  consumer: Schema.String,
  id: Schema.String,
  waitedMillis: Schema.Number
}) {
  override get message() {
    return `${
      JSON.stringify(this.id)
    } was neither committed nor dead for "${this.consumer}" within ${this.waitedMillis} ms. Nothing was changed. `
      + `Wait longer, check the consumer's name and the id, or look whether its worker runs and whether its key is held.`
  }
}
