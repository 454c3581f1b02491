/**
 * Concurrency with order: like `Stream.mapEffect`, in order within a key and concurrent across keys.
 *
 * Memory depends on the values in flight (`concurrency` + `buffer`), never on how many keys there are: a key exists only while
 * something of it waits or runs. A slow key does not hold up the others until `buffer` values wait for it.
 * Interruption stops what runs; a failure interrupts the rest and fails the stream.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { KeyedQueue } from "./internal/flow/KeyedQueue.ts"
import { effectOf } from "./internal/HandlerResult.ts"

/**
 * How values are spread over fibers.
 *
 * @since 0.1.0
 */
export interface Options<in A, out K> {
  /** Values of equal keys are handled one after another, in order. */
  readonly key: (value: A) => K
  /** Most values handled at once, each of another key. Default 16. */
  readonly concurrency?: number | undefined
  /** Most values that wait for their turn. Default twice the concurrency. */
  readonly buffer?: number | undefined
}

/**
 * Maps each value with an effect, in order within its key and concurrently across keys. Results come out as they are ready:
 * in order within a key, in no order across keys.
 *
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { KeyedStream } from "millrace"
 *
 * const program = Stream.make({ account: "a", cents: 1 }, { account: "b", cents: 2 }, { account: "a", cents: 3 }).pipe(
 *   KeyedStream.mapEffect((payment) => Effect.succeed(payment.cents), { key: (payment) => payment.account }),
 *   Stream.runCollect
 * )
 * ```
 *
 * @since 0.1.0
 */
export const mapEffect: {
  <A, B, E2, R2, K>(
    f: (value: A) => Effect.Effect<B, E2, R2>,
    options: Options<A, K>
  ): <E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<B, E | E2, R | R2>
  <A, E, R, B, E2, R2, K>(
    self: Stream.Stream<A, E, R>,
    f: (value: A) => Effect.Effect<B, E2, R2>,
    options: Options<A, K>
  ): Stream.Stream<B, E | E2, R | R2>
} = dual(
  3,
  <A, E, R, B, E2, R2, K>(
    self: Stream.Stream<A, E, R>,
    f: (value: A) => Effect.Effect<B, E2, R2>,
    options: Options<A, K>
  ): Stream.Stream<B, E | E2, R | R2> => {
    const concurrency = Math.max(1, options.concurrency ?? 16)
    return Stream.callback<B, E | E2, R | R2>(
      (out) =>
        feed(self, f, { key: options.key, concurrency, buffer: Math.max(1, options.buffer ?? concurrency * 2) }, out),
      { bufferSize: concurrency }
    )
  }
)

const feed = Effect.fnUntraced(function*<A, E, R, B, E2, R2, K>(
  self: Stream.Stream<A, E, R>,
  f: (value: A) => Effect.Effect<B, E2, R2>,
  options: { readonly key: (value: A) => K; readonly concurrency: number; readonly buffer: number },
  out: Queue.Queue<B, E | E2 | Cause.Done>
): Effect.fn.Return<void, E | E2, R | R2 | Scope.Scope> {
  const queue = new KeyedQueue<K, A>()
  const failed = Deferred.makeUnsafe<never, E2>()
  const room = Latch.makeUnsafe(true)
  const idle = Latch.makeUnsafe(true)
  let fibers = 0

  // The look that finds nothing ends its fiber in the same synchronous step: a fiber that still counted after it would keep `accept`
  // from starting another one, and the value would wait for nobody.
  const next = () => {
    const taken = queue.take()
    if (queue.size < options.buffer) room.openUnsafe()
    if (taken === undefined && --fibers === 0) idle.openUnsafe()
    return taken
  }

  // Handles values while any is ready. A fiber takes whatever key is next, so that no key owns a fiber.
  const work = Effect.suspend(() => {
    let taken = next()
    return Effect.whileLoop({
      while: () => taken !== undefined,
      body: () =>
        Effect.flatMap(effectOf(f(taken!.value), "KeyedStream.mapEffect"), (result) => Queue.offer(out, result)),
      step: () => {
        queue.done(taken!.key)
        taken = next()
      }
    })
  })

  // Whatever ends the fiber ends the stream: not all of it passes a handler of the fiber itself.
  const watch = (fiber: Fiber.Fiber<void, E2>) =>
    fiber.addObserver((exit) => {
      if (exit._tag === "Failure") Deferred.doneUnsafe(failed, Exit.failCause(exit.cause))
    })

  const accept = (value: A) =>
    Effect.suspend(() => {
      queue.offer(options.key(value), value)
      if (queue.size >= options.buffer) room.closeUnsafe()
      const start = fibers < options.concurrency && queue.readyKeys > 0
      if (!start) return room.await
      fibers++
      idle.closeUnsafe()
      return Effect.andThen(Effect.map(Effect.forkScoped(work), watch), room.await)
    })

  yield* Stream.runForEach(self, accept).pipe(
    Effect.andThen(idle.await),
    Effect.raceFirst(Deferred.await(failed))
  )
  yield* Queue.end(out)
})
