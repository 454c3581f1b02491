/**
 * The part of the store's port that takes outgoing messages.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { ResolvedDelay } from "../../Delay.ts"
import type { StoreFailure } from "../../Errors.ts"
import type { Message } from "../../Message.ts"

/**
 * The part of the store that takes outgoing messages.
 *
 * @since 0.1.0
 */
export interface OutboxStore {
  /**
   * Stores the messages for every consumer of their topics, all or none, in the given order.
   *
   * The write joins the ambient transaction. Without one it commits by itself. The messages become visible, and workers
   * are woken, when the transaction commits. Messages of a topic without a consumer wait as unrouted. If the ambient
   * transaction is interrupted before its commit, no message is stored. If a write without one is interrupted, its
   * messages may be stored, all or none.
   *
   * Writes of concurrent callers without an ambient transaction may share one. No write fails because of a message of
   * another one.
   *
   * With `delay`, the messages are kept apart until they are due. Workers move due messages into the queue, in the
   * order of their due times. One move is one transaction. If many messages are due, several moves follow one another.
   *
   * A message with a name replaces the waiting message of the same topic, key and name, in the transaction of this
   * write. The waiting message is also replaced if the new one is due at once. A replacement that meets a message which
   * is being moved waits for the move and then publishes a second message.
   */
  readonly write: (messages: ReadonlyArray<Message>, delay?: ResolvedDelay) => Effect.Effect<void, StoreFailure>
  /**
   * Deletes the message that waits under a name. Returns whether such a message waited: false if it was published
   * already.
   *
   * The deletion joins the ambient transaction. Until that transaction ends, no worker publishes the message.
   * Idempotent.
   */
  readonly cancel: (topic: string, key: string, name: string) => Effect.Effect<boolean, StoreFailure>
}
