/**
 * Who waits for which id of which consumer: in this process, and, as far as one has heard, in others.
 *
 * Whoever has waited for a while says so on the wake-up's channel, once. A process that commits or dead-letters the id after it has heard
 * that answers there. So nobody notifies where nobody waits, and a commit costs nothing more than a look at an empty set. An
 * announcement may come too late, or to nobody: who waits looks again by itself, always. A process that begins to listen says so, since it
 * has heard none before: those who wait announce it once more.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Watchers } from "../../internal/Watchers.ts"
import type { Wake } from "../queue/Wake.ts"

/** Announcements that are kept; beyond it the oldest is forgotten, and who made it finds out by looking. */
const most = 10_000

/** A consumer's name has no colon. */
const nameOf = (consumer: string, id: string): string => `${consumer}:${id}`

export class PgWatchers {
  readonly #here = new Watchers()
  readonly #elsewhere = new Set<string>()
  readonly #wake: Wake
  /** Tells our own announcements from those of others. */
  readonly #me: string

  constructor(wake: Wake, me: string) {
    this.#wake = wake
    this.#me = me
  }

  /** As `Watchers.watch`; with `elsewhere`, other processes are asked to tell, too. */
  watch(
    consumer: string,
    id: string,
    elsewhere: boolean
  ): Effect.Effect<Effect.Effect<void>, never, Scope.Scope> {
    const here = this.#here.watch(consumer, id)
    if (!elsewhere) return here
    return Effect.tap(here, Effect.andThen(this.#wake.listen, Effect.sync(() => this.#ask(consumer, id))))
  }

  #ask(consumer: string, id: string): void {
    this.#wake.tell(`await:${this.#me}:${nameOf(consumer, id)}`)
  }

  #askAgain(): void {
    this.#here.each((consumer, id) => this.#ask(consumer, id))
  }

  /** After the commit that decided about these ids. */
  settled(consumer: string, ids: ReadonlyArray<{ readonly id: string }>): void {
    this.#here.notify(consumer, ids)
    if (this.#elsewhere.size === 0) return
    for (const { id } of ids) {
      const name = nameOf(consumer, id)
      if (this.#elsewhere.delete(name)) this.#wake.tell(`settled:${name}`)
    }
  }

  /** Listening begins, perhaps anew: what was said before is not known. */
  listening(): void {
    this.#wake.tell(`hears:${this.#me}`)
    this.#askAgain()
    this.#here.notifyAll()
  }

  /** What a process said on the channel. */
  heard(note: string): void {
    const [kind, rest] = cut(note)
    if (kind === "settled") {
      const [consumer, id] = cut(rest)
      this.#here.notify(consumer, [{ id }])
    } else if (kind === "hears") {
      if (rest !== this.#me) this.#askAgain()
    } else if (kind === "await") {
      const [who, name] = cut(rest)
      if (who === this.#me) return
      this.#elsewhere.add(name)
      for (const oldest of this.#elsewhere) {
        if (this.#elsewhere.size <= most) break
        this.#elsewhere.delete(oldest)
      }
    }
  }
}

/** What stands before the first colon, and what behind it. */
const cut = (text: string): readonly [string, string] => {
  const at = text.indexOf(":")
  return [text.slice(0, at), text.slice(at + 1)]
}

export const make = (wake: Wake): Effect.Effect<PgWatchers> =>
  Effect.map(Random.nextInt, (n) => {
    const watchers = new PgWatchers(wake, n.toString(36))
    wake.hears(watchers)
    return watchers
  })
