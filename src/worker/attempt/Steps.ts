/**
 * Interprets a pipeline's operators: those before the transaction here and now, those of the commit phase inside of it.
 *
 * Values are what the operator before returned. The interpreter runs pure operators in a loop and makes an effect only
 * where the user's own is run. Each step has a scope of its own: what it starts or opens in it ends with it.
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
  /** Index of the first operator of the commit phase; the number of operators if nothing is left to do. */
  readonly index: number
  /** Whether a filter dropped the message. */
  readonly filtered: boolean
}

/** Where a message stands in the commit phase, as its operators move it on. */
export interface Cursor {
  value: unknown
  /** The operator that is next; the number of operators when nothing is left to do. */
  index: number
  filtered: boolean
  emitted: Array<Message> | undefined
}

export const cursor = ({ filtered, index, value }: Stepped): Cursor => ({ value, index, filtered, emitted: undefined })

/** The value that a message holds, with its topic's name where there are several. */
export const decode = (
  { union }: Pick<Pipeline.Pipeline<unknown>, "union">,
  topic: Pipeline.AnyTopic,
  message: Message
): Effect.Effect<unknown, DecodeFailed> => {
  // Its requirements are in the worker's context, since they are in the pipeline's type.
  const decoded = topic.decode(message) as Effect.Effect<unknown, DecodeFailed>
  return union ? Effect.map(decoded, (value) => ({ topic: topic.name, value })) : decoded
}

/** The steps before the transaction, within the pipeline's timeout. */
export const bounded = (
  { steps, settings: { timeout } }: Pick<Pipeline.Pipeline<unknown>, "steps" | "settings">,
  value: unknown,
  delivered: DeliveryContext
): Effect.Effect<Stepped, unknown> => {
  const running = before(steps, value, delivered) as Effect.Effect<Stepped, unknown>
  if (timeout === undefined) return running
  const duration = Duration.fromInputUnsafe(timeout)
  const late = () => Effect.fail(new StepTimeout({ phase: "steps", millis: Duration.toMillis(duration) }))
  return Effect.timeoutOrElse(running, { duration, orElse: late })
}

/** Whether the operators before the commit phase have no effects. */
export const arePure = (operators: ReadonlyArray<Pipeline.Step>): boolean =>
  operators.every(({ _tag }) => _tag !== "MapEffect" && _tag !== "Tap")

/** Runs the operators up to the first one of the commit phase. */
export const before = Effect.fnUntraced(function*(
  operators: ReadonlyArray<Pipeline.Step>,
  initial: unknown,
  delivered: DeliveryContext
): Effect.fn.Return<Stepped, unknown, unknown> {
  let value = initial
  for (let index = 0; index < operators.length; index++) {
    const operator = operators[index]!
    switch (operator._tag) {
      case "Map": {
        value = operator.f(value as never, delivered)
        const misuse = noValue(value, "Pipeline.map")
        if (misuse !== undefined) return yield* misuse
        break
      }
      case "Filter": {
        const kept = operator.f(value as never, delivered)
        const misuse = noBoolean(kept, "Pipeline.filter")
        if (misuse !== undefined) return yield* misuse
        if (!kept) return { value, index: operators.length, filtered: true }
        break
      }
      case "MapEffect":
        value = yield* Effect.scoped(effectOf(operator.f(value as never, delivered), "Pipeline.mapEffect"))
        break
      case "Tap":
        yield* Effect.scoped(effectOf(operator.f(value as never, delivered), "Pipeline.tap"))
        break
      case "Commit":
      case "CommitBatch":
      case "CommitSql":
      case "Emit":
        return { value, index, filtered: false }
    }
  }
  return { value, index: operators.length, filtered: false }
})

/**
 * Runs the commit phase in the open transaction, from where the cursor stands to the next batch or to the end, and
 * moves the cursor. A batch is not run here: it is for all members of the group. Emitted messages carry the span around
 * this on if it is `traced`, else that of the message they come from.
 */
