/**
 * The dead letters of the memory store: buried in the transaction that settles them, listed, grouped and frozen for people.
 *
 * Death goes through the inbox, so that it and a commit exclude each other: what was committed is not buried.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { type DeadLetter, type Filter, type Group, triedMillis } from "../DeadLetter.ts"
import { DeadLetterNotFound } from "../Errors.ts"
import { ofMessage } from "../MessageId.ts"
import * as Page from "../Page.ts"
import type { Burial, DeadLetterStore } from "../Store.ts"
import { matches } from "./LetterFilter.ts"
import { makeDecisions } from "./MemoryDecisions.ts"
import type { Letter, MemoryState } from "./MemoryStore.ts"
import { inboxKey, type MemoryTransaction, required } from "./MemoryTransaction.ts"

const died = (
  burial: Burial,
  now: number
): Pick<DeadLetter, "reason" | "state" | "parked" | "tag" | "fingerprint" | "triedMillis" | "diedAt"> => {
  return {
    reason: burial.reason,
    state: "open",
    parked: burial.parked,
    tag: burial.attempts.at(-1)?.tag ?? "",
    fingerprint: burial.fingerprint,
    triedMillis: triedMillis(burial.attempts),
    diedAt: now
  }
}

const newLetter = (id: string, consumer: string, burial: Burial, now: number): DeadLetter => ({
  id,
  consumer,
  message: burial.delivery.message,
  original: undefined,
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
  burial: Burial,
  own: Letter | undefined
): { readonly beside: boolean; readonly fingerprint: string } | undefined => {
  const known = transaction.outcome(consumer, burial.delivery.message.id)
  const dead = known?.outcome === "dead" && known.letter === own?.record.id
  // An edited payload is still the message that was published.
  const fingerprint = (dead ? known?.fingerprint : undefined) ?? ofMessage(burial.delivery.message)
  if (known === undefined || dead) return { beside: false, fingerprint }
  // Other content under a known id is never dropped, whether or not a claim has found that out.
  const other = burial.conflict === true || known.fingerprint !== fingerprint
  return other ? { beside: true, fingerprint } : undefined
}

const buryOne = (
  transaction: MemoryTransaction,
  consumer: string,
  burial: Burial,
  now: number
): string | undefined => {
  const { redrive } = burial.delivery
  const own = redrive === undefined ? undefined : transaction.letter(redrive.letter)
  const found = place(transaction, consumer, burial, own)
  if (found === undefined) {
    // A redriven message that was committed by another way: its letter is over, too.
    transaction.resolve(own === undefined ? [] : [own], now)
    return undefined
  }
  const { beside, fingerprint } = found
  const record = own === undefined
    ? newLetter(transaction.state.nextLetter(), consumer, burial, now)
    // A redriven delivery begins with no attempts, so that it is retried anew; its letter keeps them all.
    : { ...own.record, ...died(burial, now), attempts: [...own.record.attempts, ...burial.attempts] }
  const { id } = burial.delivery.message
  const letter: Letter = { record, seq: Number(burial.delivery.position), opened: Infinity }
  const outcome = { outcome: "dead", fingerprint, letter: record.id } as const
  transaction.stage({
    letters: new Map([[record.id, letter]]),
    outcomes: beside ? undefined : new Map([[inboxKey(consumer, id), outcome]]),
    apply: () => {
      transaction.state.letters.set(record.id, { ...letter, opened: ++transaction.state.opened })
      if (!beside) transaction.state.record(consumer, id, outcome)
    }
  })
  return record.id
}

const groupsOf = (letters: ReadonlyArray<DeadLetter>): ReadonlyArray<Group> => {
  const groups = Map.groupBy(letters, ({ consumer, fingerprint }) => JSON.stringify([consumer, fingerprint]))
  return [...groups.values()].map((group): Group => {
    const times = group.map((letter) => letter.diedAt)
    const lastAt = Math.max(...times)
    const sample = group.findLast((letter) => letter.diedAt === lastAt)!
    const { consumer, fingerprint } = sample
    return { consumer, fingerprint, letters: Page.countOf(group.length), firstAt: Math.min(...times), lastAt, sample }
  }).sort((a, b) => b.lastAt - a.lastAt || (a.sample.id < b.sample.id ? 1 : -1))
}

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
  list: ({ before, limit, ...filter }) =>
    Effect.sync(() =>
      recordsOf(state).reverse()
        .filter((letter) => matches(filter, letter) && (before === undefined || letter.id < before))
        .slice(0, Page.rows(limit))
    ),
  get: (letter) =>
    Effect.suspend(() => {
      const found = state.letters.get(letter)
      return found === undefined ? Effect.fail(new DeadLetterNotFound({ letter })) : Effect.succeed(found.record)
    }),
  groups: ({ limit, ...filter }) =>
    Effect.sync(() =>
      groupsOf(recordsOf(state).filter((letter) => matches({ ...filter, state: filter.state ?? "open" }, letter)))
        .slice(0, Page.rows(limit))
    ),
  freeze: (filter) =>
    Effect.sync(() => {
      const open: Filter = { ...filter, state: "open" }
      const letters = Page.countOf(recordsOf(state).filter((letter) => matches(open, letter)).length)
      return { filter: open, cutoff: String(state.opened), letters }
    }),
  ...makeDecisions(state)
})

const recordsOf = (state: MemoryState): Array<DeadLetter> => [...state.letters.values()].map((letter) => letter.record)
