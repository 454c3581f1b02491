/**
 * Errors of leases: a lost one, and one that another owner holds.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A lease ended before the work under it did. The owner can commit nothing more under the lease's token, and the next
 * owner does the work.
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
 * Another owner holds the lease, and the time that the caller would wait for it is over.
 *
 * @since 0.1.0
 */
export class LeaseTaken extends Schema.TaggedError<LeaseTaken>("millrace/LeaseTaken")("LeaseTaken", {
  lease: Schema.String,
  holder: Schema.String,
  /** Milliseconds until the lease expires unless it is renewed. */
  remainingMillis: Schema.Number
}) {
  override get message() {
    return `Lease "${this.lease}" is held by "${this.holder}", for ${
      Math.round(this.remainingMillis)
    } ms more unless it is renewed. `
      + `Nothing was started. Try again later, or give a longer "wait".`
  }
}
