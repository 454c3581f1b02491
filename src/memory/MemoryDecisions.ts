/**
 * Operator decisions about dead letters of the memory store. A decision, its audit entry and its change of the queue
 * are one transition, or one write of the ambient transaction.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { DeadLetter } from "../DeadLetter.ts"
import { type DeadLetterConflict, DeadLetterNotFound } from "../Errors.ts"
import * as OperatorDecision from "../internal/OperatorDecision.ts"
import { ofMessage } from "../MessageId.ts"
import type { DeadLetterStore, OperatorAction } from "../Store.ts"
import { matches } from "./DeadLetterFilter.ts"
import type { MemoryState, StoredDeadLetter } from "./MemoryStore.ts"
import { type MemoryTransaction, type Write, write } from "./MemoryTransaction.ts"

/** A kind of decision, with its effect on the memory store. */
interface Deciding extends OperatorDecision.OperatorDecision {
  readonly change?: (record: DeadLetter) => Partial<DeadLetter>
  /** Changes queue and inbox. The dead letter itself is changed already. */
  readonly apply: (state: MemoryState, deadLetter: StoredDeadLetter) => void
}

const redrive = (edit?: { readonly payload: string; readonly version: number }): Deciding => ({
  ...edit === undefined ? OperatorDecision.redriven : OperatorDecision.edited,
  change: ({ message, original, redriven }) => ({
    redriven: redriven + 1,
    ...edit === undefined ? {} : { original: original ?? message.payload, message: { ...message, ...edit } }
  }),
  apply: (state, deadLetter) => state.redrive(deadLetter)
})

const unpark = (state: MemoryState, { record }: StoredDeadLetter): void =>
  state.unparkIfDecided(record.consumer, record.message.key)

const discard: Deciding = {
  ...OperatorDecision.discarded,
  apply: (state, deadLetter) => {
    if (deadLetter.record.parked) unpark(state, deadLetter)
  }
}

const release: Deciding = {
  ...OperatorDecision.released,
  change: () => ({ parked: false }),
  apply: unpark
}

const restore: Deciding = {
  ...OperatorDecision.restored,
  apply: (state, { record }) => {
    const { consumer, id, message, original, parked } = record
    if (state.outcome(consumer, message.id) === undefined) {
      const fingerprint = ofMessage({ topic: message.topic, payload: original ?? message.payload })
      state.record(consumer, message.id, { outcome: "dead", fingerprint, deadLetterId: id })
    }
    if (parked) state.queues.get(consumer)?.park(message.key)
  }
}

/**
 * Returns the write of a decision: it changes the dead letters, and adds an audit entry for each. The caller has
 * checked their states.
 */
const decided = (
  state: MemoryState,
  now: number,
  deadLetters: ReadonlyArray<StoredDeadLetter>,
  decision: Deciding,
  action: OperatorAction
): Write => {
  const changed = deadLetters.map((deadLetter): readonly [base: StoredDeadLetter | undefined, StoredDeadLetter] => {
    const { record } = deadLetter
    const change = decision.change?.(record)
    const next = { ...record, state: decision.next, changedBy: action.by, changedAt: now, ...change }
    return [state.deadLetters.get(record.id), { ...deadLetter, record: next }]
  })
  return {
    deadLetters: new Map(changed.map(([, deadLetter]) => [deadLetter.record.id, deadLetter])),
    // `base` is undefined if this same transaction dead-lettered the message: the store does not hold that dead
    // letter yet.
    stale: () => {
      const other = changed.find(([base, { record }]) =>
        base !== undefined && state.deadLetters.get(record.id) !== base
      )
      return other === undefined ? undefined : `dead letter ${other[1].record.id} has changed`
    },
    apply: (now) => {
      for (const [, deadLetter] of changed) {
        const { record } = deadLetter
        const opened = decision === restore ? ++state.opened : deadLetter.opened
        state.deadLetters.set(record.id, { ...deadLetter, opened })
        const { consumer, id, message: { key, topic } } = record
        const { by, note = "" } = action
        state.note(now, { by, action: decision.action, consumer, deadLetterId: id, topic, key, note })
      }
      for (const [, deadLetter] of changed) decision.apply(state, deadLetter)
    }
  }
}

const decide = (state: MemoryState, id: string, decision: Deciding, action: OperatorAction) =>
  write(state, (now, transaction): Effect.Effect<Write, DeadLetterNotFound | DeadLetterConflict> => {
    const deadLetter = transaction === undefined ? state.deadLetters.get(id) : transaction.deadLetter(id)
    if (deadLetter === undefined) return Effect.fail(new DeadLetterNotFound({ deadLetterId: id }))
    const refused = OperatorDecision.conflict(decision, deadLetter.record)
    return refused === undefined
      ? Effect.succeed(decided(state, now, [deadLetter], decision, action))
      : Effect.fail(refused)
  })

/** Returns the next dead letters of a frozen set that are still open, oldest first. */
const nextOf = (
  state: MemoryState,
  transaction: MemoryTransaction | undefined,
  ...[, { cutoff, filter }, { after, most }]: Parameters<DeadLetterStore["decideSome"]>
): ReadonlyArray<StoredDeadLetter> => {
  const next: Array<StoredDeadLetter> = []
  for (const [id, stored] of state.deadLetters) {
    if (next.length === most) break
    const deadLetter = transaction?.deadLetter(id) ?? stored
    const meant = id > after && deadLetter.opened <= Number(cutoff) &&
      matches({ ...filter, state: "open" }, deadLetter.record)
    if (meant) next.push(deadLetter)
  }
  return next
}

export const makeDecisions = (
  state: MemoryState
): Pick<DeadLetterStore, "redrive" | "discard" | "restore" | "release" | "decideSome"> => ({
  redrive: (deadLetterId, action, edit) => decide(state, deadLetterId, redrive(edit), action),
  discard: (deadLetterId, action) => decide(state, deadLetterId, discard, action),
  restore: (deadLetterId, action) => decide(state, deadLetterId, restore, action),
  release: (deadLetterId, action) => decide(state, deadLetterId, release, action),
  decideSome: (decision, frozen, options) =>
    Effect.suspend(() => {
      let deadLetters: ReadonlyArray<StoredDeadLetter> = []
      const kind = decision === "redriven" ? redrive() : discard
      return Effect.map(
        write(state, (now, transaction) => {
          deadLetters = nextOf(state, transaction, decision, frozen, options)
          return Effect.succeed(decided(state, now, deadLetters, kind, options.action))
        }),
        () => ({ deadLetterIds: deadLetters.map(({ record }) => record.id), more: deadLetters.length === options.most })
      )
    })
})