export const within = Effect.fnUntraced(function*(
  operators: ReadonlyArray<Pipeline.Step>,
  at: Cursor,
  delivered: DeliveryContext,
  consumer: string,
  traced: boolean
): Effect.fn.Return<void, unknown, unknown> {
  for (; at.index < operators.length; at.index++) {
    const operator = operators[at.index]!
    switch (operator._tag) {
      case "Map": {
        at.value = operator.f(at.value as never, delivered)
        const misuse = noValue(at.value, "Pipeline.map")
        if (misuse !== undefined) return yield* misuse
        break
      }
      case "Filter": {
        const kept = operator.f(at.value as never, delivered)
        const misuse = noBoolean(kept, "Pipeline.filter")
        if (misuse !== undefined) return yield* misuse
        if (kept) break
        at.filtered = true
        at.index = operators.length
        return
      }
      // Before the commit phase only; the types see to it.
      case "MapEffect":
      case "Tap":
        break
      case "Commit":
        at.value = yield* Effect.scoped(effectOf(operator.f(at.value as never, delivered), "Pipeline.commit"))
        break
      case "CommitBatch":
        return
      case "CommitSql":
        yield* inOrder(yield* operator.f(at.value as never, delivered))
        break
      case "Emit": {
        at.emitted ??= []
        const outs = operator.f(at.value as never, delivered)
        const misuse = noValue(outs, "Pipeline.emitAll")
        if (misuse !== undefined) return yield* misuse
        for (const out of outs) {
          const misuse = noValue(out, "Pipeline.emit")
          if (misuse !== undefined) return yield* misuse
          const id = operator.id?.(out as never, at.value as never, delivered) ??
            MessageId.ofEmit(consumer, delivered.message.id, at.emitted.length)
          const headers = traced ? undefined : traceHeaders(delivered.message)
          at.emitted.push(yield* operator.topic.encode(out, { id, headers }))
        }
        break
      }
    }
  }
})

/**
 * Runs the batch at which these messages stand, and moves them past it. Their values are its results, or stay as they
 * are if it returned none.
 */
export const batch = Effect.fnUntraced(function*(
  { f }: Pipeline.Step & { readonly _tag: "CommitBatch" },
  members: NonEmptyReadonlyArray<{ readonly at: Cursor; readonly delivered: DeliveryContext }>
): Effect.fn.Return<void, unknown, unknown> {
  const values = Arr.map(members, ({ at }) => at.value as never)
  const returned = f(values, Arr.map(members, ({ delivered }) => delivered))
  const results = yield* Effect.scoped(effectOf(returned, "Pipeline.commitBatch"))
  if (Array.isArray(results) && results.length !== members.length) {
    return yield* Effect.die(new WrongResults(results.length, members.length))
  }
  members.forEach(({ at }, i) => {
    if (Array.isArray(results)) at.value = results[i]
    at.index++
  })
})

/** A batch function that returned another number of results than it was given messages: whose are they? */
export class WrongResults extends Error {
  constructor(got: number, members: number) {
    super(
      `commitBatch returned ${got} results for ${members} messages, so it is not known which is whose. `
        + `Return one result for each message, in their order, or nothing at all (Effect.asVoid).`
    )
    this.name = "WrongResults"
  }
}

/** All are awaited where they go together, and the first that failed tells why. */
const inOrder = Effect.fnUntraced(function*(given: ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>) {
  const statements = given.map((statement) => effectOf(statement, "Pipeline.commitSql"))
  if (statements.length === 1 || (yield* Store.WorkerTransaction) !== "pipelined") {
    for (const statement of statements) yield* statement
    return
  }
  for (const exit of yield* Effect.forEach(statements, Effect.exit, { concurrency: "unbounded" })) yield* exit
})

/** An emitted message carries on the trace of the message that caused it. */
const traceHeaders = (message: Message): Readonly<Record<string, string>> | undefined => {
  const traceparent = message.headers["traceparent"]
  return traceparent === undefined ? undefined : { traceparent }
}
