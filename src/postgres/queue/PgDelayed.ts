/**
 * Moves delayed messages into the queue when they are due. The first worker that looks moves them, one process at a
 * time.
 *
 * A busy worker looks once a second, or when the next known message is due. A worker that found nothing always looks,
 * and sleeps until the next message is due at most. The move is one statement, so a crash in the middle of it has
 * moved all or nothing. The workers of a process share one instance.
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

// Rows of one move. A move reads more when all of them stay behind a locked row, so that other keys do not wait for
// it.
const batch = 500
const mostRows = 500_000
/** The most moves in a row, by a worker that has nothing else to do. */
const batches = 100
/** How often a busy worker looks, in nanoseconds. */
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

  /** Looks at once: a message was published that may be due before all known ones. */
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

  /** Moves what is due, if it is time to look. Otherwise it costs a comparison. */
  readonly whenDue: Effect.Effect<void, SqlError> = Effect.flatMap(
    Clock.monotonicTimeNanos,
    (now) => now < this.#next ? Effect.void : Effect.asVoid(this.#once(now))
  )

  /** Moves everything that is due. Returns how many messages were moved. */
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
    // Set before the statement, so that other workers of this process do not look meanwhile.
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
