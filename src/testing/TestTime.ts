/**
 * Lets time pass for a worker under test. Time is virtual where the engine uses Effect's Clock, and real where the
 * engine has a clock of its own.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { StoreFailure } from "../Errors.ts"
import type { Store } from "../Store.ts"
import type { Tape } from "./Tape.ts"
import type { Stage } from "./WorkerLife.ts"

/**
 * Runs an effect in virtual time, or in real time if `live`. Real time is for engines that have a clock of their own.
 */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>, live: boolean): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    const clock = fiber.getRef(Clock.Clock)
    const virtual = "adjust" in clock
    if (virtual) return live ? TestClock.withLive(effect) : effect
    return live ? effect : Effect.provide(effect, TestClock.layer())
  })

/** How time passes for the worker. */
export interface Time {
  /**
   * Lets the worker do everything that it can without time passing. Where time is real, this takes `most` milliseconds
   * at most.
   */
  readonly runReadyWithin: (most: number) => Effect.Effect<void>
  /** Returns how many messages can be processed that are not on the tape yet. */
  readonly unread: Effect.Effect<number, StoreFailure>
  readonly pass: (millis: number) => Effect.Effect<void>
  /** Returns how much time to let pass when no due time is known, the n-th time in a row. */
  readonly step: (n: number) => number
  readonly patience: Duration.Input
}

/**
 * Returns virtual time. Settling continues while something happens, and for some quiet rounds more. In each round every
 * fiber that can run gets its turn.
 */
export const virtualTime = (tape: Tape): Time => ({
  runReadyWithin: () =>
    Effect.suspend(() => {
      let calm = 0
      let turns = 0
      let before = tape.activity
      return Effect.whileLoop({
        // Steps that fail and are retried without any delay would never end, so the rounds have a limit.
        while: () => calm < 150 && turns++ < 20_000,
        body: () => Effect.yieldNow,
        step: () => {
          calm = tape.activity === before ? calm + 1 : 0
          before = tape.activity
        }
      })
    }),
  // In virtual time the worker reads every message in `runReadyWithin`, so none is missing on the tape.
  unread: Effect.succeed(0),
  pass: TestClock.adjust,
  step: (n) => Math.min(60_000, 1000 * 2 ** n),
  patience: "1 hour"
})

export const realTime = ({ consumer, tape }: Stage, store: Store["Service"]): Time => ({
  runReadyWithin: (most) =>
    Effect.suspend(() => {
      const until = tape.now + most
      return Effect.whileLoop({
        while: () => tape.busy && tape.now < until,
        body: () => Effect.sleep(5),
        step: () => {}
      })
    }),
  // The run does not see the emits of another run's pipeline, or of a trigger, until its worker has read them.
  unread: Effect.map(store.consumers.status(consumer), ({ paused, waiting }) => paused ? 0 : waiting),
  pass: Effect.sleep,
  step: () => 10,
  patience: "30 seconds"
})
