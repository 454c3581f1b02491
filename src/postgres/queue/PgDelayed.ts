/**
 * Delayed messages are moved into the order when they are due: by whichever worker looks first, one process at a time.
 *
 * A worker that reads without a pause looks once a second, or when the next one that it knows of is due; one that found nothing
 * always looks, and sleeps no longer than until the next. The move is one statement, so that a death in the middle of it has
 * moved all or nothing. One of these a process: its workers share it.
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

/** Rows of one move; more where all of them stay behind a row that somebody has locked, so that other keys do not wait for it. */
const batch = 500
const mostRows = 500_000
/** Moves in a row, of a worker that has nothing else to do. */
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

  /** One was published that may be due before all that are known. */
  soon(): void {
    this.#next = 0n
  }

  /** So long from now the next one is due. */
  expect(millis: number): Effect.Effect<void> {
    return Effect.map(Clock.monotonicTimeNanos, (now) => {
      const at = now + BigInt(Math.ceil(millis * 1e6))
      if (at < this.#next) this.#next = at
    })
  }

  /** What is due, if it is time to look: a comparison where it is not. */
  readonly whenDue: Effect.Effect<void, SqlError> = Effect.flatMap(
    Clock.monotonicTimeNanos,
    (now) => now < this.#next ? Effect.void : Effect.asVoid(this.#once(now))
  )

  /** All that is due; answers how many were moved. */
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
    // Set first: workers of this process that look meanwhile leave it to us.
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
