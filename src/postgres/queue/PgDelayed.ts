/**
 * Moves delayed messages into the queue when they are due. Any worker moves the messages that it finds due. Only one
 * process moves messages at a time.
 *
 * A busy worker checks for due messages once a second, or when the next known message is due. A worker without messages
 * checks at every poll, and then sleeps at most until the next message is due. A move is one statement, so a crash in
 * the middle of the move has moved all of its messages or none. The workers of a process share one instance.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { PgDatabase } from "../session/PgClient.ts"
import * as Sql from "../sql/delayed.ts"
import type { Names } from "../sql/names.ts"
import type { Wake } from "./Wake.ts"

// The rows that one move reads. If all of them wait behind a locked row of their key, the next move reads ten times as
// many, up to `mostRows`. So the messages of other keys do not wait for the locked row.
const batch = 500
const mostRows = 500_000
/** The most moves in a row by a worker that has no messages. */
const batches = 100
/** How often a busy worker checks for due messages, in nanoseconds. */
const every = 1_000_000_000n

export class PgDelayed {
  readonly #db: PgDatabase
  readonly #wake: Wake
  readonly #names: Names
  readonly #text: string
  #next = 0n
  #rows = batch

  constructor(db: PgDatabase, names: Names, wake: Wake) {
    this.#db = db
    this.#wake = wake
    this.#names = names
    this.#text = Sql.make(names).move
  }

  /** Makes the next `whenDue` ask the database: a message was published that may be due before all known ones. */
  soon(): void {
    this.#next = 0n
  }

  /** Notes that the next message is due after so many milliseconds. */
  expect(millis: number): Effect.Effect<void> {
    return Effect.map(Clock.monotonicTimeNanos, (now) => {
      const at = now + BigInt(Math.ceil(millis * 1e6))
      if (at < this.#next) this.#next = at
    })
  }

  /** Moves messages that are due, by one statement, if it is time to check. Before that time it only compares times. */
  readonly whenDue: Effect.Effect<void, SqlError> = Effect.flatMap(
    Clock.monotonicTimeNanos,
    (now) => now < this.#next ? Effect.void : Effect.asVoid(this.#once(now))
  )

  /** Moves all messages that are due, by at most `batches` statements. Returns how many messages were moved. */
  readonly move: Effect.Effect<number, SqlError> = Effect.suspend(() => {
    let [left, moved, more] = [batches, 0, true]
    return Effect.map(
      Effect.whileLoop({
        while: () => more && left-- > 0,
        body: () => Effect.flatMap(Clock.monotonicTimeNanos, (now) => this.#once(now)),
        step: (done) => {
          moved += done.moved
          more = done.more
        }
      }),
      () => moved
    )
  })

  #once(now: bigint): Effect.Effect<{ readonly moved: number; readonly more: boolean }, SqlError> {
    // `#next` is set before the statement, so that other workers of this process do not send the statement meanwhile.
    this.#next = now + every
    const rows = this.#rows
    return this.#db.machinery(this.#text, [this.#names.channel, rows]).pipe(
      Effect.map(([row]) => {
        for (const queue of (row?.["queues"] ?? []) as ReadonlyArray<number>) this.#wake.published(queue)
        const moved = Number(row?.["moved"])
        const more = row?.["seen"] === rows && rows < mostRows
        this.#rows = more && moved === 0 ? rows * 10 : batch
        const millis = row?.["millis"]
        const until = more ? 0n : typeof millis === "number" ? BigInt(Math.ceil(millis * 1e6)) : every
        if (now + until < this.#next) this.#next = now + until
        return { moved, more }
      }),
      Effect.onError(() => Effect.sync(() => this.soon()))
    )
  }
}
