/**
 * The dead letters of the memory store. They are written in the transaction that removes the deliveries.
 *
 * A dead-lettering claims the message's id in the inbox, as a commit does. So a committed message is not dead-lettered.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { type DeadLetter, type FailureGroup, type Filter, retriedMillis } from "../DeadLetter.ts"
import { DeadLetterNotFound } from "../Errors.ts"
import * as Page from "../internal/Page.ts"
import { ofMessage } from "../MessageId.ts"
import type { DeadLetterStore, NewDeadLetter } from "../Store.ts"
import { matches } from "./DeadLetterFilter.ts"
import { makeDecisions } from "./MemoryDecisions.ts"
import type { MemoryState, StoredDeadLetter } from "./MemoryStore.ts"
import { inboxKey, type MemoryTransaction, required } from "./MemoryTransaction.ts"

const died = (
  entry: NewDeadLetter,
  now: number
): Pick<DeadLetter, "reason" | "state" | "parked" | "tag" | "fingerprint" | "retriedMillis" | "diedAt"> => {
  return {
    reason: entry.reason,
    state: "open",
    parked: entry.parked,
    tag: entry.attempts.at(-1)?.tag ?? "",
    fingerprint: entry.fingerprint,
    retriedMillis: retriedMillis(entry.attempts),
    diedAt: now
  }
}

const newRecord = (id: string, consumer: string, entry: NewDeadLetter, now: number): DeadLetter => ({
  id,
  consumer,
  message: entry.delivery.message,
  original: undefined,
  attempts: entry.attempts,
  redriven: 0,
  changedBy: "",
  changedAt: 0,
  ...died(entry, now)
})

/**
 * Returns how a new dead letter relates to the inbox record of its id. If `beside` is false, the record becomes `dead`.
 * If it is true, the record belongs to other content under the same id, and stays. Returns undefined if the inbox knows
 * this message as committed, so that no dead letter is written.
 */
const place = (
  transaction: MemoryTransaction,
  consumer: string,
  entry: NewDeadLetter,
  own: StoredDeadLetter | undefined
): { readonly beside: boolean; readonly fingerprint: string } | undefined => {
  const known = transaction.outcome(consumer, entry.delivery.message.id)
  const dead = known?.outcome === "dead" && known.deadLetterId === own?.record.id
  // An edit does not make another message. So the record keeps the fingerprint of the payload that was published.
  const fingerprint = (dead ? known?.fingerprint : undefined) ?? ofMessage(entry.delivery.message)
  if (known === undefined || dead) return { beside: false, fingerprint }
  // Other content under a known id must not be dropped, even if no claim has found the conflict.
  const other = entry.conflict === true || known.fingerprint !== fingerprint
  return other ? { beside: true, fingerprint } : undefined
}

const addOne = (
  transaction: MemoryTransaction,
  consumer: string,
  entry: NewDeadLetter,
  now: number
): string | undefined => {
  const { redrive } = entry.delivery
  const own = redrive === undefined ? undefined : transaction.deadLetter(redrive.deadLetterId)
  const found = place(transaction, consumer, entry, own)
  if (found === undefined) {
    // The id of the redriven message was committed by another delivery, so its dead letter is resolved.
    transaction.resolve(own === undefined ? [] : [own], now)
    return undefined
  }
  const { beside, fingerprint } = found
  const record = own === undefined
    ? newRecord(transaction.state.nextDeadLetterId(), consumer, entry, now)
    // A redriven delivery starts without attempts and is retried from the beginning. Its dead letter keeps all
    // attempts.
    : { ...own.record, ...died(entry, now), attempts: [...own.record.attempts, ...entry.attempts] }
  const { id } = entry.delivery.message
  const stored: StoredDeadLetter = { record, seq: Number(entry.delivery.position), opened: Infinity }
  const outcome = { outcome: "dead", fingerprint, deadLetterId: record.id } as const
  transaction.stage({
    deadLetters: new Map([[record.id, stored]]),
    outcomes: beside ? undefined : new Map([[inboxKey(consumer, id), outcome]]),
    apply: () => {
      transaction.state.deadLetters.set(record.id, { ...stored, opened: ++transaction.state.opened })
      if (!beside) transaction.state.record(consumer, id, outcome)
    }
  })
  return record.id
}

const groupsOf = (deadLetters: ReadonlyArray<DeadLetter>): ReadonlyArray<FailureGroup> => {
  const groups = Map.groupBy(deadLetters, ({ consumer, fingerprint }) => JSON.stringify([consumer, fingerprint]))
  return [...groups.values()].map((group): FailureGroup => {
    const times = group.map((deadLetter) => deadLetter.diedAt)
    const lastAt = Math.max(...times)
    const sample = group.findLast((deadLetter) => deadLetter.diedAt === lastAt)!
    const { consumer, fingerprint } = sample
    return {
      consumer,
      fingerprint,
      deadLetters: Page.countOf(group.length),
      firstAt: Math.min(...times),
      lastAt,
      sample
    }
  }).sort((a, b) => b.lastAt - a.lastAt || (a.sample.id < b.sample.id ? 1 : -1))
}

export const makeDeadLetters = (state: MemoryState): DeadLetterStore => ({
  add: Effect.fnUntraced(function*(consumer, entries) {
    const transaction = yield* required(state, "dead-letter dead letters")
    yield* transaction.lock(entries.map((entry) => inboxKey(consumer, entry.delivery.message.id)))
    return yield* Effect.clockWith((clock) =>
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        return entries.map((entry) => addOne(transaction, consumer, entry, now))
      })
    )
  }),
  list: ({ before, limit, ...filter }) =>
    Effect.sync(() =>
      recordsOf(state).reverse()
        .filter((deadLetter) => matches(filter, deadLetter) && (before === undefined || deadLetter.id < before))
        .slice(0, Page.rows(limit))
    ),
  get: (deadLetterId) =>
    Effect.suspend(() => {
      const found = state.deadLetters.get(deadLetterId)
      return found === undefined ? Effect.fail(new DeadLetterNotFound({ deadLetterId })) : Effect.succeed(found.record)
    }),
  groups: ({ limit, ...filter }) =>
    Effect.sync(() =>
      groupsOf(
        recordsOf(state).filter((deadLetterId) => matches({ ...filter, state: filter.state ?? "open" }, deadLetterId))
      )
        .slice(0, Page.rows(limit))
    ),
  freeze: (filter) =>
    Effect.sync(() => {
      const open: Filter = { ...filter, state: "open" }
      const deadLetters = Page.countOf(recordsOf(state).filter((deadLetterId) => matches(open, deadLetterId)).length)
      return { filter: open, cutoff: String(state.opened), deadLetters }
    }),
  ...makeDecisions(state)
})

const recordsOf = (state: MemoryState): Array<DeadLetter> =>
  [...state.deadLetters.values()].map((deadLetter) => deadLetter.record)
