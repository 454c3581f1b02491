/**
 * The part of the store's port that remembers message ids, and so distinguishes a duplicate from a new message.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StoreFailure } from "../../Errors.ts"
import type { Transaction } from "./StoreTransaction.ts"

/**
 * The claim of one message id for a consumer.
 *
 * @since 0.1.0
 */
export interface Claim {
  readonly id: string
  /** From `MessageId.ofMessage`. A known id with another fingerprint is a conflict and no duplicate. */
  readonly fingerprint: string
  /**
   * The dead letter that this delivery redrives. The inbox knows the message's id as dead, and the claim makes the id
   * fresh.
   */
  readonly deadLetterId?: string | undefined
}

/**
 * The result of a claim.
 *
 * - `fresh`: the id is new, or this claim redrives its dead letter. The caller runs the effects.
 * - `duplicate`: the inbox has the id with the same content.
 * - `conflict`: the inbox has the id with other content.
 *
 * @since 0.1.0
 */
export type ClaimResult = "fresh" | "duplicate" | "conflict"

/**
 * The state of an id that was decided: its effects are committed, or it is a dead letter. A dead id becomes committed
 * when its redriven message is committed.
 *
 * @since 0.1.0
 */
export type InboxRecord = { readonly _tag: "Committed" } | { readonly _tag: "Dead"; readonly deadLetterId: string }

/**
 * The result of a claim by `Inbox.once`.
 *
 * - `Fresh`: the id is new, and the caller runs its effect.
 * - `Busy`: another open transaction has claimed the id.
 * - `Conflict`: the id was claimed before, with other content.
 * - `Committed`: the id is committed, with its stored result if there is one.
 * - `Dead`: the id belongs to a dead letter.
 *
 * @since 0.1.0
 */
export type OnceClaim =
  | { readonly _tag: "Fresh" }
  | { readonly _tag: "Busy" }
  | { readonly _tag: "Conflict" }
  | { readonly _tag: "Committed"; readonly result: string | undefined }
  | { readonly _tag: "Dead"; readonly deadLetterId: string }

/**
 * The part of the store that remembers ids.
 *
 * @since 0.1.0
 */
export interface InboxStore {
  /**
   * Claims several distinct ids and returns one result per claim, in order. Atomic with the transaction.
   *
   * A repeated claim in the same transaction returns `duplicate`. The claim waits for another transaction that has
   * claimed the same id, and returns when that one has committed or rolled back.
   */
  readonly claim: (
    consumer: string,
    claims: ReadonlyArray<Claim>
  ) => Effect.Effect<ReadonlyArray<ClaimResult>, StoreFailure, Transaction>
  /**
   * Claims one id for `Inbox.once`. The consumer need not be registered. Atomic with the transaction.
   *
   * Returns `Busy` while another caller's transaction that claimed the id is open. With `wait`, an engine may wait for
   * the end of that transaction instead, if waiting occupies nothing scarce. The claim always waits for a pipeline's
   * transaction that claimed the id. An interrupted call has claimed nothing.
   */
  readonly claimOnce: (
    consumer: string,
    claim: Pick<Claim, "id" | "fingerprint">,
    wait: boolean
  ) => Effect.Effect<OnceClaim, StoreFailure, Transaction>
  /** Stores the result of an id that was claimed as `Fresh` in the same transaction. Both are forgotten together. */
  readonly storeResult: (consumer: string, id: string, result: string) => Effect.Effect<void, StoreFailure, Transaction>
  /** Returns the state of an id, or undefined if the id is undecided, unknown or forgotten. */
  readonly lookup: (consumer: string, id: string) => Effect.Effect<InboxRecord | undefined, StoreFailure>
  /**
   * Watches an id. The inner effect completes when this process decides the id after the outer effect has run.
   *
   * With `elsewhere`, other processes are asked to notify this one. Such a notification can be lost, so a caller that
   * waits also polls.
   */
  readonly watch: (
    consumer: string,
    id: string,
    elsewhere: boolean
  ) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
}
