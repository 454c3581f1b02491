/**
 * The part of the store's port that commits a group as data: everything that the transaction does is known as
 * statements before they are sent.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { Message } from "../../Message.ts"
import type { SqlData } from "../pipeline/SqlData.ts"
import type { Claim } from "./InboxStore.ts"

/**
 * The removal of a group's messages, as the subscription describes it in terms of the store. The worker hands it on
 * unread.
 *
 * @since 0.1.0
 */
export type Removal = object

/**
 * A group that is committed as data.
 *
 * @since 0.1.0
 */
export interface DataGroup {
  readonly consumer: string
  readonly removal: Removal
  /** The ids to claim. Undefined if the consumer does not use the inbox. */
  readonly claims: ReadonlyArray<Claim> | undefined
}

/**
 * The next statements of a group, in order.
 *
 * @since 0.1.0
 */
export interface DataPart {
  readonly statements: ReadonlyArray<SqlData>
  /** The messages to publish, if these are the last statements. Undefined if more statements follow. */
  readonly emits: ReadonlyArray<Message> | undefined
}

/**
 * Commits a group as data, in as few writes to the connection as the parts allow. Returns whether it was committed.
 *
 * `next` returns the parts, one after another. The first part is sent with the fence, the removal and the claim of the
 * group, and the last one with the emits and COMMIT. The transaction commits only if every message of the group is
 * removed and every id is fresh.
 *
 * `false` means that this call knows of no commit. A message is missing, an id is known, a statement failed, or COMMIT
 * was not answered. The caller then commits the group by `transact`, which finds the cause.
 *
 * @since 0.1.0
 */
export type CommitData = <E>(group: DataGroup, next: () => Effect.Effect<DataPart, E>) => Effect.Effect<boolean, E>
