/**
 * Interprets a pipeline's operators: those before the transaction here and now, those of the commit phase inside of it.
 *
 * Values are what the operator before returned. The interpreter runs pure operators in a loop and makes an effect only where the
 * user's own is run. Each step has a scope of its own: what it starts or opens in it ends with it.
 */
import * as Effect from "effect/Effect"
import type { Delivered } from "../Delivery.ts"
import type { Message } from "../Message.ts"
import * as MessageId from "../MessageId.ts"
import type * as Pipeline from "../Pipeline.ts"
import * as Store from "../Store.ts"

/** Where the steps before the transaction ended: with a value for the commit phase, or filtered out. */
export interface Stepped {
  readonly value: unknown
  /** Index of the first operator of the commit phase; the number of operators if nothing is left to do. */
  readonly index: number
}

/** Runs the operators up to the first one of the commit phase. */
export const before = Effect.fnUntraced(function*(
  operators: ReadonlyArray<Pipeline.Operator>,
  initial: unknown,
  delivered: Delivered
): Effect.fn.Return<Stepped, unknown, unknown> {
  let value = initial
  for (let index = 0; index < operators.length; index++) {
    const operator = operators[index]!
    switch (operator._tag) {
      case "Map":
        value = operator.f(value as never, delivered)
        break
      case "Filter":
        if (!operator.f(value as never, delivered)) return { value, index: operators.length }
        break
      case "MapEffect":
        value = yield* Effect.scoped(operator.f(value as never, delivered))
        break
      case "Tap":
        yield* Effect.scoped(operator.f(value as never, delivered))
        break
      case "Commit":
      case "CommitSql":
      case "Emit":
        return { value, index }
    }
  }
  return { value, index: operators.length }
})

/**
 * Runs the commit phase from an operator on, in the open transaction; answers the messages to publish in it. They carry the span
 * around this on if it is `traced`, else that of the message they come from.
 */
export const within = Effect.fnUntraced(function*(
  operators: ReadonlyArray<Pipeline.Operator>,
  stepped: Stepped,
  delivered: Delivered,
  consumer: string,
  traced: boolean
): Effect.fn.Return<ReadonlyArray<Message>, unknown, unknown> {
  let value = stepped.value
  let emitted: Array<Message> | undefined
  for (let index = stepped.index; index < operators.length; index++) {
    const operator = operators[index]!
    switch (operator._tag) {
      case "Map":
        value = operator.f(value as never, delivered)
        break
      case "Filter":
        if (!operator.f(value as never, delivered)) return emitted ?? []
        break
      // Before the commit phase only; the types see to it.
      case "MapEffect":
      case "Tap":
        break
      case "Commit":
        value = yield* Effect.scoped(operator.f(value as never, delivered))
        break
      case "CommitSql":
        yield* inOrder(yield* operator.f(value as never, delivered))
        break
      case "Emit":
        emitted ??= []
        for (const out of operator.f(value as never, delivered)) {
          const id = operator.id?.(value as never, delivered) ??
            MessageId.ofEmit(consumer, delivered.message.id, emitted.length)
          emitted.push(
            yield* operator.topic.encode(out, { id, headers: traced ? undefined : traceHeaders(delivered.message) })
          )
        }
        break
    }
  }
  return emitted ?? []
})

/** All are awaited where they go together, and the first that failed tells why. */
const inOrder = Effect.fnUntraced(function*(statements: ReadonlyArray<Effect.Effect<unknown, unknown, unknown>>) {
  if (statements.length === 1 || (yield* Store.Committer) !== "together") {
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
