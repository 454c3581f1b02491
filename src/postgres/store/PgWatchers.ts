/**
 * Waiters for the outcome of ids: of this process, and, as far as announced, of others.
 *
 * A process that has waited for a while announces the id on the wake-up channel, once. Another process that then
 * commits or dead-letters the id sends `settled`. So without waiters no process notifies, and a commit costs nothing
 * more than a look at an empty set.
 *
 * An announcement may come too late, or reach no process. So each waiter also looks again by itself. A process that
 * begins to listen says so, since it has missed earlier announcements: all waiters announce their ids again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Watchers } from "../../internal/Watchers.ts"
import type { Wake } from "../queue/Wake.ts"

/** The most announcements kept. Beyond it the oldest one is forgotten, and its waiter finds the outcome by looking. */
const most = 10_000

/** Joins both. A consumer's name has no colon. */
const nameOf = (consumer: string, id: string): string => `${consumer}:${id}`

export class PgWatchers {
  readonly #here = new Watchers()
  readonly #elsewhere = new Set<string>()
  readonly #wake: Wake
  /** Distinguishes our own announcements from those of other processes. */
  readonly #process: string

  constructor(wake: Wake, me: string) {
    this.#wake = wake
    this.#process = me
  }

  /** Watches an id, as `Watchers.watch` does. With `elsewhere`, other processes are asked for a notification, too. */
  watch(
    consumer: string,
    id: string,
    elsewhere: boolean
  ): Effect.Effect<Effect.Effect<void>, never, Scope.Scope> {
    const here = this.#here.watch(consumer, id)
    if (!elsewhere) return here
    return Effect.tap(here, Effect.andThen(this.#wake.listen, Effect.sync(() => this.#announce(consumer, id))))
  }

  #announce(consumer: string, id: string): void {
    this.#wake.send(`await:${this.#process}:${nameOf(consumer, id)}`)
  }

  #announceAgain(): void {
    this.#here.each((consumer, id) => this.#announce(consumer, id))
  }

  /** Wakes the waiters of these ids. Call it after the commit that decided about them. */
  settled(consumer: string, ids: ReadonlyArray<{ readonly id: string }>): void {
    this.#here.notify(consumer, ids)
    if (this.#elsewhere.size === 0) return
    for (const { id } of ids) {
      const name = nameOf(consumer, id)
      if (this.#elsewhere.delete(name)) this.#wake.send(`settled:${name}`)
    }
  }

  /** Announces all ids again after listening begins: earlier notes were missed. */
  listening(): void {
    this.#wake.send(`listening:${this.#process}`)
    this.#announceAgain()
    this.#here.notifyAll()
  }

  /** Handles a note of a process on the channel. */
  receive(note: string): void {
    const [kind, rest] = cut(note)
    if (kind === "settled") {
      const [consumer, id] = cut(rest)
      this.#here.notify(consumer, [{ id }])
    } else if (kind === "listening") {
      if (rest !== this.#process) this.#announceAgain()
    } else if (kind === "await") {
      const [who, name] = cut(rest)
      if (who === this.#process) return
      this.#elsewhere.add(name)
      for (const oldest of this.#elsewhere) {
        if (this.#elsewhere.size <= most) break
        this.#elsewhere.delete(oldest)
      }
    }
  }
}

/** Splits a text at its first colon. */
const cut = (text: string): readonly [string, string] => {
  const at = text.indexOf(":")
  return [text.slice(0, at), text.slice(at + 1)]
}

export const make = (wake: Wake): Effect.Effect<PgWatchers> =>
  Effect.map(Random.nextInt, (n) => {
    const watchers = new PgWatchers(wake, n.toString(36))
    wake.onNote(watchers)
    return watchers
  })
