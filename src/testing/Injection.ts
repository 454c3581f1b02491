/**
 * Describes the failures that a test injects, and where, in the words of the pipeline: message, attempt and step.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { DeliveryContext } from "../Delivery.ts"
import type * as Pipeline from "../Pipeline.ts"

/**
 * Where a fault strikes. Without fields it strikes the first attempt of every message, at the first step that runs an
 * effect.
 *
 * @since 0.1.0
 */
export interface Where {
  /** The id of the message. By default every message is struck. */
  readonly id?: string | undefined
  /** The number of the attempt, from 1; default 1. With `every` the fault strikes in each attempt. */
  readonly attempt?: number | "every" | undefined
  /**
   * How often the message has been redriven when the fault strikes; default 0. A redrive starts the count of attempts
   * again, so the attempt alone would not be enough.
   */
  readonly redriven?: number | undefined
  /**
   * The step: its number in the pipeline, from 1 (as crash points print it), or the first one of a phase. The phases
   * are `steps`, before the transaction, and `commit`, inside of it. Default: the first step that runs an effect. A
   * failure of a transaction has no step.
   */
  readonly step?: number | "steps" | "commit" | undefined
}

/**
 * The failure to inject, made by `TestPipeline.fail`, `die`, `stall`, `delay`, `crash`, `transientFailure`,
 * `lostAnswer` or `lostCommit`.
 *
 * @since 0.1.0
 */
export type What<E = never> =
  | { readonly _tag: "Fail"; readonly error: E }
  | { readonly _tag: "Die"; readonly defect: unknown }
  | { readonly _tag: "Stall" }
  | { readonly _tag: "Delay"; readonly duration: Duration.Input }
  | { readonly _tag: "Crash" }
  | { readonly _tag: "TransientFailure"; readonly times: number }
  | { readonly _tag: "LostAnswer" }
  | { readonly _tag: "LostCommit" }

/** Distinguishes the failures of a step from those of a transaction. */
type OfTransaction = Extract<What, { readonly _tag: "TransientFailure" | "LostAnswer" | "LostCommit" }>

export interface Injection {
  readonly where: Where
  readonly what: What<unknown>
  /** How many transactions the fault has struck, by message and attempt. */
  readonly struck: Map<string, number>
}

export const ofTransaction = (what: What<unknown>): what is OfTransaction =>
  what._tag === "TransientFailure" || what._tag === "LostAnswer" || what._tag === "LostCommit"

const effectful = (step: Pipeline.Step): boolean => /^(MapEffect|Tap|Commit.*)$/.test(step._tag)

/** Returns the index of the step that a fault strikes. Returns undefined if the pipeline has no such step. */
export const stepOf = (steps: ReadonlyArray<Pipeline.Step>, where: Where["step"]): number | undefined => {
  const first = steps.findIndex((step) =>
    effectful(step) && (where === undefined || (where === "commit") === step._tag.startsWith("Commit"))
  )
  if (typeof where !== "number") return first === -1 ? undefined : first
  const step = steps[where - 1]
  return step !== undefined && effectful(step) ? where - 1 : undefined
}

/** One attempt of one message. */
export interface Attempt {
  readonly id: string
  readonly attempt: number
  readonly redriven: number
}

const meets = ({ where }: Injection, { attempt, id, redriven }: Attempt): boolean =>
  (where.id === undefined || where.id === id)
  && (where.attempt === "every" || attempt === (where.attempt ?? 1))
  && redriven === (where.redriven ?? 0)

/**
 * Returns the failure that strikes this step now. A step that runs again within its attempt (alone, after its group
 * failed) is struck again. A crash starts the count of attempts again. So a crash strikes a message once, unless it was
 * asked for in every attempt.
 */
export const atStep = (
  injections: ReadonlyArray<Injection>,
  steps: ReadonlyArray<Pipeline.Step>,
  index: number,
  { attempt, message, redriven }: DeliveryContext
): What<unknown> | undefined => {
  const found = injections.find((injection) => {
    const { struck, what, where } = injection
    return !ofTransaction(what) && stepOf(steps, where.step) === index
      && meets(injection, { id: message.id, attempt, redriven })
      && (what._tag !== "Crash" || where.attempt === "every" || !struck.has(message.id))
  })
  found?.struck.set(message.id, 1)
  return found?.what
}

/**
 * Returns the failure that strikes the transaction with these members. A member is struck once in an attempt, and by a
 * transient failure as often as the failure says.
 */
export const atTransaction = (
  injections: ReadonlyArray<Injection>,
  members: ReadonlyArray<Attempt>
): OfTransaction | undefined => {
  for (const injection of injections) {
    const { struck, what } = injection
    if (!ofTransaction(what)) continue
    for (const member of members) {
      if (!meets(injection, member)) continue
      const name = JSON.stringify([member.id, member.attempt, member.redriven])
      const before = struck.get(name) ?? 0
      if (before >= (what._tag === "TransientFailure" ? what.times : 1)) continue
      struck.set(name, before + 1)
      return what
    }
  }
  return undefined
}

/** Runs the failure that strikes a step. `crash` is the effect that ends the process. */
export const strike = (what: What<unknown> | undefined, crash: Effect.Effect<never>): Effect.Effect<void, unknown> => {
  switch (what?._tag) {
    case "Fail":
      return Effect.fail(what.error)
    case "Die":
      return Effect.die(what.defect)
    case "Stall":
      return Effect.never
    case "Delay":
      return Effect.sleep(what.duration)
    case "Crash":
      return crash
    default:
      return Effect.void
  }
}
