/**
 * The inbox of the memory store: the ids that each consumer has committed or dead-lettered.
 *
 * Two transactions that claim one id wait for each other, so that exactly one of them gets `fresh`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Claim, ClaimResult, InboxRecord, InboxStore, OnceClaim } from "../Store.ts"
import type { InboxRow, MemoryState, StoredDeadLetter } from "./MemoryStore.ts"
import { inboxKey, type MemoryTransaction, required } from "./MemoryTransaction.ts"

/** Returns the result of one claim. A redrive's claim revives the id that its own dead letter has made dead. */
const answer = (known: InboxRow | undefined, claim: Claim): ClaimResult => {
  if (known === undefined) return "fresh"
  if (known.outcome === "dead" && claim.deadLetterId !== undefined && known.deadLetterId === claim.deadLetterId) {
    return "fresh"
  }
  return known.fingerprint === claim.fingerprint ? "duplicate" : "conflict"
}

const claimAll = (
  transaction: MemoryTransaction,
  consumer: string,
  claims: ReadonlyArray<Claim>,
  now: number
): ReadonlyArray<ClaimResult> => {
  const outcomes = new Map<string, InboxRow>()
  const deadLetters: Array<StoredDeadLetter> = []
  const answers = claims.map((claim) => {
    const known = transaction.outcome(consumer, claim.id)
    const claimed = answer(known, claim)
    if (claimed === "conflict") return claimed
    // An edit does not make another message. So the record keeps the fingerprint of the payload that was published.
    const fingerprint = known?.fingerprint ?? claim.fingerprint
    if (claimed === "fresh") {
      outcomes.set(inboxKey(consumer, claim.id), { outcome: "committed", fingerprint, deadLetterId: undefined })
    }
    // Whether the claim is fresh or a duplicate, the id is committed. So the dead letter of this redrive is resolved.
    const deadLetter = claim.deadLetterId === undefined ? undefined : transaction.deadLetter(claim.deadLetterId)
    if (deadLetter !== undefined) deadLetters.push(deadLetter)
    return claimed
  })
  transaction.resolve(deadLetters, now)
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

const recordOf = (known: InboxRow): InboxRecord =>
  known.deadLetterId === undefined ? { _tag: "Committed" } : { _tag: "Dead", deadLetterId: known.deadLetterId }

const claimOne = (
  transaction: MemoryTransaction,
  consumer: string,
  { fingerprint, id }: Pick<Claim, "id" | "fingerprint">
): OnceClaim => {
  const known = transaction.outcome(consumer, id)
  if (known === undefined) {
    stageOutcome(transaction, consumer, id, { outcome: "committed", fingerprint, deadLetterId: undefined })
    return { _tag: "Fresh" }
  }
  const settled = recordOf(known)
  if (settled._tag === "Dead") return settled
  // A pipeline committed the id, so there is no result to return.
  if (known.result === undefined) return { ...settled, result: undefined }
  return known.fingerprint === fingerprint ? { ...settled, result: known.result } : { _tag: "Conflict" }
}

const stageOutcome = (transaction: MemoryTransaction, consumer: string, id: string, outcome: InboxRow): void =>
  transaction.stage({
    outcomes: new Map([[inboxKey(consumer, id), outcome]]),
    apply: () => transaction.state.record(consumer, id, outcome)
  })

export const makeInbox = (state: MemoryState): InboxStore => ({
  claim: Effect.fnUntraced(function*(consumer, claims) {
    const transaction = yield* required(state, "claim message ids")
    yield* transaction.lock(claims.map((claim) => inboxKey(consumer, claim.id)))
    return yield* Effect.clockWith((clock) =>
      Effect.sync(() => claimAll(transaction, consumer, claims, clock.currentTimeMillisUnsafe()))
    )
  }),
  claimOnce: Effect.fnUntraced(function*(consumer, claim, wait) {
    const transaction = yield* required(state, "claim an id")
    const key = inboxKey(consumer, claim.id)
    if (wait) yield* transaction.lock([key])
    else if (!transaction.tryLock(key)) return { _tag: "Busy" }
    return claimOne(transaction, consumer, claim)
  }),
  storeResult: (consumer, id, result) =>
    Effect.map(required(state, "store a result"), (transaction) => {
      const known = transaction.outcome(consumer, id)
      if (known !== undefined) stageOutcome(transaction, consumer, id, { ...known, result })
    }),
  lookup: (consumer, id) =>
    Effect.sync(() => {
      const known = state.outcome(consumer, id)
      return known === undefined ? undefined : recordOf(known)
    }),
  watch: (consumer, id) => state.watchers.watch(consumer, id)
})
