/**
 * Connections that swallow answers: what waits on them ends, and its connection is given up with the locks that it
 * holds.
 */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Schema } from "effect"
import { DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { proxy } from "../harness/proxy.ts"
import { eventually, idsOf, open, postgres, publish, receive, register, roomy } from "./kit.ts"

const url = inject("databaseUrl")

const Notes = Topic.make("notes", { schema: Schema.String, id: (note) => note, key: (note) => note.slice(0, 1) })

// Each waits for its own timeouts, on a schema and behind a proxy of its own.
describe.concurrent("an answer that never comes", () => {
  it.live("a claim of lanes whose answer never comes ends in time, and the next one finds the lanes free", () =>
    Effect.gen(function*() {
      const between = yield* proxy(url)
      const program = Effect.gen(function*() {
        yield* register()
        yield* publish(["m1", "k"])
        const subscription = yield* open("worker")
        // The lanes are locked by then, and the worker gets no response.
        between.dropResponses = (chunk) => {
          if (!chunk.includes("lease_until < clock_timestamp()")) return false
          between.dropResponses = undefined
          return true
        }
        const [time, error] = yield* Effect.timed(Effect.flip(subscription.take(roomy, () => {})))
        assert.strictEqual(error._tag, "TransportError")
        assert.isBelow(Duration.toMillis(time), 20_000)
        assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["m1"])
      })
      yield* Effect.provide(Effect.scoped(program), postgres(between.url)).pipe(Effect.timeout("40 seconds"))
    }))

  it.live.each(
    [
      { what: "a hold", order: "continue", statement: "set until = greatest", retryable: true },
      {
        what: "a parked dead-lettering",
        order: "park",
        statement: "returning i.outcome, i.fingerprint",
        retryable: false
      }
    ] as const
  )("$what whose answer never comes ends in time: other keys go on, it is written after all, and a stop ends", (
    { order, retryable, statement }
  ) =>
    Effect.gen(function*() {
      const between = yield* proxy(url)
      const done: Array<string> = []
      const program = Effect.gen(function*() {
        let failed = 0
        const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
          Pipeline.tap((note) =>
            note === "a1" && failed++ < 1 ? Effect.fail({ retryable }) : Effect.sync(() => done.push(note))
          ),
          Pipeline.retry(Retry.exponential("2 seconds", { jitter: false })),
          Pipeline.commitTimeout("1 second"),
          Pipeline.deadLetter({ order })
        )
        yield* Worker.drain(pipeline)
        let dropped = false
        between.dropResponses = (chunk) => {
          if (!chunk.includes(statement)) return false
          between.dropResponses = undefined
          return dropped = true
        }
        const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: 0 }))
        yield* Topic.publish(Notes, "a1")
        yield* eventually(Effect.sync(() => dropped))
        yield* Topic.publish(Notes, "b1")
        yield* eventually(Effect.sync(() => done.includes("b1")))
        yield* eventually(
          retryable
            ? Effect.sync(() => done.includes("a1"))
            : Effect.map(DeadLetters.list({ consumer: "c" }), (deadLetters) => deadLetters.some(({ parked }) => parked))
        )
        yield* Effect.timeout(Fiber.interrupt(worker), "20 seconds")
      })
      yield* Effect.provide(Effect.scoped(program), postgres(between.url)).pipe(Effect.timeout("60 seconds"))
    }), 70_000)
})
