/**
 * Which ids a consumer has committed or given up, and who reads what, over the memory store.
 *
 * Two transactions that claim one id wait for each other, so that exactly one of them finds it fresh.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Claim, Claimed, Entered, Inbox, Settled } from "../Store.ts"
import type { Letter, MemoryState, Outcome } from "./MemoryStore.ts"
import { inboxKey, type MemoryTransaction, required } from "./MemoryTransaction.ts"

/** What the inbox answers to one claim, given what it knows. Revives the id that its own letter has made dead. */
const answer = (known: Outcome | undefined, claim: Claim): Claimed => {
  if (known === undefined) return "fresh"
  if (known.outcome === "dead" && claim.letter !== undefined && known.letter === claim.letter) return "fresh"
  return known.fingerprint === claim.fingerprint ? "duplicate" : "conflict"
}

const claimAll = (
  transaction: MemoryTransaction,
  consumer: string,
  claims: ReadonlyArray<Claim>,
  now: number
): ReadonlyArray<Claimed> => {
  const outcomes = new Map<string, Outcome>()
  const letters: Array<Letter> = []
  const answers = claims.map((claim) => {
    const known = transaction.outcome(consumer, claim.id)
    const claimed = answer(known, claim)
    if (claimed === "conflict") return claimed
    // An edited payload is still the message that was published.
    const fingerprint = known?.fingerprint ?? claim.fingerprint
    if (claimed === "fresh") {
      outcomes.set(inboxKey(consumer, claim.id), { outcome: "committed", fingerprint, letter: undefined })
    }
    // A duplicate was committed by another way: that is what its letter was waiting for.
    const letter = claim.letter === undefined ? undefined : transaction.letter(claim.letter)
    if (letter !== undefined) letters.push(letter)
    return claimed
  })
  transaction.resolve(letters, now)
  transaction.stage({
    outcomes,
    apply: () => {
      claims.forEach((claim, i) => {
        if (answers[i] !== "fresh") return
        const outcome = outcomes.get(inboxKey(consumer, claim.id))
        if (outcome !== undefined) transaction.state.record(consumer, claim.id, outcome)
      })
    }
  })
  return answers
}

const settledOf = (known: Outcome): Settled =>
  known.letter === undefined ? { _tag: "Committed" } : { _tag: "Dead", letter: known.letter }

const enterOne = (
  transaction: MemoryTransaction,
  consumer: string,
  { fingerprint, id }: Pick<Claim, "id" | "fingerprint">
): Entered => {
  const known = transaction.outcome(consumer, id)
  if (known === undefined) {
    stageOutcome(transaction, consumer, id, { outcome: "committed", fingerprint, letter: undefined })
    return { _tag: "Fresh" }
  }
  const settled = settledOf(known)
  if (settled._tag === "Dead") return settled
  // A pipeline's: whatever the message held, there is no result to give back.
  if (known.result === undefined) return { ...settled, result: undefined }
  return known.fingerprint === fingerprint ? { ...settled, result: known.result } : { _tag: "Conflict" }
}

const stageOutcome = (transaction: MemoryTransaction, consumer: string, id: string, outcome: Outcome): void =>
  transaction.stage({
    outcomes: new Map([[inboxKey(consumer, id), outcome]]),
    apply: () => transaction.state.record(consumer, id, outcome)
  })

/** The store's inbox. */
export const makeInbox = (state: MemoryState): Inbox => ({
  claim: Effect.fnUntraced(function*(consumer, claims) {
    const transaction = yield* required(state, "claim message ids")
    yield* transaction.lock(claims.map((claim) => inboxKey(consumer, claim.id)))
    return yield* Effect.clockWith((clock) =>
      Effect.sync(() => claimAll(transaction, consumer, claims, clock.currentTimeMillisUnsafe()))
    )
  }),
  enter: Effect.fnUntraced(function*(consumer, claim, wait) {
    const transaction = yield* required(state, "claim an id")
    const key = inboxKey(consumer, claim.id)
    if (wait) yield* transaction.lock([key])
    else if (!transaction.tryLock(key)) return { _tag: "Busy" }
    return enterOne(transaction, consumer, claim)
  }),
  remember: (consumer, id, result) =>
    Effect.map(required(state, "store a result"), (transaction) => {
      const known = transaction.outcome(consumer, id)
      if (known !== undefined) stageOutcome(transaction, consumer, id, { ...known, result })
    }),
  settled: (consumer, id) =>
    Effect.sync(() => {
      const known = state.outcome(consumer, id)
      return known === undefined ? undefined : settledOf(known)
    }),
  watch: (consumer, id) => state.watchers.watch(consumer, id)
})
