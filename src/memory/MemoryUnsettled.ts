/**
 * The records of unsettled messages in the memory store. A hold and a deletion are staged in the transaction.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Failure } from "../Delivery.ts"
import type { DeliveryCount, UnsettledStore } from "../Store.ts"
import type { MemoryState } from "./MemoryStore.ts"
import { inboxKey, required } from "./MemoryTransaction.ts"

/** A record, with the time at which the next attempt is due. */
export interface UnsettledRow extends DeliveryCount {
  readonly attempts: ReadonlyArray<Failure>
  readonly due: number
}

export const makeUnsettled = (state: MemoryState): UnsettledStore => ({
  read: (consumer, ids) =>
    Effect.clockWith((clock) =>
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        return ids.flatMap((id) => {
          const row = state.unsettled.get(inboxKey(consumer, id))
          if (row === undefined) return []
          const { due, ...record } = row
          return [{ ...record, waitMillis: Math.max(0, due - now) }]
        })
      })
    ),
  count: (consumer, counts) =>
    Effect.sync(() => {
      for (const count of counts) {
        const key = inboxKey(consumer, count.id)
        state.unsettled.set(key, { attempts: [], due: 0, ...state.unsettled.get(key), ...count })
      }
    }),
  endAlone: (consumer, id, delivery) =>
    Effect.sync(() => {
      const key = inboxKey(consumer, id)
      const row = state.unsettled.get(key)
      if (row?.alone !== true || row.explained >= delivery) return
      state.unsettled.set(key, { ...row, alone: false, explained: delivery })
    }),
  hold: Effect.fnUntraced(function*(consumer, count, attempts, delay) {
    const transaction = yield* required(state, "hold a message")
    transaction.stage({
      apply: (now) => {
        state.unsettled.set(inboxKey(consumer, count.id), { ...count, attempts, due: now + Duration.toMillis(delay) })
      }
    })
  }),
  settle: Effect.fnUntraced(function*(consumer, ids) {
    const transaction = yield* required(state, "settle messages of a broker")
    if (!state.queues.has(consumer)) return false
    transaction.stage({
      stale: () => state.queues.has(consumer) ? undefined : "the consumer was removed before the commit",
      apply: () => {
        for (const id of ids) state.unsettled.delete(inboxKey(consumer, id))
      }
    })
    return true
  })
})
