/**
 * Warns when two different pipelines run under one consumer name. They share one queue, so each message goes to one of
 * the two by chance. The warning is logged once for a name.
 *
 * Within a process, pipelines are compared by their shape and by the source text of their functions. Across processes,
 * only the shapes are compared: topics, kinds of steps, and delivery mode. So two limits remain. Two functions that
 * differ only in the values that they close over look the same. In different processes, two pipelines of the same shape
 * look the same even if their functions differ.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { kindOf, sourceOf } from "../../internal/Step.ts"
import type * as Pipeline from "../../Pipeline.ts"
import type * as Store from "../../Store.ts"

type AnyPipeline = Pipeline.Pipeline<unknown, unknown, unknown>

/** Returns the shape of a pipeline as a text that an operator can read. The store keeps this text with the consumer. */
export const shapeOf = ({ steps, settings, topics }: AnyPipeline): string =>
  [
    topics.map((topic) => topic.name).toSorted().join(" and "),
    ...steps.map(kindOf),
    settings.delivery
  ].join(" -> ").slice(0, 1000)

const codeOf = (pipeline: AnyPipeline): string =>
  JSON.stringify([shapeOf(pipeline), pipeline.steps.map((step) => sourceOf(step.f))])

interface Running {
  readonly pipelines: Array<AnyPipeline>
  warned: boolean
}

/** The pipelines that run in this process, by store and consumer name. */
const running = new WeakMap<object, Map<string, Running>>()

const warning = (consumer: string, where: string, own: string, other: string): Effect.Effect<void> =>
  Effect.annotateLogs(
    Effect.logWarning(
      `Two different pipelines run under consumer "${consumer}"${where}: [${own}] and [${other}]. They share one queue, so that each `
        + `message goes to one of them by chance. Nothing is lost. If they are not two versions of one pipeline, give one of them `
        + `another consumer name.`
    ),
    { consumer }
  )

/**
 * Enters the pipeline into the list of running ones until the scope closes, and warns if a different one is there.
 * Looking and entering are one synchronous step: of two pipelines that start together, the second sees the first.
 */
export const enter = (
  store: Store.Store["Service"],
  pipeline: AnyPipeline
): Effect.Effect<void, never, Scope.Scope> => {
  const { consumer } = pipeline
  const came = Effect.sync(() => {
    const names = running.get(store) ?? new Map<string, Running>()
    running.set(store, names)
    const under = names.get(consumer) ?? { pipelines: [], warned: false }
    names.set(consumer, under)
    const other = under.pipelines.find((other) => other !== pipeline && codeOf(other) !== codeOf(pipeline))
    under.pipelines.push(pipeline)
    return { names, other, under }
  })
  const left = ({ names, under }: Effect.Success<typeof came>) =>
    Effect.sync(() => {
      under.pipelines.splice(under.pipelines.indexOf(pipeline), 1)
      if (under.pipelines.length === 0) names.delete(consumer)
    })
  return Effect.flatMap(Effect.acquireRelease(came, left), ({ other, under }) => {
    if (other === undefined || under.warned) return Effect.void
    under.warned = true
    return warning(consumer, " in this process", shapeOf(pipeline), shapeOf(other))
  })
}

/**
 * Returns a check of the queue's status, which names the shape of the pipeline that registered last. If no pipeline in
 * this process has that shape, the check logs a warning. It repeats the warning only for another shape.
 */
export const watch = (
  store: Store.Store["Service"],
  pipeline: AnyPipeline
): (status: Store.QueueStatus) => Effect.Effect<void> => {
  const { consumer } = pipeline
  const own = shapeOf(pipeline)
  let warned = ""
  const isHere = (shape: string) => running.get(store)?.get(consumer)?.pipelines.some((one) => shapeOf(one) === shape)
  return ({ pipeline: last }) => {
    if (last === "" || last === own || last === warned || isHere(last) === true) return Effect.void
    warned = last
    return warning(consumer, ", in this process and in another one", own, last)
  }
}
