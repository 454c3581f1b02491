/** `Inbox.once` and `Inbox.await` with a store that fails. The conformance suite has their other guarantees. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Inbox, Memory, Store } from "millrace"
import * as Faults from "../faults/Faults.ts"

const key = { consumer: "api", id: "k" }
const result = Schema.Int

/** Counts its runs, and says how many of them were committed. */
const counted = () => {
  let runs = 0
  return { effect: Effect.sync(() => ++runs), runs: () => runs }
}

const on = (
  faults: ReadonlyArray<Faults.Fault>,
  store: (inner: Store.Store["Service"]) => Partial<Store.Store["Service"]> = () => ({})
) =>
  Faults.layer({ faults }).pipe(
    Layer.provide(Layer.effect(Store.Store, Effect.map(Store.Store, (inner) => ({ ...inner, ...store(inner) })))),
    Layer.provideMerge(Layer.fresh(Memory.layer))
  )

/** Lets so much time pass that every repetition has had its turn. */
const later = <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.andThen(TestClock.adjust("1 minute"), Fiber.join(fiber))

const asking = <A, E, R>(ask: Effect.Effect<A, E, R>) => Effect.flatMap(Effect.forkChild(ask), later)

it.effect("asks the inbox when the answer to COMMIT was lost: what had happened is not done again", () =>
  Effect.gen(function*() {
    const { effect, runs } = counted()
    assert.strictEqual(yield* asking(Inbox.once(key, effect, { result, whileBusy: "refuse" })), 1)
    assert.strictEqual(runs(), 1)
  }).pipe(Effect.provide(on([{ at: "transact.after", action: { _tag: "Fail" } }]))))

it.effect("runs again after a transient failure, which had committed nothing", () =>
  Effect.gen(function*() {
    const { effect, runs } = counted()
    assert.strictEqual(yield* asking(Inbox.once(key, effect, { result })), 2)
    assert.strictEqual(yield* asking(Inbox.once(key, effect, { result })), 2)
    assert.strictEqual(runs(), 2)
  }).pipe(Effect.provide(on([
    { at: "transact.before", action: { _tag: "Fail" } },
    { at: "transact.ended", action: { _tag: "Fail" } }
  ]))))

it.effect("repeats a transient failure ten times at most, then says what it was", () =>
  Effect.gen(function*() {
    const { effect, runs } = counted()
    const error = yield* asking(Effect.flip(Inbox.once(key, effect, { result })))
    assert.strictEqual(error._tag, "TransientFailure")
    assert.strictEqual(runs(), 11)
  }).pipe(Effect.provide(on([{ at: "transact.ended", action: { _tag: "Fail" }, always: true }]))))

it.effect("waits for a store that is away no longer than its timeout", () =>
  Effect.gen(function*() {
    const asked = yield* Effect.forkChild(
      Effect.flip(Inbox.once(key, Effect.die("it ran"), { result, timeout: "2 seconds" }))
    )
    yield* TestClock.adjust("3500 millis")
    assert.strictEqual((yield* Fiber.join(asked))._tag, "TransientFailure")
  }).pipe(Effect.provide(on([], (inner) => ({
    transact: () =>
      Effect.andThen(
        Effect.sleep("900 millis"),
        Effect.fail(new Errors.TransientFailure({ kind: "unavailable", code: "", detail: "" }))
      ),
    engine: inner.engine
  })))))

it.effect.each(["wait", "refuse"] as const)(
  "names no other caller who is in the way when it only had to wait for a connection: %s",
  (whileBusy) =>
    Effect.gen(function*() {
      const asked = Inbox.once(key, Effect.succeed(1), { result, whileBusy, timeout: "10 seconds" })
      assert.strictEqual(yield* asking(asked), 1)
    }).pipe(Effect.provide(on([], (inner) => ({
      transact: (body) => Effect.andThen(Effect.sleep("15 seconds"), inner.transact(body)),
      inbox: {
        ...inner.inbox,
        claimOnce: (...all) => Effect.andThen(Effect.sleep("10 millis"), inner.inbox.claimOnce(...all))
      }
    }))))
)

it.effect("waits for another caller for its whole timeout, from when its transaction began", () =>
  Effect.gen(function*() {
    const asked = yield* Effect.forkChild(
      Effect.flip(Inbox.once(key, Effect.die("it ran"), { result, timeout: "10 seconds" }))
    )
    yield* TestClock.adjust("24900 millis")
    assert.isUndefined(asked.pollUnsafe())
    yield* TestClock.adjust("200 millis")
    assert.strictEqual((yield* Fiber.join(asked))._tag, "InProgress")
  }).pipe(Effect.provide(on([], (inner) => ({
    transact: (body) => Effect.andThen(Effect.sleep("15 seconds"), inner.transact(body)),
    inbox: { ...inner.inbox, claimOnce: () => Effect.never }
  })))))

