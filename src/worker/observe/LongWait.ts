/**
 * Logs a warning when a group waits long for its transaction, for any reason. Without the warning, a committer that is
 * stuck looks like one that has nothing to do. The watch costs each group one reading of the clock.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LeaseRenewer } from "../lease/LeaseRenewer.ts"
import { isOfStore } from "./FailingSince.ts"
import type { Warnings } from "./Warnings.ts"

/** A group that takes longer than this is logged. No statement of Millrace itself is waited for longer. */
const silentMillis = 10_000

export class LongWait {
  private readonly warnings: Warnings
  private readonly renewer: Pick<LeaseRenewer, "now">
  private since: number | undefined
  private members = 0
  private last = ""

  constructor(warnings: Warnings, renewer: Pick<LeaseRenewer, "now">) {
    this.warnings = warnings
    this.renewer = renewer
  }

  began(members: number): void {
    this.since = this.renewer.now()
    this.members = members
    this.last = ""
  }

  ended(): void {
    this.since = undefined
  }

  /**
   * Keeps the text of the last failure for the warning, if the error is the store's. A step's error may contain parts
   * of its message, so its text is not kept.
   */
  failed(cause: Cause.Cause<unknown>): void {
    const error = Option.getOrUndefined(Cause.findErrorOption(cause))
    this.last = isOfStore(error) ? ` Its last transaction failed. ${error.message}` : ""
  }

  /** Checks every 5 seconds whether the current group waits too long. */
  readonly watch: Effect.Effect<never> = Effect.forever(
    Effect.andThen(Effect.sleep("5 seconds"), Effect.suspend(() => this.check()))
  )

  private check(): Effect.Effect<void> {
    const waited = this.since === undefined ? 0 : this.renewer.now() - this.since
    return waited < silentMillis ? Effect.void : this.warnings.warn(
      "waiting",
      `A group of ${this.members} messages has been under way for ${Math.round(waited / 1000)} s. No message is lost. `
        + `Look for locks that its statements wait for, and for a commit step that nothing can interrupt.${this.last}`
    )
  }
}
