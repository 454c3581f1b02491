/**
 * Runs a pipeline's steps: `before` runs those before the transaction, and `within` those of the commit phase inside of
 * it.
 *
 * Each step gets the value that the step before returned. Pure steps run in a plain loop, and only a step that returns
 * an effect costs one. Each effect of a step has a scope of its own. The resources that the effect opens in this scope
 * are closed when the step ends.
 */
import * as Arr from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { DeliveryContext } from "../../Delivery.ts"
import { type DecodeFailed, StepTimeout } from "../../Errors.ts"
import { effectOf, noBoolean, noValue } from "../../internal/HandlerResult.ts"
import type { Message } from "../../Message.ts"
import * as MessageId from "../../MessageId.ts"
import type * as Pipeline from "../../Pipeline.ts"
import * as Store from "../../Store.ts"

/** Where the steps before the transaction ended: with a value for the commit phase, or filtered out. */
export interface Stepped {
  readonly value: unknown
  /** The index of the first step of the commit phase. If no step is left, this is the number of steps. */
  readonly index: number
  /** Whether a filter dropped the message. */
  readonly filtered: boolean
}

/** The progress of a message in the commit phase. Each step updates it. */
export interface Cursor {
  value: unknown
  /** The index of the next step. If no step is left, this is the number of steps. */
  index: number
  filtered: boolean
  emitted: Array<Message> | undefined
}

export const cursor = ({ filtered, index, value }: Stepped): Cursor => ({ value, index, filtered, emitted: undefined })

/**
 * Decodes the payload of a message, and returns the value. If the pipeline reads several topics, returns the value with
 * its topic's name.
 */
export const decode = (
  { union }: Pick<Pipeline.Pipeline<unknown>, "union">,
  topic: Pipeline.AnyTopic,
  message: Message
): Effect.Effect<unknown, DecodeFailed> => {
  // The topic's Schema may need services. The pipeline's type requires them, so the worker's context has them.
  const decoded = topic.decode(message) as Effect.Effect<unknown, DecodeFailed>
  return union ? Effect.map(decoded, (value) => ({ topic: topic.name, value })) : decoded
}

/** The index of the step that runs. After a failure it is the step that failed. */
export interface Progress {
  index: number
}

/**
 * Returns the name and position of a step for the record of its failure. Returns undefined if no step has this index.
 */
export const named = (
  steps: ReadonlyArray<Pipeline.Step>,
  index: number | undefined
): { readonly name: string; readonly position: number } | undefined => {
  const tag = index === undefined ? undefined : steps[index]?._tag
  return tag === undefined ? undefined : { name: tag[0]!.toLowerCase() + tag.slice(1), position: index! + 1 }
}

/** Runs the steps before the transaction, with the pipeline's timeout. Returns their result. */
export const bounded = (
  { steps, settings: { timeout } }: Pick<Pipeline.Pipeline<unknown>, "steps" | "settings">,
  value: unknown,
  context: DeliveryContext,
  progress: Progress
): Effect.Effect<Stepped, unknown> => {
  const running = before(steps, value, context, progress) as Effect.Effect<Stepped, unknown>
  if (timeout === undefined) return running
  const duration = Duration.fromInputUnsafe(timeout)
  const late = () => Effect.fail(new StepTimeout({ phase: "steps", millis: Duration.toMillis(duration) }))
  return Effect.timeoutOrElse(running, { duration, orElse: late })
}

/** Returns whether no step before the commit phase is an effect. */
export const arePure = (steps: ReadonlyArray<Pipeline.Step>): boolean =>
  steps.every(({ _tag }) => _tag !== "MapEffect" && _tag !== "Tap")

/**
 * Runs the steps up to the first one of the commit phase. Returns the value, and the index at which the commit phase
 * begins.
 */
export const before = Effect.fnUntraced(function*(
  steps: ReadonlyArray<Pipeline.Step>,
  initial: unknown,
  context: DeliveryContext,
  progress: Progress
): Effect.fn.Return<Stepped, unknown, unknown> {
  const at = { value: initial, filtered: false }
  for (let index = 0; index < steps.length; index++) {
    progress.index = index
    const step = steps[index]!
    switch (step._tag) {
      case "Map":
      case "Filter": {
        const misuse = pure(step, at, context)
        if (misuse !== undefined) return yield* misuse
        if (at.filtered) return { ...at, index: steps.length }
        break
      }
      case "MapEffect":
        at.value = yield* Effect.scoped(effectOf(step.f(at.value as never, context), "Pipeline.mapEffect"))
        break
      case "Tap":
        yield* Effect.scoped(effectOf(step.f(at.value as never, context), "Pipeline.tap"))
        break
      case "Commit":
      case "CommitBatch":
      case "CommitSql":
      case "Emit":
        return { ...at, index }
    }
  }
  return { ...at, index: steps.length }
})

/**
 * Runs pure steps up to the first one of the commit phase, without an effect. Returns undefined if a function throws or
 * returns the wrong type of value: `before` then makes the failure of it.
 */
export const now = (
  steps: ReadonlyArray<Pipeline.Step>,
  initial: unknown,
  context: DeliveryContext
): Stepped | undefined => {
  const at = { value: initial, filtered: false }
  try {
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index]!
      if (step._tag !== "Map" && step._tag !== "Filter") return { ...at, index }
      if (pure(step, at, context) !== undefined) return undefined
      if (at.filtered) break
    }
    return { ...at, index: steps.length }
  } catch {
    return undefined
  }
}

