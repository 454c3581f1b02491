/**
 * The errors of `Inbox.once` and `Inbox.await`; `Errors.ts` exports them with the others.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * An id that a caller gave to the inbox cannot be stored: empty, too long, or with characters that Postgres does not keep.
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
 * Another caller is at work under this id, and this one would not wait, or waited as long as it may.
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
      + `Nothing was run by this call. Use the same id again later: it gets the result of the other one, or runs if that one failed.`
  }
}

/**
 * The id was decided before, but there is no result to give back: it does not decode (`undecodable`), the id was committed by a
 * pipeline, which stores none (`none`), or it was given up as a dead letter (`dead`).
 *
 * @since 0.1.0
 */
export class ResultUnavailable
  extends Schema.TaggedError<ResultUnavailable>("millrace/ResultUnavailable")("ResultUnavailable", {
    consumer: Schema.String,
    id: Schema.String,
    reason: Schema.Literals(["undecodable", "none", "dead"]),
    /** What does not decode, or the dead letter's id. */
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
      ? { why: "was committed by a pipeline, which stores no result", hint: "Use a consumer name of its own for once." }
      : {
        why: `was given up as dead letter ${this.detail}`,
        hint: "Redrive that dead letter, or use another id."
      }
    return `The id ${JSON.stringify(this.id)} of "${this.consumer}" ${why}. Nothing was run by this call. ${hint}`
  }
}

/**
 * The effect succeeded, but its result cannot be stored: too large, or not what its Schema says. All of it was rolled back.
 *
 * @since 0.1.0
 */
export class ResultRefused extends Schema.TaggedError<ResultRefused>("millrace/ResultRefused")("ResultRefused", {
  consumer: Schema.String,
  id: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `The result for ${JSON.stringify(this.id)} of "${this.consumer}" was not stored: it ${this.problem}. `
      + `Nothing was committed: the effect was rolled back. Return less (a reference to a large result), or correct its schema; then use the same id again.`
  }
}

/**
 * A message was neither committed nor dead when `Inbox.await` had waited as long as it may.
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
    } was neither committed nor dead for "${this.consumer}" within ${this.waitedMillis} ms. Nothing was changed; it goes on. `
      + `Wait longer, check the consumer's name and the id, or look whether its worker runs and whether its key is held.`
  }
}
