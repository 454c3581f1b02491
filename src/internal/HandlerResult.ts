/**
 * Checks of the values that users' functions return. A value that is no Effect ends the fiber that runs it at once,
 * without its handlers, finalizers and scopes. So the runtime checks what functions return. A function can still hide
 * such a value inside its effect, so the runtime runs effects in a fiber whose end another fiber sees.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

type Expected = "an Effect" | "a boolean" | "a value"

/** The defect of a user's function that returned another type of value than it must. */
export class WrongReturn extends Error {
  constructor(step: string, expected: Expected, returned: unknown) {
    super(`The function of ${step} returned ${nameOf(returned)}, where ${expected} is expected. ${fixOf(returned)}`)
    this.name = "WrongReturn"
    // Omits the stack, because it would point into this library and not at the function.
    this.stack = ""
  }
}

/** Returns an effect unchanged, and a defect in place of anything else. */
export const effectOf = <A, E, R>(returned: Effect.Effect<A, E, R>, step: string): Effect.Effect<A, E, R> =>
  Effect.isEffect(returned) ? returned : wrong(step, "an Effect", returned)

/** Returns a defect if a predicate returned a promise or an effect, which are always true. */
export const noBoolean = (returned: unknown, step: string): Effect.Effect<never> | undefined =>
  typeof returned === "object" && (isThenable(returned) || Effect.isEffect(returned))
    ? wrong(step, "a boolean", returned)
    : undefined

/** Returns a defect if a pure function returned a promise, since no code awaits it. */
export const noValue = (returned: unknown, step: string): Effect.Effect<never> | undefined =>
  isThenable(returned) ? wrong(step, "a value", returned) : undefined

const wrong = (step: string, expected: Expected, returned: unknown): Effect.Effect<never> => {
  ignoreRejection(returned)
  return Effect.suspend(() => Effect.die(new WrongReturn(step, expected, returned)))
}

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
    : "Return the effect; a function that only computes belongs in Pipeline.map or Effect.sync"

/**
 * Runs an effect in a fiber of its own, so that any end of that fiber can be handled as a failure. An interruption is
 * passed to that fiber, and waits for its end.
 */
export const contained = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkChild(restore(effect), { startImmediately: true }),
      (fiber) => Effect.onInterrupt(restore(Fiber.join(fiber)), () => Fiber.interrupt(fiber))
    )
  )
