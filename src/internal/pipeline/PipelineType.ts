/**
 * The type of a pipeline, and its constructor from data. `Pipeline.ts` exports the type.
 *
 * @since 0.1.0
 */
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import type { DeliveryMode, KeyOrder, Phase, Shape } from "../Step.ts"
import * as Step from "../Step.ts"

const TypeId = "~millrace/Pipeline"

/**
 * A pipeline.
 *
 * - `A`: the value that the last step returned.
 * - `E`: the errors of its steps.
 * - `R`: the services that its steps require.
 * - `P`: its phase.
 * - `M`: its delivery mode.
 * - `O`: whether it needs the order of its keys.
 *
 * @since 0.1.0
 */
export interface Pipeline<
  out A,
  out E = never,
  out R = never,
  out P extends Phase = Phase,
  out M extends DeliveryMode = DeliveryMode,
  out O extends KeyOrder = KeyOrder
> extends Pipeable, Shape {
  readonly [TypeId]: {
    readonly _A: () => A
    readonly _E: () => E
    readonly _R: () => R
    readonly _P: () => P
    readonly _M: () => M
    readonly _O: () => O
  }
  toJSON(): unknown
}

/**
 * The errors of a pipeline's steps, as `Effect.Error` of an effect: `Pipeline.Error<typeof ledger>`. The runtime adds
 * `Retry.RuntimeFailure`.
 *
 * @since 0.1.0
 */
export type Error<T> = T extends Pipeline<unknown, infer E, unknown> ? E : never

/**
 * The services that a pipeline's steps require, as `Effect.Services` of an effect.
 *
 * @since 0.1.0
 */
export type Services<T> = T extends Pipeline<unknown, unknown, infer R> ? R : never

const phantom = () => undefined as never

/** Returns a pipeline with this data. */
export const make = <A, E, R, P extends Phase, M extends DeliveryMode, O extends KeyOrder>(
  shape: Shape
): Pipeline<A, E, R, P, M, O> => ({
  [TypeId]: { _A: phantom, _E: phantom, _R: phantom, _P: phantom, _M: phantom, _O: phantom },
  ...shape,
  pipe() {
    return pipeArguments(this, arguments)
  },
  toJSON() {
    return {
      _id: "Pipeline",
      consumer: shape.consumer,
      topics: shape.topics.map((topic) => topic.name),
      delivery: shape.settings.delivery,
      keyOrder: shape.settings.keyOrder,
      steps: shape.steps.map(Step.kindOf),
      order: shape.settings.order
    }
  }
})

/**
 * Returns the function that adds a step with an effect. It is untyped here: `mapEffect`, `tap` and `commit` each
 * declare its types.
 */
export const running = (_tag: "MapEffect" | "Tap" | "Commit") => (f: unknown) => (self: unknown): never =>
  make(Step.add(self as Shape, { _tag, f } as Step.Step)) as never
