/**
 * The dead letters of the memory store: buried in the transaction that settles them, and worked on by people.
 *
 * Death goes through the inbox, so that it and a commit exclude each other: what was committed is not buried.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { DeadLetter, State } from "../DeadLetter.ts"
import { DeadLetterConflict, DeadLetterNotFound } from "../Errors.ts"
import { ofPayload } from "../MessageId.ts"
import type { Burial, DeadLetterStore } from "../Store.ts"
import type { Letter, MemoryState } from "./MemoryStore.ts"
import { inboxKey, type MemoryTransaction, required, type Write, write } from "./MemoryTransaction.ts"

const died = (
  burial: Burial,
  now: number
): Pick<DeadLetter, "reason" | "state" | "parked" | "fingerprint" | "diedAt"> => {
  return {
    reason: burial.reason,
    state: "open",
    parked: burial.parked,
    fingerprint: burial.fingerprint,
    diedAt: now
  }
}

const newLetter = (id: string, consumer: string, burial: Burial, now: number): DeadLetter => ({
  id,
  consumer,
  message: burial.delivery.message,
  attempts: burial.attempts,
  redriven: 0,
  changedBy: "",
  changedAt: 0,
  ...died(burial, now)
})

/** Where the letter of a burial stands: undefined if the inbox settled the id otherwise, so that nothing is buried. */
const place = (
  transaction: MemoryTransaction,
  consumer: string,
  burial: Burial
): { readonly own: Letter | undefined; readonly beside: boolean } | undefined => {
  const known = transaction.outcome(consumer, burial.delivery.message.id)
  const redrive = burial.delivery.redrive
  const own = redrive === undefined ? undefined : transaction.letter(redrive.letter)
  const dead = known?.outcome === "dead" && known.letter === own?.record.id
  if (known === undefined || dead) return { own, beside: false }
  // Other content under a known id is never dropped, whether or not a claim has found that out.
  const other = burial.conflict === true || known.fingerprint !== ofPayload(burial.delivery.message.payload)
  return other ? { own, beside: true } : undefined
}

const buryOne = (
  transaction: MemoryTransaction,
  consumer: string,
  burial: Burial,
  now: number
): string | undefined => {
  const found = place(transaction, consumer, burial)
  if (found === undefined) return undefined
  const { beside, own } = found
  const record = own === undefined
    ? newLetter(transaction.state.nextLetter(), consumer, burial, now)
    // A redriven delivery begins with no attempts, so that it is retried anew; its letter keeps them all.
    : { ...own.record, ...died(burial, now), attempts: [...own.record.attempts, ...burial.attempts] }
  const { id, payload } = burial.delivery.message
  const letter: Letter = { record, seq: Number(burial.delivery.position) }
  const outcome = { outcome: "dead", fingerprint: ofPayload(payload), letter: record.id } as const
  transaction.stage({
    letters: new Map([[record.id, letter]]),
    outcomes: beside ? undefined : new Map([[inboxKey(consumer, id), outcome]]),
    apply: () => {
      transaction.state.letters.set(record.id, letter)
      if (!beside) transaction.state.record(consumer, id, outcome)
    }
  })
  return record.id
}

/** A person's decision about an open letter. */
const decide = (
  state: MemoryState,
  options: {
    readonly id: string
    readonly by: string
    readonly asked: string
    readonly next: State
    readonly redriven: 0 | 1
    readonly apply: (letter: Letter) => void
  }
) =>
  write(state, (now, transaction): Effect.Effect<Write, DeadLetterNotFound | DeadLetterConflict> => {
    const { asked, by, id, next } = options
    const letter = transaction === undefined ? state.letters.get(id) : transaction.letter(id)
    if (letter === undefined) return Effect.fail(new DeadLetterNotFound({ letter: id }))
    const { record } = letter
    if (record.state !== "open") {
      return Effect.fail(
        new DeadLetterConflict({ letter: id, asked, state: record.state, by: record.changedBy, at: record.changedAt })
      )
    }
    const base = state.letters.get(id)
    const redriven = record.redriven + options.redriven
    const changed: Letter = { ...letter, record: { ...record, state: next, changedBy: by, changedAt: now, redriven } }
    return Effect.succeed({
      letters: new Map([[id, changed]]),
      // Within the transaction that buried it, the letter is not in the store yet.
      stale: () => base === undefined || state.letters.get(id) === base ? undefined : `dead letter ${id} has changed`,
      apply: () => {
        state.letters.set(id, changed)
        options.apply(changed)
      }
    })
  })

/** The store's dead letters. */
export const makeDeadLetters = (state: MemoryState): DeadLetterStore => ({
  bury: Effect.fnUntraced(function*(consumer, burials) {
    const transaction = yield* required(state, "bury dead letters")
    yield* transaction.lock(burials.map((burial) => inboxKey(consumer, burial.delivery.message.id)))
    return yield* Effect.clockWith((clock) =>
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        return burials.map((burial) => buryOne(transaction, consumer, burial, now))
      })
    )
  }),
  list: ({ before, consumer, limit, state: wanted }) =>
    Effect.sync(() =>
      [...state.letters.values()].map((letter) => letter.record).reverse()
        .filter((letter) => consumer === undefined || letter.consumer === consumer)
        .filter((letter) => wanted === undefined || letter.state === wanted)
        .filter((letter) => before === undefined || letter.id < before)
        .slice(0, Math.min(1000, Math.max(1, limit ?? 100)))
    ),
  get: (letter) =>
    Effect.suspend(() => {
      const found = state.letters.get(letter)
      return found === undefined ? Effect.fail(new DeadLetterNotFound({ letter })) : Effect.succeed(found.record)
    }),
  redrive: (id, by) =>
    decide(state, {
      id,
      by,
      asked: "redriven",
      next: "redriving",
      redriven: 1,
      apply: (letter) => state.redrive(letter)
    }),
  discard: (id, by) =>
    decide(state, {
      id,
      by,
      asked: "discarded",
      next: "discarded",
      redriven: 0,
      apply: (letter) => state.discard(letter)
    })
})
