/**
 * Logs warnings that say what to do, each kind at most once a minute. A worker in trouble would otherwise fill the log,
 * and hide the reason of the trouble.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export type Kind = "slowStep" | "noStatement" | "wrongResults" | "blockedLoop" | "waiting"

const quietMillis = 60_000

/** The most error tags whose lines are limited one by one. Further ones share a limit, since tags may contain data. */
const maxTags = 50

/** The lines about one error tag: when the last one was logged, and how many were left out since. */
interface Lines {
  at: number
  leftOut: number
}

export class Warnings {
  private readonly consumer: string
  private readonly last = new Map<Kind, number>()
  private readonly tags = new Map<string, Lines>()
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

  /**
   * Logs that a message is held, unless a line about an error of this tag was logged within the last minute. The next
   * line says how many were left out.
   */
  held(tag: string, message: string, fields: Record<string, unknown>): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const lines = this.linesOf(tag)
      if (now - lines.at < quietMillis) {
        lines.leftOut++
        return Effect.void
      }
      const more = lines.leftOut === 0
        ? ""
        : ` Since the last such line, ${lines.leftOut} more messages were first held for errors of this tag.`
      lines.at = now
      lines.leftOut = 0
      return Effect.annotateLogs(Effect.logWarning(message + more), fields)
    })
  }

  private linesOf(tag: string): Lines {
    const key = this.tags.has(tag) || this.tags.size < maxTags ? tag : "_OTHER"
    let lines = this.tags.get(key)
    if (lines === undefined) this.tags.set(key, lines = { at: -Infinity, leftOut: 0 })
    return lines
  }
}
