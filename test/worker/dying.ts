/** Processes that crash with all messages that they hold, in virtual time. */
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { type Delivery, Store, Transport } from "millrace"
import { runReadyFibers } from "./support.ts"

export const lanes = 4

/** The consumers that the tests of dying processes have. */
export const register = Effect.gen(function*() {
  const store = yield* Store.Store
  for (const consumer of ["ledger", "other"]) {
    yield* Effect.orDie(store.consumers.register({ consumer, topics: ["orders"], lanes, order: "continue" }))
  }
})

/**
 * A process that reads everything that waits for the consumer, and dies with it: it never renews and never gives back.
 * With an id it dies while that message runs alone in it.
 */
export const die = Effect.fnUntraced(function*(consumer: string, alone?: string) {
  const transport = yield* Transport.Transport
  const subscription = yield* Effect.orDie(transport.open({
    consumer,
    topics: ["orders"],
    worker: "dead",
    lanes,
    lease: Duration.seconds(10),
    idlePoll: Duration.millis(1)
  }))
  let suspect: Delivery.Delivery | undefined
  const reading = yield* Effect.forkChild(
    subscription.take({ messages: 1_000, bytes: 1e9, perKey: 1_000 }, (deliveries) => {
      suspect = deliveries.find(({ message }) => message.id === alone)
    })
  )

  yield* runReadyFibers
  if (suspect !== undefined) yield* Effect.orDie(subscription.isolate(suspect))
  yield* TestClock.adjust("11 seconds")
  yield* runReadyFibers
  reading.pollUnsafe()
})
