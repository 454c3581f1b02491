/**
 * The outbox of the memory store, for messages that are published now or later.
 *
 * A transaction that replaces or cancels a named message locks the name until it ends.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Delay from "../Delay.ts"
import { StoreFailure } from "../Errors.ts"
import * as PublishRefusal from "../internal/PublishRefusal.ts"
import { UnroutedTopics } from "../internal/UnroutedTopics.ts"
import type { Message } from "../Message.ts"
import type { OutboxStore } from "../Store.ts"
import { nameKey, type Waiting } from "./MemoryDelayed.ts"
import type { MemoryState } from "./MemoryStore.ts"
import { ambient, type MemoryTransaction, required, transact, write } from "./MemoryTransaction.ts"

/** Runs the body in the ambient transaction, or in a transaction of its own if there is none. */
const within = <A>(
  state: MemoryState,
  operation: string,
  body: (transaction: MemoryTransaction) => Effect.Effect<A, StoreFailure>
): Effect.Effect<A, StoreFailure> =>
  Effect.withFiber((fiber) => {
    const open = ambient(state, fiber.context)
    if (open !== undefined) return body(open)
    return Effect.mapError(
      transact(state)(Effect.flatMap(required(state, operation), body)),
      (error) =>
        error._tag === "StoreFailure" ? error : new StoreFailure({
          operation,
          kind: "timeout",
          code: "",
          detail: error.message,
          hint: "Try again."
        })
    )
  })

const dueAt = (later: Delay.ResolvedDelay, now: number): number => later.at ?? now + later.delay

const publishNow = (state: MemoryState, messages: ReadonlyArray<Message>, now: number): void => {
  for (const message of messages) state.publish(message, now)
}

/** Replaces the message that waits under the name. The new message waits, too, or is published if it is due. */
const replace = (state: MemoryState, message: Message, later: Delay.ResolvedDelay, name: string) => {
  const place = nameKey(message.topic, message.key, name)
  return within(state, "publish", (transaction) =>
    Effect.andThen(
      transaction.lock([place]),
      Effect.clockWith((clock) =>
        Effect.sync(() => {
          const now = clock.currentTimeMillisUnsafe()
          const due = dueAt(later, now)
          const waiting: Waiting | undefined = due <= now ? undefined : { message, due, name: place }
          transaction.stage({
            waiting: new Map([[place, waiting]]),
            apply: (now) => {
              state.delayed.remove(place)
              if (waiting === undefined) state.publish(message, now)
              else state.delay(waiting)
            }
          })
        })
      )
    ))
}

/** Publishes messages, now or later. */
const put = (
  state: MemoryState,
  messages: ReadonlyArray<Message>,
  later: Delay.ResolvedDelay | undefined
): Effect.Effect<void, StoreFailure> => {
  const bad = PublishRefusal.of(messages, later)
  if (bad !== undefined) return Effect.fail(bad)
  if (later?.name !== undefined && messages[0] !== undefined) return replace(state, messages[0], later, later.name)
  return write(state, (now) => {
    const due = later === undefined ? now : dueAt(later, now)
    return Effect.succeed({
      apply: due <= now
        ? (now: number) => publishNow(state, messages, now)
        : () => {
          for (const message of messages) state.delay({ message, due, name: undefined })
        }
    })
  })
}

export const makeOutbox = (state: MemoryState): OutboxStore => {
  const unrouted = new UnroutedTopics()
  return {
    write: (messages, later) =>
      Effect.suspend((): Effect.Effect<void, StoreFailure> => {
        const lost = state.countUnrouted(messages)
        const stored = put(state, messages, later)
        return lost.size === 0 ? stored : Effect.tap(stored, unrouted.note(lost))
      }),
    cancel: (topic, key, name) => {
      const place = nameKey(topic, key, name)
      return within(state, "cancel a delayed message", (transaction) =>
        Effect.andThen(
          transaction.lock([place]),
          Effect.sync(() => {
            if (transaction.waiting(place) === undefined) return false
            transaction.stage({
              waiting: new Map([[place, undefined]]),
              apply: () => state.delayed.remove(place)
            })
            return true
          })
        ))
    }
  }
}
