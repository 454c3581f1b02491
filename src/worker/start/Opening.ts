/**
 * Opens a worker's subscription, at the start and again after a subscription was lost. If the store is unavailable for
 * a while, a starting worker waits, as a running worker does (`Fetcher.ts`). Meanwhile `Health.ts` shows the worker as
 * one whose reads fail.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { StoreFailure, TransportError } from "../../Errors.ts"
import * as Health from "../../Health.ts"
import * as Backoff from "../../internal/Backoff.ts"
import * as FailingSince from "../observe/FailingSince.ts"
import type { Settings } from "./Settings.ts"

/**
 * Runs an effect again until it succeeds, or fails with an error that does not pass by itself. The effect must be safe
 * to repeat.
 */
export type Patiently = <A, E extends { readonly _tag: string; readonly message: string }, R>(
  step: Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R>

const passes = (error: unknown): boolean =>
  error instanceof TransportError
    ? error.kind === "temporary"
    : error instanceof StoreFailure && error.kind !== "refused"

/**
 * Runs a step in a scope of its own, which closes at once if the step fails. So an attempt that is repeated leaves no
 * fiber and no finalizer behind.
 */
export const whole = <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | Scope.Scope> =>
  Effect.gen(function*() {
    const own = yield* Scope.fork(yield* Effect.scope)
    return yield* Effect.onExit(
      Scope.provide(step, own),
      (exit) => Exit.isSuccess(exit) ? Effect.void : Scope.close(own, exit)
    )
  })

/**
 * Runs `steps`, which open a worker's subscription, and returns their result. While they run, the worker is listed in
 * `Health.Workers`. `steps` gets the function that repeats an effect until it succeeds.
 */
export const run = <A, E, R>(
  { consumer, settings }: { readonly consumer: string; readonly settings: Pick<Settings, "leaseMillis"> },
  steps: (patiently: Patiently) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const workers = yield* Health.Workers
    const clock = yield* Clock.Clock
    const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    let failing: FailingSince.FailingSince | undefined
    const state: Health.WorkerState = {
      consumer,
      leaseMillis: settings.leaseMillis,
      left: () => Infinity,
      stopping: () => false,
      failing: FailingSince.report(now, { read: () => failing }),
      stranded: () => false,
      queue: () => undefined
    }
    const again = (tries: number): Patiently => (step) =>
      Effect.catch(step, (error) => {
        if (!passes(error)) return Effect.fail(error)
        failing = FailingSince.more(failing, now(), error.message)
        return Effect.logWarning(`The worker has not started yet; it is tried again. ${error.message}`).pipe(
          Effect.annotateLogs({ consumer }),
          Effect.andThen(Backoff.pause(tries, { first: 50, cap: 5000 })),
          Effect.andThen(Effect.suspend(() => again(tries + 1)(step)))
        )
      })
    return yield* Effect.acquireUseRelease(
      Effect.sync(() => workers.add(state)),
      () => steps(again(0)),
      () => Effect.sync(() => workers.delete(state))
    )
  })
