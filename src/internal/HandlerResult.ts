/**
 * What a user's function returned. A value that is no Effect ends the fiber that runs it at once: no handler, finalizer or scope of that
 * fiber runs any more. So the runtime looks at what functions return. A function can still hide such a value inside of its effect, so the
 * runtime runs effects where another fiber sees how they end.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

type Expected = "an Effect" | "a boolean" | "a value"

/** A function that returned something else than it had to. */
export class WrongReturn extends Error {
  constructor(operator: string, expected: Expected, returned: unknown) {
    super(`The function of ${operator} returned ${nameOf(returned)}, where ${expected} is expected. ${fixOf(returned)}`)
    this.name = "WrongReturn"
    // It would tell where this library stands, not where the function does.
    this.stack = ""
  }
}

/** Returns an effect as it is, and a defect in place of anything else. */
export const effectOf = <A, E, R>(returned: Effect.Effect<A, E, R>, operator: string): Effect.Effect<A, E, R> =>
  Effect.isEffect(returned) ? returned : wrong(operator, "an Effect", returned)

/** Returns a defect where a predicate returned a promise or an effect, which are always true. */
export const noBoolean = (returned: unknown, operator: string): Effect.Effect<never> | undefined =>
  typeof returned === "object" && (isThenable(returned) || Effect.isEffect(returned))
    ? wrong(operator, "a boolean", returned)
    : undefined

/** Returns a defect where a function that only computes returned a promise: nothing waits for one. */
export const noValue = (returned: unknown, operator: string): Effect.Effect<never> | undefined =>
  isThenable(returned) ? wrong(operator, "a value", returned) : undefined

const wrong = (operator: string, expected: Expected, returned: unknown): Effect.Effect<never> =>
  Effect.suspend(() => {
    ignoreRejection(returned)
    return Effect.die(new WrongReturn(operator, expected, returned))
  })

interface Thenable {
  readonly then: (done: undefined, failed: () => undefined) => unknown
}

export const isThenable = (value: unknown): value is Thenable =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

/** Handles a promise that no code awaits. Otherwise its rejection would end the process. */
export const ignoreRejection = (returned: unknown): void => {
  if (isThenable(returned)) returned.then(undefined, () => undefined)
}

/** Names a value that a function returned, for an error. */
export const nameOf = (returned: unknown): string =>
  isThenable(returned)
    ? "a promise"
    : Effect.isEffect(returned)
    ? "an Effect"
    : returned === undefined
    ? "nothing"
    : `a value of type ${typeof returned}`

const fixOf = (returned: unknown): string =>
  isThenable(returned)
    ? "Run what is async in Pipeline.mapEffect, wrapped by Effect.tryPromise"
    : Effect.isEffect(returned)
    ? "Run effects in Pipeline.mapEffect"
    : "Return the effect; a function that only computes belongs into Pipeline.map or Effect.sync"

/**
 * Runs an effect in a fiber of its own, so that whatever ends that fiber can be handled as a failure. An interruption is passed on and
 * waited for.
 */
export const contained = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkChild(restore(effect), { startImmediately: true }),
      (fiber) => Effect.onInterrupt(restore(Fiber.join(fiber)), () => Fiber.interrupt(fiber))
    )
  )
