/**
 * Logs warnings that say what to do, each kind at most once a minute. A worker in trouble would otherwise fill the log,
 * and hide the reason of the trouble.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export type Kind = "slowStep" | "noStatement" | "wrongResults" | "blockedLoop" | "waiting"

const quietMillis = 60_000

export class Warnings {
  private readonly consumer: string
  private readonly last = new Map<Kind, number>()
  constructor(consumer: string) {
    this.consumer = consumer
  }

  /** Logs the warning, unless one of its kind was logged within the last minute. */
  warn(kind: Kind, message: string): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (now - (this.last.get(kind) ?? -Infinity) < quietMillis) return Effect.void
      this.last.set(kind, now)
      return Effect.annotateLogs(Effect.logWarning(message), { consumer: this.consumer })
    })
  }
}
