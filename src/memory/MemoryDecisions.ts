/**
 * What people decide about letters of the memory store: each decision, its record in the audit, and what it does to the queue are one
 * transition, or one write of the ambient transaction.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { DeadLetter } from "../DeadLetter.ts"
import * as Decision from "../Decision.ts"
import { type DeadLetterConflict, DeadLetterNotFound } from "../Errors.ts"
import { ofMessage } from "../MessageId.ts"
import type { Act, DeadLetterStore } from "../Store.ts"
import { matches } from "./LetterFilter.ts"
import type { Letter, MemoryState } from "./MemoryStore.ts"
import { type MemoryTransaction, type Write, write } from "./MemoryTransaction.ts"

/** A kind of decision, and what it does here. */
interface Deciding extends Decision.Decision {
  readonly change?: (record: DeadLetter) => Partial<DeadLetter>
  /** What it does beside the letter, which is changed already. */
  readonly apply: (state: MemoryState, letter: Letter) => void
}

const redrive = (edit?: { readonly payload: string; readonly version: number }): Deciding => ({
  ...edit === undefined ? Decision.redriven : Decision.edited,
  change: ({ message, original, redriven }) => ({
    redriven: redriven + 1,
    ...edit === undefined ? {} : { original: original ?? message.payload, message: { ...message, ...edit } }
  }),
  apply: (state, letter) => state.redrive(letter)
})

const goOn = (state: MemoryState, { record }: Letter): void => state.goOn(record.consumer, record.message.key)

const discard: Deciding = {
  ...Decision.discarded,
  apply: (state, letter) => {
    if (letter.record.parked) goOn(state, letter)
  }
}

const release: Deciding = {
  ...Decision.released,
  change: () => ({ parked: false }),
  apply: goOn
}

const restore: Deciding = {
  ...Decision.restored,
  apply: (state, { record }) => {
    const { consumer, id, message, original, parked } = record
    if (state.outcome(consumer, message.id) === undefined) {
      const fingerprint = ofMessage({ topic: message.topic, payload: original ?? message.payload })
      state.record(consumer, message.id, { outcome: "dead", fingerprint, letter: id })
    }
    if (parked) state.queues.get(consumer)?.park(message.key)
  }
}

/** The letters are as they must be: changes them, and writes who did it. */
const decided = (
  state: MemoryState,
  now: number,
  letters: ReadonlyArray<Letter>,
  decision: Deciding,
  act: Act
): Write => {
  const changed = letters.map((letter): readonly [base: Letter | undefined, Letter] => {
    const { record } = letter
    const change = decision.change?.(record)
    const next = { ...record, state: decision.next, changedBy: act.by, changedAt: now, ...change }
    return [state.letters.get(record.id), { ...letter, record: next }]
  })
  return {
    letters: new Map(changed.map(([, letter]) => [letter.record.id, letter])),
    // Within the transaction that buried it, the letter is not in the store yet.
    stale: () => {
      const other = changed.find(([base, { record }]) => base !== undefined && state.letters.get(record.id) !== base)
      return other === undefined ? undefined : `dead letter ${other[1].record.id} has changed`
    },
    apply: (now) => {
      for (const [, letter] of changed) {
        const { record } = letter
        const opened = decision === restore ? ++state.opened : letter.opened
        state.letters.set(record.id, { ...letter, opened })
        const { consumer, id, message: { key, topic } } = record
        const { by, note = "" } = act
        state.note(now, { by, action: decision.action, consumer, letter: id, topic, key, note })
      }
      for (const [, letter] of changed) decision.apply(state, letter)
    }
  }
}

const decide = (state: MemoryState, id: string, decision: Deciding, act: Act) =>
  write(state, (now, transaction): Effect.Effect<Write, DeadLetterNotFound | DeadLetterConflict> => {
    const letter = transaction === undefined ? state.letters.get(id) : transaction.letter(id)
    if (letter === undefined) return Effect.fail(new DeadLetterNotFound({ letter: id }))
    const refused = Decision.conflict(decision, letter.record)
    return refused === undefined ? Effect.succeed(decided(state, now, [letter], decision, act)) : Effect.fail(refused)
  })

/** The letters of a set that are still open, oldest first. */
const nextOf = (
  state: MemoryState,
  transaction: MemoryTransaction | undefined,
  ...[, { cutoff, filter }, { after, most }]: Parameters<DeadLetterStore["decideSome"]>
): ReadonlyArray<Letter> => {
  const next: Array<Letter> = []
  for (const [id, stored] of state.letters) {
    if (next.length === most) break
    const letter = transaction?.letter(id) ?? stored
    const meant = id > after && letter.opened <= Number(cutoff) && matches({ ...filter, state: "open" }, letter.record)
    if (meant) next.push(letter)
  }
  return next
}

/** The store's decisions about letters. */
export const makeDecisions = (
  state: MemoryState
): Pick<DeadLetterStore, "redrive" | "discard" | "restore" | "release" | "decideSome"> => ({
  redrive: (letter, act, edit) => decide(state, letter, redrive(edit), act),
  discard: (letter, act) => decide(state, letter, discard, act),
  restore: (letter, act) => decide(state, letter, restore, act),
  release: (letter, act) => decide(state, letter, release, act),
  decideSome: (decision, frozen, options) =>
    Effect.suspend(() => {
      let letters: ReadonlyArray<Letter> = []
      const kind = decision === "redriven" ? redrive() : discard
      return Effect.map(
        write(state, (now, transaction) => {
          letters = nextOf(state, transaction, decision, frozen, options)
          return Effect.succeed(decided(state, now, letters, kind, options.act))
        }),
        () => ({ letters: letters.map(({ record }) => record.id), more: letters.length === options.most })
      )
    })
})
