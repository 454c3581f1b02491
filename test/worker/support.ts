// Shared by the worker tests: a worker in a fiber, waiting without sleeping, and a record of what handlers saw.
import { assert } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import {
  type DeadLetter,
  DeadLetters,
  type Delivery,
  Memory,
  Pipeline,
  Retry,
  Store,
  Topic,
  Transport,
  Worker
} from "millrace"

type Ports = Store.Store | Transport.Transport

/** The topic of most tests: order per account, and an id that says key and number. */
export const Orders = Topic.make("orders", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, n: Schema.Int }),
  key: (order) => order.account,
  id: (order) => order.id
})
export type Order = (typeof Orders)["schema"]["Type"]
export const order = (account: string, n: number): Order => ({ id: `${account}${n}`, account, n })
export const orders = (account: string, count: number): ReadonlyArray<Order> =>
  Array.from({ length: count }, (_, i) => order(account, i + 1))

/** The error of a handler in these tests. */
export class Declined extends Schema.TaggedError<Declined>()("Declined", { reason: Schema.String }) {
  override get message() {
    return `declined: ${this.reason}`
  }
}

/** Lets every fiber run that can, without any time passing. */
export const runReadyFibers: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 150 }).pipe(Effect.asVoid)

/** Waits until something is so, without any time passing. */
export const until = (what: string, condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let i = 0; i < 20_000 && !condition(); i++) yield* Effect.yieldNow
    assert.isTrue(condition(), `still not so: ${what}`)
  })

/** Lets time pass, in steps of 100 ms or of a hundredth of what it may take, until something is so. */
export const eventually = (what: string, condition: () => boolean, within = 60_000): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* runReadyFibers
    const step = Math.max(100, within / 100)
    for (let passed = 0; passed < within && !condition(); passed += step) {
      yield* TestClock.adjust(step)
      yield* runReadyFibers
    }
    assert.isTrue(condition(), `not so within ${within} ms: ${what}`)
  })

/**
 * A running worker. Without a grace of its own it stops at once, so that a test that fails does not wait for the clock.
 */
export const start = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: Worker.WorkerOptions
) => Effect.forkChild(Worker.run(pipeline, { grace: 0, ...options }), { startImmediately: true })

/** Stops a worker as SIGTERM does, and lets the time pass that it needs for that. */
export const stop = Effect.fnUntraced(function*<A, E>(worker: Fiber.Fiber<A, E>) {
  const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
  yield* eventually("the worker has stopped", () => stopping.pollUnsafe() !== undefined)
})

/** Processes the queue, and lets the time pass that this needs. */
export const drain = Effect.fnUntraced(function*<A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: Worker.WorkerOptions
) {
  const worker = yield* Effect.forkChild(Worker.drain(pipeline, { idlePoll: "100 millis", grace: 0, ...options }), {
    startImmediately: true
  })
  yield* eventually("nothing is left", () => worker.pollUnsafe() !== undefined)
  return yield* Fiber.join(worker)
})

/** The deliveries that handlers saw, in order. */
export class Journal<A> {
  readonly entries: Array<{ readonly value: A; readonly context: Delivery.DeliveryContext }> = []

  readonly write = (value: A, context: Delivery.DeliveryContext): Effect.Effect<void> =>
    Effect.sync(() => {
      this.entries.push({ value, context })
    })

  get values(): ReadonlyArray<A> {
    return this.entries.map((entry) => entry.value)
  }

  get attempts(): ReadonlyArray<number> {
    return this.entries.map((entry) => entry.context.attempt)
  }

  get size(): number {
    return this.entries.length
  }
}

/** The dead letters of a consumer, in any state, oldest first. */
export const deadLetters = (
  consumer: string
): Effect.Effect<ReadonlyArray<DeadLetter.DeadLetter>, never, Store.Store> =>
  Effect.map(Effect.orDie(DeadLetters.list({ consumer })), (found) => found.toReversed())

/** Publishes, failing the test if that fails. */
export const publish = <S extends Schema.Constraint>(
  topic: Topic.Topic<string, S>,
  values: ReadonlyArray<S["Type"]>
): Effect.Effect<ReadonlyArray<string>, never, Ports | S["EncodingServices"]> =>
  Effect.orDie(Topic.publishAll(topic, values))

/** The memory adapter with some of its ports' methods replaced, to break what a test wants to see broken. */
export const ports = (change: {
  readonly store?: (store: Store.Store["Service"]) => Partial<Store.Store["Service"]>
  readonly transport?: (transport: Transport.Transport["Service"]) => Partial<Transport.Transport["Service"]>
  readonly subscription?: (
    subscription: Transport.Subscription,
    spec: Transport.SubscriptionSpec
  ) => Partial<Transport.Subscription>
}): Layer.Layer<Ports> =>
  Layer.effectContext(Effect.gen(function*() {
    const store = yield* Store.Store
    const transport = yield* Transport.Transport
    const open: typeof transport.open = (spec) =>
      Effect.map(transport.open(spec), (subscription) => ({
        ...subscription,
        ...change.subscription?.(subscription, spec)
      }))
    return Context.make(Store.Store, { ...store, ...change.store?.(store) }).pipe(
      Context.add(Transport.Transport, { ...transport, open, ...change.transport?.(transport) })
    )
  })).pipe(Layer.provide(Memory.layer))

type Transact = Store.Store["Service"]["transact"]
type Body = Effect.Effect<unknown, unknown, Store.Transaction>
type Answer = Effect.Effect<unknown, unknown>

/**
 * Memory with groups, whose committers' transactions go through `commit`. Savepoints take back what was staged, so
 * outgoing messages, dead letters and the inbox show what a transaction did.
 */
export const groups = (
  commit: (body: Body, transact: (body: Body) => Answer) => Answer,
  maxGroup = 250
): Layer.Layer<Store.Store | Transport.Transport> =>
  ports({
    store: (inner) => ({
      maxGroup,
      transact: ((body: Body) =>
        Effect.flatMap(Store.WorkerTransaction, (committer) =>
          committer === undefined || committer === "separate"
            ? inner.transact(body) as Answer
            : commit(body, (inside) => inner.transact(inside) as Answer))) as unknown as Transact
    })
  })

export const Receipts = Topic.make("receipts", {
  schema: Schema.Struct({ of: Schema.String }),
  key: (receipt) => receipt.of
})

/** Emits a receipt a message, which only a commit makes visible. */
export const emitting = (
  step: (one: Order, attempt: number) => Effect.Effect<unknown, unknown> = () => Effect.void
) => {
  const stepped = new Journal<Order>()
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap(stepped.write),
    Pipeline.emit(Receipts, (one) => ({ of: one.id })),
    Pipeline.commit((one, { attempt }) => step(one, attempt)),
    Pipeline.retry(Retry.exponential("100 millis", { attempts: 2, jitter: false }))
  )
  return { pipeline, stepped }
}

export const receipts = Effect.fnUntraced(function*() {
  const found = new Journal<{ readonly of: string }>()
  yield* drain(Pipeline.from(Receipts, { consumer: "auditor" }).pipe(Pipeline.tap(found.write)))
  return found.values.map((one) => one.of)
})
