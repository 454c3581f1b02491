/**
 * Two pipelines under one consumer name share one queue: each message goes to one of them, by chance. That is warned of
 * once, by name.
 *
 * Within a process they are compared by what they consist of, the source text of their functions included. Across
 * processes only their shapes are: topics, operators and promise. Two functions that differ in the values they close
 * over look the same. So do two that differ in their text alone, in different processes.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { sourceOf } from "../../internal/Step.ts"
import type * as Pipeline from "../../Pipeline.ts"
import type * as Store from "../../Store.ts"

type AnyPipeline = Pipeline.Pipeline<unknown, unknown, unknown>

/** Describes a pipeline for operators; the store keeps it with the consumer. */
export const shapeOf = ({ steps: operators, settings, topics }: AnyPipeline): string =>
  [
    topics.map((topic) => topic.name).toSorted().join(" and "),
    ...operators.map((operator) => operator._tag === "Emit" ? `Emit ${operator.topic.name}` : operator._tag),
    settings.delivery
  ].join(" -> ").slice(0, 1000)

const codeOf = (pipeline: AnyPipeline): string =>
  JSON.stringify([shapeOf(pipeline), pipeline.steps.map((operator) => sourceOf(operator.f))])

interface Running {
  readonly pipelines: Array<AnyPipeline>
  warned: boolean
}

/** The pipelines that run in this process, by store and name. */
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
 * Counts the pipeline among those that run, until the scope ends. One step looks and enters: of two that start
 * together, one sees the other.
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
 * Looks at who registered last: a worker of another shape in another process, while this one runs, is warned of once.
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