/**
 * Runs the commit phase of one message in the open transaction, from the cursor to the next batch or to the end. Then
 * the cursor is there. A batch is not run here, since it runs once for all members of the group. If `traced`, emitted
 * messages continue the trace of the current span, else the trace of the message itself.
 */
export const within = Effect.fnUntraced(function*(
  steps: ReadonlyArray<Pipeline.Step>,
  at: Cursor,
  context: DeliveryContext,
  consumer: string,
  traced: boolean
): Effect.fn.Return<void, unknown, unknown> {
  for (; at.index < steps.length; at.index++) {
    const step = steps[at.index]!
    switch (step._tag) {
      case "Map":
      case "Filter": {
        const misuse = pure(step, at, context)
        if (misuse !== undefined) return yield* misuse
        if (!at.filtered) break
        at.index = steps.length
        return
      }
      // The commit phase never has these two steps: the types allow them before it only.
      case "MapEffect":
      case "Tap":
        break
      case "Commit":
        at.value = yield* Effect.scoped(effectOf(step.f(at.value as never, context), "Pipeline.commit"))
        break
      case "CommitBatch":
        return
      case "CommitSql":
        yield* inOrder(yield* step.f(at.value as never, context))
        break
      case "Emit":
        yield* emit(step, at, context, consumer, traced)
        break
    }
  }
})

/**
 * Runs a step that only computes. A filter that drops the message sets the cursor's `filtered`. Returns a defect if the
 * user's function returned the wrong type of value.
 */
export const pure = (
  step: Extract<Pipeline.Step, { readonly _tag: "Map" | "Filter" }>,
  at: Pick<Cursor, "value" | "filtered">,
  context: DeliveryContext
): Effect.Effect<never> | undefined => {
  const returned = step.f(at.value as never, context)
  if (step._tag === "Map") {
    at.value = returned
    return noValue(returned, "Pipeline.map")
  }
  const misuse = noBoolean(returned, "Pipeline.filter")
  if (misuse === undefined && !returned) at.filtered = true
  return misuse
}

/** Encodes the messages that a step emits, and adds them to the cursor. */
export const emit = Effect.fnUntraced(function*(
  step: Extract<Pipeline.Step, { readonly _tag: "Emit" }>,
  at: Cursor,
  context: DeliveryContext,
  consumer: string,
  traced: boolean
): Effect.fn.Return<void, unknown, unknown> {
  at.emitted ??= []
  const outs = step.f(at.value as never, context)
  const misuse = noValue(outs, "Pipeline.emitAll")
  if (misuse !== undefined) return yield* misuse
  for (const out of outs) {
    const misuse = noValue(out, "Pipeline.emit")
    if (misuse !== undefined) return yield* misuse
    const id = step.id?.(out as never, at.value as never, context) ??
      MessageId.ofEmit(consumer, context.message.id, at.emitted.length)
    const headers = traced ? undefined : traceHeaders(context.message)
    at.emitted.push(yield* step.topic.encode(out, { id, headers }))
  }
})

/**
 * Runs a batch for these messages, and moves their cursors behind it. Each message gets its result as value. If the
 * batch returned no results, the values stay as they are.
 */
export const batch = Effect.fnUntraced(function*(
  { f }: Pipeline.Step & { readonly _tag: "CommitBatch" },
  members: NonEmptyReadonlyArray<{ readonly at: Cursor; readonly context: DeliveryContext }>
): Effect.fn.Return<void, unknown, unknown> {
  const values = Arr.map(members, ({ at }) => at.value as never)
  const returned = f(values, Arr.map(members, ({ context }) => context))
  const results = yield* Effect.scoped(effectOf(returned, "Pipeline.commitBatch"))
  if (Array.isArray(results) && results.length !== members.length) {
    return yield* Effect.die(new WrongResults(results.length, members.length))
  }
  members.forEach(({ at }, i) => {
    if (Array.isArray(results)) at.value = results[i]
    at.index++
  })
})

/**
 * The defect of a batch that returned another number of results than it got messages. It is unknown which result is
 * whose, so the group is rolled back.
 */
export class WrongResults extends Error {
  constructor(got: number, members: number) {
    super(
      `commitBatch returned ${got} results for ${members} messages, so it is not known which is whose. `
        + `Return one result for each message, in their order, or nothing at all (Effect.asVoid).`
    )
    this.name = "WrongResults"
  }
}

/**
 * Runs statements in order. In a pipelined transaction all are sent at once and awaited, and the first failure is the
 * failure of the step.
 */
const inOrder = Effect.fnUntraced(function*(given: ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>) {
  const statements = given.map((statement) => effectOf(statement, "Pipeline.commitSql"))
  if (statements.length === 1 || (yield* Store.WorkerTransaction) !== "pipelined") {
    for (const statement of statements) yield* statement
    return
  }
  for (const exit of yield* Effect.forEach(statements, Effect.exit, { concurrency: "unbounded" })) yield* exit
})

/** Returns the trace header of a message, so that the messages emitted from it continue its trace. */
const traceHeaders = (message: Message): Readonly<Record<string, string>> | undefined => {
  const traceparent = message.headers["traceparent"]
  return traceparent === undefined ? undefined : { traceparent }
}
