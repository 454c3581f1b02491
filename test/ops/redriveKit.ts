/** Shared by the tests of redrive runs: consumers with dead letters, and waits for the state of a run. */
import { assert } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { DeadLetters, Pipeline, Topic, Worker } from "millrace"
import { Operations, type RedriveRun } from "millrace/ops"
import { eventually } from "../postgres/kit.ts"

class Declined extends Schema.TaggedError<Declined>()("Declined", { retryable: Schema.Boolean }) {}

export const by = { by: "anna" }
export const quick = { idlePoll: "50 millis", codeVersion: "1.4.3" } as const

/** A consumer whose handler fails while the downstream is broken, for the ids that the function names. */
const payments = (consumer: string, order: "park" | "continue" = "continue") => {
  const Payments = Topic.make(consumer, {
    schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
    key: ({ key }) => key,
    id: ({ id }) => id
  })
  const downstream: { fails: (id: string) => boolean; before: (id: string) => Effect.Effect<void> } = {
    fails: () => true,
    before: () => Effect.void
  }
  const handled: Array<string> = []
  const pipeline = Pipeline.from(Payments, { consumer }).pipe(
    Pipeline.tap(({ id }) =>
      Effect.andThen(downstream.before(id), () => {
        if (downstream.fails(id)) return Effect.fail(new Declined({ retryable: false }))
        handled.push(id)
        return Effect.void
      })
    ),
    Pipeline.deadLetter({ order })
  )
  const publish = (ids: ReadonlyArray<string>) =>
    Topic.publishAll(Payments, ids.map((id) => ({ id: `${consumer}-${id}`, key: `${consumer}-${id}` })))
  return { consumer, pipeline, downstream, handled, publish }
}

export const ids = (n: number, from = 0) => Array.from({ length: n }, (_, i) => String(i + from))

/** A consumer with so many dead letters, and a downstream that works again. */
export const broken = Effect.fnUntraced(function*(consumer: string, n: number, order?: "park" | "continue") {
  const made = payments(consumer, order)
  yield* Worker.drain(made.pipeline, { ...quick, codeVersion: "1.4.2" })
  yield* made.publish(ids(n))
  yield* Worker.drain(made.pipeline, { ...quick, codeVersion: "1.4.2" })
  assert.lengthOf(yield* DeadLetters.list({ consumer, state: "open", limit: 1000 }), n)
  made.downstream.fails = () => false
  return made
})

export const operations = Operations.Operations
export const runOf = (id: string) => Effect.flatMap(operations, (ops) => ops.redriveRun(id))

/** Waits until the run is in the state, and returns it. */
export const reaches = (id: string, state: RedriveRun["state"]) =>
  Effect.andThen(eventually(Effect.map(runOf(id), (run) => run.state === state), "20 seconds"), runOf(id))

/** Waits until no message of the run is in the queue, and returns the run. */
export const settled = (id: string) =>
  Effect.andThen(eventually(Effect.map(runOf(id), (run) => run.waiting === 0), "20 seconds"), runOf(id))

export const counts = ({ committed, duplicate, failedAgain, redriven, untouched }: RedriveRun) => ({
  redriven,
  committed,
  duplicate,
  failedAgain,
  untouched: untouched.value
})
