/**
 * Which ids a consumer has committed or given up, and what goes out, over the memory store.
 *
 * Two transactions that claim one id wait for each other, so that exactly one of them finds it fresh.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { StoreFailure } from "../Errors.ts"
import { type Message, problem } from "../Message.ts"
import type { Claim, Claimed, Inbox, Outbox } from "../Store.ts"
import type { Letter, MemoryState, Outcome } from "./MemoryStore.ts"
import { inboxKey, type MemoryTransaction, required, write } from "./MemoryTransaction.ts"

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
  const letters = new Map<string, Letter>()
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
    if (letter?.record.state === "redriving") {
      letters.set(letter.record.id, { ...letter, record: { ...letter.record, state: "resolved", changedAt: now } })
    }
    return claimed
  })
  transaction.stage({
    outcomes,
    letters,
    apply: () => {
      claims.forEach((claim, i) => {
        if (answers[i] !== "fresh") return
        const outcome = outcomes.get(inboxKey(consumer, claim.id))
        if (outcome !== undefined) transaction.state.record(consumer, claim.id, outcome)
      })
      for (const [id, letter] of letters) transaction.state.letters.set(id, letter)
    }
  })
  return answers
}

/** The store's inbox. */
export const makeInbox = (state: MemoryState): Inbox => ({
  claim: Effect.fnUntraced(function*(consumer, claims) {
    const transaction = yield* required(state, "claim message ids")
    yield* transaction.lock(claims.map((claim) => inboxKey(consumer, claim.id)))
    return yield* Effect.clockWith((clock) =>
      Effect.sync(() => claimAll(transaction, consumer, claims, clock.currentTimeMillisUnsafe()))
    )
  })
})

/** The first message that cannot be stored. */
const refusal = (messages: ReadonlyArray<Message>): StoreFailure | undefined => {
  for (const message of messages) {
    const bad = problem(message)
    if (bad === undefined) continue
    const { mend, message: detail } = bad
    return new StoreFailure({ operation: "publish", kind: "refused", code: "", detail, mend })
  }
  return undefined
}

/** The store's outbox. */
export const makeOutbox = (state: MemoryState): Outbox => ({
  write: (messages) =>
    write(state, () => {
      const bad = refusal(messages)
      if (bad !== undefined) return Effect.fail(bad)
      return Effect.succeed({
        apply: (now) => {
          for (const message of messages) state.publish(message, now)
        }
      })
    })
})
