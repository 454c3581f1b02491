/**
 * Concurrency with order: like `Stream.mapEffect`, in order within a key and concurrent across keys.
 *
 * Memory depends on the values in flight (`concurrency` + `buffer`), never on how many keys there are. A key exists
 * only while a value of it waits or runs. A slow key does not hold up the others until `buffer` values wait for it. An
 * interruption of the stream interrupts all running effects. If an effect fails, the other effects are interrupted and
 * the stream fails.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Capacity } from "./internal/flow/Capacity.ts"
import * as Flow from "./internal/flow/Flow.ts"
import { effectOf } from "./internal/HandlerResult.ts"

/**
 * The options of {@link mapEffect}.
 *
 * @since 0.1.0
 */
export interface Options<in A, out K> {
  /** Returns the key of a value. Values of equal keys are handled one after another, in order. */
  readonly key: (value: A) => K
  /** The most values that are handled at the same time, each of another key. Default 16. */
  readonly concurrency?: number | undefined
  /** The most values that wait for their turn. Default twice the concurrency. */
  readonly buffer?: number | undefined
}

/**
 * Maps each value with an effect, in order within its key and concurrently across keys. The stream emits each result
 * when it is ready: in order within a key, and in no order across keys.
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

/** A value in the flow. */
interface Turn<A, K> extends Flow.Turn<K> {
  readonly value: A
}

const feed = Effect.fnUntraced(function*<A, E, R, B, E2, R2, K>(
  self: Stream.Stream<A, E, R>,
  f: (value: A) => Effect.Effect<B, E2, R2>,
  options: { readonly key: (value: A) => K; readonly concurrency: number; readonly buffer: number },
  out: Queue.Queue<B, E | E2 | Cause.Done>
): Effect.fn.Return<void, E | E2, R | R2 | Scope.Scope> {
  const { buffer, concurrency, key } = options
  const capacity = new Capacity({ messages: concurrency + buffer, bytes: Infinity })
  const flow = new Flow.Flow<K, Turn<A, K>, E | E2>({ concurrency }, capacity)
  const { changed } = capacity
  // This finalizer is added last, so it runs first. It stops starting turns, and then interrupts the running ones.
  yield* Effect.addFinalizer(() =>
    Effect.andThen(Effect.sync(() => flow.beginStop()), flow.withdraw(flow.running.keys()))
  )

  const accept = (value: A) => {
    flow.offer({ key: key(value), bytes: 0, value })
    flow.wake()
    return whileFull
  }
  const whileFull: Effect.Effect<void> = Effect.suspend(() => {
    if (flow.waiting < buffer) return Effect.void
    changed.closeUnsafe()
    return Effect.andThen(changed.await, whileFull)
  })
  const reading = yield* Effect.forkScoped(
    Effect.andThen(Stream.runForEach(self, (value) => Effect.suspend(() => accept(value))), flow.empty)
  )
  // If user code returns a value that is no Effect, the fiber ends without running the handlers inside of it. Only an
  // observer sees that end.
  reading.addObserver((exit) => flow.finish(exit))

  // The fibers inherit the context of the stream's fiber, which has the services that the effects require.
  const work = ({ value }: Turn<A, K>): Flow.Work<E | E2> => ({
    run: Effect.flatMap(
      Effect.suspend(() => effectOf(f(value), "KeyedStream.mapEffect")),
      (result) => Effect.asVoid(Queue.offer(out, result))
    ) as Effect.Effect<void, E2>,
    resume: (cause) => {
      flow.finish(Exit.failCause(cause))
      return undefined
    }
  })
  yield* Stream.runForEachArray(Stream.fromPull(Effect.succeed(flow.turns)), flow.start({ work }))
  yield* Queue.end(out)
})
