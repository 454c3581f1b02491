/**
 * The calls that wait for the outcome of a message id: those of this process, and those that other processes announced.
 *
 * A process that has waited for a while announces the message id on the wake-up channel. If another process then
 * commits or dead-letters this message, it sends the note `settled`. So without announcements no process sends notes,
 * and a commit only looks at an empty set.
 *
 * An announcement may come too late, or reach no process. So each waiting call also polls for the outcome. A process
 * that begins to listen has missed earlier announcements. It sends the note `listening`, and all processes announce
 * their ids again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import { Watchers } from "../../internal/Watchers.ts"
import type { Wake } from "../queue/Wake.ts"

/** The most announcements kept. The oldest one is then forgotten, and its waiting call finds the outcome by polling. */
const most = 10_000

/** Joins consumer and message id to one text. A consumer's name has no colon, so the text can be split again. */
const nameOf = (consumer: string, id: string): string => `${consumer}:${id}`

export class PgWatchers {
  readonly #here = new Watchers()
  readonly #elsewhere = new Set<string>()
  readonly #wake: Wake
  /** A random name of this process. Each announcement carries the name, so that a process ignores its own ones. */
  readonly #process: string

  constructor(wake: Wake, me: string) {
    this.#wake = wake
    this.#process = me
  }

  /** Watches a message id, as `Watchers.watch` does. With `elsewhere`, the id is also announced to other processes. */
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

  /** Wakes the calls that wait for these message ids. Call it after the commit that settled these messages. */
  settled(consumer: string, ids: ReadonlyArray<{ readonly id: string }>): void {
    this.#here.notify(consumer, ids)
    if (this.#elsewhere.size === 0) return
    for (const { id } of ids) {
      const name = nameOf(consumer, id)
      if (this.#elsewhere.delete(name)) this.#wake.send(`settled:${name}`)
    }
  }

  /**
   * Runs when this process begins to listen, since it has missed earlier notes. Asks other processes to announce their
   * ids, announces its own, and wakes all waiting calls, so that they poll.
   */
  listening(): void {
    this.#wake.send(`listening:${this.#process}`)
    this.#announceAgain()
    this.#here.notifyAll()
  }

  /** Handles a note that this or another process has sent on the channel. */
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
