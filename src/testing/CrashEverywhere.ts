/**
 * Runs a scenario once without a crash, and once for every point at which its process can die. The results of all runs
 * must be equal.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import type * as Pipeline from "../Pipeline.ts"
import type { Store } from "../Store.ts"
import type { Transport } from "../Transport.ts"
import type { WorkerError } from "../worker/Worker.ts"
import { CrashDiverged, type NeverStruck, type NotDrained, NothingToCrash } from "./KitErrors.ts"
import { delayedIn } from "./Tape.ts"
import { type Options, stagedRun, type Test } from "./TestRun.ts"

/**
 * The inputs of {@link crashEverywhere}.
 *
 * @since 0.1.0
 */
export interface CrashOptions<E, E2, R2, S, E3, R3, L, EL, RL> extends Options {
  /** Publishes messages, and lets time pass if needed. After the scenario the run calls `drain`. */
  readonly scenario: (test: Test<E>) => Effect.Effect<unknown, E2, R2>
  /** Reads the state that crashes must not change: rows, a `TxRef`, or the calls that a fake received. */
  readonly state: Effect.Effect<S, E3, R3>
  /**
   * The engine and the services. The layer is built again for every run, so that each run begins with no messages.
   * State outside of the layer is shared among the runs.
   */
  readonly layer: Layer.Layer<L, EL, RL>
  /**
   * Returns whether two states are equal. The default is `Equal.equals`, which compares by value, arrays and plain
   * objects included.
   */
  readonly same?: ((clean: S, crashed: S) => boolean) | undefined
}

/**
 * All points after whose crash the results were equal, in the order in which the scenario passes them.
 *
 * @since 0.1.0
 */
export interface Survived<S> {
  readonly state: S
  readonly points: ReadonlyArray<string>
}

/** The results of a run that are compared. */
interface Left<S> {
  readonly state: S
  readonly committed: ReadonlyArray<string>
  readonly dead: ReadonlyArray<string>
  readonly emitted: ReadonlyArray<string>
}

/**
 * Asserts that a crash changes no result. There is a crash at every boundary of a step, inside of the transaction, and
 * between COMMIT and its acknowledgement. There is also one before and after every call that a fake makes through
 * `TestPipeline.around`.
 *
 * After each crash another process takes over, and the message is delivered again. State, commits, emits and dead
 * letters must equal those of a run without a crash. Fails with `CrashDiverged`, which names the first point after
 * whose crash a result differs.
 *
 * On PGlite each point starts a database, which takes seconds. Keep the scenario small.
 *
 * After a crash the count of attempts starts again, except for attempts that were stored. So a scenario that uses up
 * its attempts may end differently.
 *
 * ```ts
 * import { Context, Effect, Layer, Schema, TxRef } from "effect"
 * import { Memory, Pipeline, Topic } from "millrace"
 * import { TestPipeline } from "millrace/testing"
 *
 * const Payment = Schema.Struct({ id: Schema.String, cents: Schema.Int })
 * const Payments = Topic.make("payments", { schema: Payment, id: (payment) => payment.id })
 * class Balance extends Context.Service<Balance, TxRef.TxRef<number>>()("Balance") {}
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.commit((p) => Balance.use((balance) => TxRef.update(balance, (cents) => cents + p.cents)))
 * )
 *
 * const survives = TestPipeline.crashEverywhere(ledger, {
 *   scenario: (test) => test.publish(Payments, { id: "p1", cents: 5 }),
 *   state: Balance.use(TxRef.get),
 *   layer: Layer.mergeAll(Memory.layer, Layer.effect(Balance, TxRef.make(0)))
 * })
 * const { points, state } = await Effect.runPromise(survives)
 * state // => 5
 * points[0] // => "p1: read, not started"
 * ```
 *
 * @since 0.1.0
 */
export const crashEverywhere = <A, E, R, P extends Pipeline.Phase, E2, R2, S, E3, R3, L, EL, RL>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options: CrashOptions<E, E2, R2, S, E3, R3, L, EL, RL>
): Effect.Effect<
  Survived<S>,
  CrashDiverged | NothingToCrash | NeverStruck | NotDrained | WorkerError | E2 | E3 | EL,
  RL | Exclude<R | Store | Transport | Exclude<R2 | R3, Scope>, L>
> => {
  const { layer, same, scenario, state, ...rest } = options
  const once = (crashAt: number | undefined) => {
    const whole = stagedRun(
      pipeline,
      (test) => Effect.andThen(scenario(test), Effect.andThen(test.drain(), state)),
      rest,
      crashAt
    )
    return Effect.provide(
      Effect.map(whole, ({ points, result, test }) => ({ left: leftBy(result, test), points, test })),
      layer,
      {
        local: true
      }
    )
  }
  const equal = (a: Left<S>, b: Left<S>) =>
    (same ?? Equal.equals)(a.state, b.state) && Equal.equals([a.committed, a.dead, a.emitted], [
      b.committed,
      b.dead,
      b.emitted
    ])
  return Effect.gen(function*() {
    const clean = yield* once(undefined)
    const points = clean.points.length
    if (points === 0) return yield* new NothingToCrash({ consumer: pipeline.consumer })
    const survived: Array<string> = []
    for (let number = 1; number <= points; number++) {
      const crashed = yield* once(number)
      // In real time a run can pass fewer points than the one before it. Then its process did not die, and the run
      // proves nothing.
      const point = crashed.points[number - 1]
      if (point === undefined) continue
      if (!equal(clean.left, crashed.left)) {
        const { story } = crashed.test
        return yield* new CrashDiverged({
          point,
          number,
          points,
          clean: written(clean.left),
          crashed: written(crashed.left),
          story
        })
      }
      survived.push(point)
    }
    return { state: clean.left.state, points: survived }
  })
}

/** Returns what a run left. The results are sorted, since no order is promised across keys. */
const leftBy = <S, E>(state: S, test: Test<E>): Left<S> => ({
  state,
  committed: test.committed.toSorted(),
  dead: test.dead.map(({ id, reason }) => `${id} ${reason}`).toSorted(),
  emitted: [
    ...test.entries.flatMap((entry) =>
      entry._tag === "Emitted" ? [`${entry.message.topic} ${entry.message.id} ${entry.message.payload}`] : []
    ),
    ...delayedIn(test.entries).map(({ message: { id, payload, topic }, name = id }) =>
      `${topic} ${name} ${payload}, later`
    )
  ].toSorted()
})

const written = (left: object): string => {
  try {
    return JSON.stringify(left, (_, value: unknown) =>
      typeof value === "bigint"
        ? String(value)
        : value instanceof Map || value instanceof Set
        ? [...value]
        : value)
  } catch {
    return "(cannot be written as JSON)"
  }
}