it.effect("never says that nothing was committed while a COMMIT of its own is not settled", () =>
  Effect.gen(function*() {
    const error = yield* asking(Effect.flip(Inbox.once(key, Effect.succeed(1), { result })))
    assert.strictEqual(error._tag, "UnknownOutcome")
  }).pipe(Effect.provide(on([
    { at: "transact.after", action: { _tag: "Fail" } },
    { at: "transact.before", nth: 2, action: { _tag: "Fail" }, always: true }
  ]))))

it.effect("waits for a COMMIT of its own that is not settled, though it would refuse to wait for another caller", () => {
  let asked = 0
  const slow = (inner: Store.Store["Service"]): Partial<Store.Store["Service"]> => ({
    inbox: {
      ...inner.inbox,
      // The first transaction holds the id, until the server has noticed that its client is gone.
      claimOnce: (...all) => ++asked === 2 ? Effect.succeed({ _tag: "Busy" }) : inner.inbox.claimOnce(...all)
    }
  })
  return Effect.gen(function*() {
    assert.strictEqual(yield* asking(Inbox.once(key, Effect.succeed(1), { result, whileBusy: "refuse" })), 1)
    assert.strictEqual(asked, 3)
  }).pipe(Effect.provide(on([{ at: "transact.after", action: { _tag: "Fail" } }], slow)))
})

it.effect("does not repeat within an ambient transaction", () =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    const { effect, runs } = counted()
    const transientFailure = Effect.andThen(
      effect,
      Effect.fail(new Errors.TransientFailure({ kind: "conflict", code: "40001", detail: "" }))
    )
    const inner = {
      ...store,
      transact: <A, E, R>(body: Effect.Effect<A, E, R>) => store.transact(Effect.andThen(body, transientFailure))
    }
    const asked = Effect.provideService(Inbox.once(key, Effect.succeed(1), { result }), Store.Store, inner)
    assert.strictEqual((yield* Effect.flip(store.transact(asked)))._tag, "TransientFailure")
    assert.strictEqual(runs(), 1)
    assert.strictEqual((yield* asking(Effect.flip(asked)))._tag, "TransientFailure")
    assert.strictEqual(runs(), 12)
  }).pipe(Effect.provide(Memory.layer)))

it.effect("keeps an error of the effect's own apart from the store's, though it has the same tag", () =>
  Effect.gen(function*() {
    const { effect, runs } = counted()
    const own = new Errors.TransientFailure({ kind: "conflict", code: "", detail: "mine" })
    assert.strictEqual(yield* Effect.flip(Inbox.once(key, Effect.andThen(effect, Effect.fail(own)), { result })), own)
    assert.strictEqual(runs(), 1)
  }).pipe(Effect.provide(Memory.layer)))

it.effect("keeps waiting while the store is away, and fails with its failure at the timeout", () =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    const away = (kind: "unavailable" | "refused") => ({
      ...store,
      inbox: {
        ...store.inbox,
        lookup: () => Effect.fail(new Errors.StoreFailure({ operation: "look", kind, code: "", detail: "", hint: "" }))
      }
    })
    const waiting = (kind: "unavailable" | "refused") =>
      Effect.provideService(Effect.flip(Inbox.await(key, { timeout: "1 minute" })), Store.Store, away(kind))
    const fiber = yield* Effect.forkChild(waiting("unavailable"))
    yield* TestClock.adjust("59 seconds")
    assert.isUndefined(fiber.pollUnsafe())
    yield* TestClock.adjust("1 second")
    assert.strictEqual((yield* Fiber.join(fiber))._tag, "StoreFailure")
    assert.strictEqual((yield* waiting("refused"))._tag, "StoreFailure")
  }).pipe(Effect.provide(Memory.layer)))

it.effect("looks every second at most, however long it waits", () =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    let looks = 0
    const inbox = { ...store.inbox, lookup: () => Effect.sync(() => void looks++) }
    const fiber = yield* Effect.forkChild(
      Effect.provideService(Effect.flip(Inbox.await(key, { timeout: "100 seconds" })), Store.Store, { ...store, inbox })
    )
    yield* TestClock.adjust("100 seconds")
    yield* Fiber.join(fiber)
    assert.isAtLeast(looks, 100)
    assert.isAtMost(looks, 107)
  }).pipe(Effect.provide(Memory.layer)))
