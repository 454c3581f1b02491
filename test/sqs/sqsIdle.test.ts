/** What a worker on SQS asks while it has nothing to do: an idle queue, a paused consumer, and how often it asks. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { Pipeline, Transport } from "millrace"
import { limit } from "../harness/patience.ts"
import { countingTakes, whilePaused } from "../redis/streamKit.ts"
import { type Order, order, orders } from "../worker/support.ts"
import { during, ledger, withLedger } from "./overflowKit.ts"
import { send } from "./sqsKit.ts"

describe("a paused consumer on SQS", () => {
  it.live(
    "is asked after each idle poll only, also if a message of it ends during the pause",
    () =>
      withLedger(true, ({ ids, model, write }) =>
        Effect.gen(function*() {
          const { counts, transport } = yield* countingTakes()
          const [started, done] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
          const pipeline = ledger.pipe(
            Pipeline.tap(() => Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(done))),
            Pipeline.commit((one: Order) => write(one))
          )
          yield* send([order("a", 1)])
          const paused = whilePaused({
            running: () => Deferred.isDoneUnsafe(started),
            backlog: Effect.orDie(send(orders("b", 5))),
            ended: Effect.asVoid(Deferred.succeed(done, undefined)),
            ran: Effect.repeat(ids, { until: ({ length }) => length === 1 }).pipe(Effect.asVoid),
            counted: Effect.sync(() => [counts.takes, model.requests.get("receive") ?? 0])
          })
          const [takes, receives] = yield* during(pipeline, paused, { idlePoll: "1 second" }).pipe(
            Effect.provideService(Transport.Transport, transport)
          )
          assert.isAtMost(takes!, 6, "takes in three seconds")
          assert.isAtMost(receives!, 4, "polls in three seconds")
        })),
    limit(60_000)
  )
})
