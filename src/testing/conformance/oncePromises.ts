/**
 * Promises of the inbox to callers without a pipeline. There is one effect per id, every caller gets its first result,
 * and a failure leaves no record. A caller that waits for an id gets the result of that id.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Inbox from "../../Inbox.ts"
import { Store } from "../../Store.ts"
import { bench, fresh, ids, makeMessage, needsTwoTransactions, type Options, type Tests } from "./kit.ts"

const Receipt = Schema.Struct({ n: Schema.Int, at: Schema.DateTimeUtcFromMillis })
const result = Schema.Struct({ n: Schema.Int })

/**
 * Returns an effect that counts its runs and publishes a message. The published messages show which runs were
 * committed.
 */
const counted = (topic: string) => {
  let runs = 0
  const effect = Effect.gen(function*() {
    const store = yield* Store
    runs++
    yield* store.outbox.write([yield* Effect.orDie(makeMessage({ topic, id: `run-${runs}` }))])
    return { n: runs }
  })
  return { effect, runs: () => runs }
}

/** Registers the promises to callers of one id, one after the other. */
const replays = (it: Tests, options: Options) => {
  it.effect("runs an effect once for an id, and gives its first result to every caller", () =>
    Effect.gen(function*() {
      const { nothing, open, receive, topic } = yield* bench(options)
      const { effect, runs } = counted(topic)
      const key = { consumer: fresh("api"), id: "k" }
      const ask = Inbox.once(key, effect, { result })
      assert.deepStrictEqual([yield* ask, yield* ask, yield* ask], [{ n: 1 }, { n: 1 }, { n: 1 }])
      assert.strictEqual(runs(), 1)
      const subscription = yield* open()
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["run-1"])
      yield* nothing(subscription)
      assert.deepStrictEqual(yield* Inbox.once({ ...key, id: "other" }, effect, { result }), { n: 2 })
      assert.deepStrictEqual(yield* Inbox.once({ ...key, consumer: fresh("api") }, effect, { result }), { n: 3 })
    }))

  it.effect("keeps its names out of the list of consumers: they have no queue", () =>
    Effect.gen(function*() {
      const { store } = yield* bench(options)
      const consumer = fresh("api")
      yield* Inbox.once({ consumer, id: "k" }, Effect.succeed({ n: 1 }), { result })
      assert.notInclude((yield* store.consumers.list).map((one) => one.consumer), consumer)
      const action = { by: "ann" }
      const { get, pause, pauseKey, remove } = store.consumers
      const asked: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        get(consumer),
        pause(consumer, action),
        pauseKey(consumer, "k", action),
        remove(consumer, action)
      ]
      for (const one of asked) assert.strictEqual((yield* Effect.flip(one))._tag, "ConsumerNotFound")
    }))

  it.effect("gives a stored result back as the value it was, nothing and unstorable characters included", () =>
    Effect.gen(function*() {
      const consumer = fresh("api")
      const twice = <S extends Schema.Codec<unknown>>(id: string, schema: S, value: S["Type"]) => {
        const ask = Inbox.once({ consumer, id }, Effect.succeed(value), { result: schema })
        return Effect.all([ask, ask])
      }
      const receipt = Receipt.make({
        n: 1,
        at: yield* Effect.orDie(Schema.decodeEffect(Receipt.fields.at)(86_400_000))
      })
      assert.deepStrictEqual(yield* twice("receipt", Receipt as Schema.Codec<unknown>, receipt), [receipt, receipt])
      assert.deepStrictEqual(yield* twice("nothing", Schema.Void as Schema.Codec<unknown>, undefined), [
        undefined,
        undefined
      ])
      assert.deepStrictEqual(yield* twice("text", Schema.String, "a\0b"), ["a\0b", "a\0b"])
    }))

  it.effect("refuses the same id with other content, and runs nothing", () =>
    Effect.gen(function*() {
      const { topic } = yield* bench(options)
      const { effect, runs } = counted(topic)
      const consumer = fresh("api")
      const ask = (payload: Inbox.OnceKey["payload"]) => Inbox.once({ consumer, id: "k", payload }, effect, { result })
      yield* ask({ cents: 1, to: "anna" })
      assert.deepStrictEqual(yield* ask({ to: "anna", cents: 1 }), { n: 1 })
      const other = yield* Effect.flip(ask({ cents: 2, to: "anna" }))
      assert.deepInclude(other, { _tag: "IdempotencyConflict", consumer, id: "k" })
      assert.strictEqual((yield* Effect.flip(ask(undefined)))._tag, "IdempotencyConflict")
      assert.strictEqual(runs(), 1)
    }))

  it.effect("remembers nothing of an effect that failed, and lets its own error out", () =>
    Effect.gen(function*() {
      const { nothing, open, receive, topic } = yield* bench(options)
      const { effect } = counted(topic)
      const key = { consumer: fresh("api"), id: "k" }
      const failing = Effect.andThen(effect, Effect.fail("declined" as const))
      assert.strictEqual(yield* Effect.flip(Inbox.once(key, failing, { result })), "declined")
      const defect = Effect.andThen(effect, Effect.die("a bug"))
      assert.strictEqual((yield* Effect.exit(Inbox.once(key, defect, { result })))._tag, "Failure")
      const subscription = yield* open()
      yield* nothing(subscription)
      assert.deepStrictEqual(yield* Inbox.once(key, effect, { result }), { n: 3 })
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["run-3"])
    }))

  it.effect("joins the ambient transaction: known with its commit, and not at all with its rollback", () =>
    Effect.gen(function*() {
      const { nothing, open, store, topic } = yield* bench(options)
      const { effect } = counted(topic)
      const key = { consumer: fresh("api"), id: "k" }
      const ask = Inbox.once(key, effect, { result })
      yield* Effect.flip(store.transact(Effect.andThen(ask, Effect.fail("no" as const))))
      yield* nothing(yield* open())
      // Within one transaction, the second call finds the result of the first, although nothing is committed yet.
      assert.deepStrictEqual(yield* store.transact(Effect.all([ask, ask])), [{ n: 2 }, { n: 2 }])
      assert.deepStrictEqual(yield* ask, { n: 2 })
      assert.deepStrictEqual(yield* Inbox.await(key), { _tag: "Committed" })
    }))
}

/** Registers the promises about results that cannot be stored or read again, and about names and ids. */
const limits = (it: Tests, options: Options) => {
  it.effect("says that a stored result does not decode with a changed schema, and keeps it", () =>
    Effect.gen(function*() {
      const consumer = fresh("api")
      const ask = <S extends Schema.Codec<unknown>>(schema: S, value: S["Type"]) =>
        Inbox.once({ consumer, id: "k" }, Effect.succeed(value), { result: schema })
      yield* ask(result as Schema.Codec<unknown>, { n: 1 })
      const error = yield* Effect.flip(ask(Schema.String, "changed"))
      assert.deepInclude(error, { _tag: "ResultUnavailable", consumer, id: "k", reason: "undecodable" })
      assert.deepStrictEqual(yield* ask(result as Schema.Codec<unknown>, { n: 2 }), { n: 1 })
    }))

  it.effect("refuses a result that is too large or not what its schema says, and rolls back", () =>
    Effect.gen(function*() {
      const { nothing, open, topic } = yield* bench(options)
      const { effect } = counted(topic)
      const consumer = fresh("api")
      const ask = (value: string) =>
        Inbox.once({ consumer, id: "k" }, Effect.as(effect, value), { result: Schema.NonEmptyString })
      const large = yield* Effect.flip(Effect.asVoid(ask("x".repeat(1_048_576))))
      assert.strictEqual(large._tag, "ResultRefused")
      assert.include(large.message, "1048576")
      assert.strictEqual((yield* Effect.flip(ask("")))._tag, "ResultRefused")
      yield* nothing(yield* open())
      assert.strictEqual(yield* ask("fits"), "fits")
    }))

  it.effect("refuses names and ids that cannot be kept, before anything runs", () =>
    Effect.gen(function*() {
      const ask = (consumer: string, id: string) =>
        Inbox.once({ consumer, id }, Effect.die("it ran"), { result: Schema.Void })
      assert.strictEqual((yield* Effect.flip(ask("no such name", "k")))._tag, "InvalidName")
      for (const id of ["", "nul\0", "x".repeat(513), "\ud800"]) {
        assert.strictEqual((yield* Effect.flip(ask("api", id)))._tag, "InvalidId")
      }
    }))

  it.effect("has no result for an id that a pipeline committed", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      yield* store.transact(store.inbox.claim(consumer, [{ id: "k", fingerprint: emptyPrint }]))
      const error = yield* Effect.flip(Inbox.once({ consumer, id: "k" }, Effect.die("it ran"), { result }))
      assert.deepInclude(error, { _tag: "ResultUnavailable", reason: "none" })
    }))

  it.effect("leaves the name free for a worker that comes later, with lanes and order of its own", () =>
    Effect.gen(function*() {
      const { open, publish, receive, store, topic } = yield* bench(options)
      const consumer = fresh("consumer")
      yield* Inbox.once({ consumer, id: "k" }, Effect.succeed({ n: 1 }), { result })
      yield* store.consumers.register({ consumer, topics: [topic], lanes: 4, order: "park" })
      const other = { consumer, topics: [topic], lanes: 8, order: "park" } as const
      assert.strictEqual((yield* Effect.flip(store.consumers.register(other)))._tag, "ConsumerConflict")
      yield* publish([{ id: "m" }])
      assert.deepStrictEqual(ids(yield* receive(yield* open({ consumer }), 1)), ["m"])
      assert.deepStrictEqual(yield* store.transact(store.inbox.claim(consumer, [{ id: "k", fingerprint: "" }])), [
        "conflict"
      ])
    }))
}

/** The fingerprint that the inbox stores for a call of `Inbox.once` without a payload: the hash of the empty text. */
const emptyPrint = "e3b0c44298fc1c149afbf4c8996fb924"

/** Starts a first caller, whose effect runs until the test ends it. */
const atWork = Effect.fnUntraced(function*(key: Inbox.OnceKey) {
  const [begun, end] = [yield* Deferred.make<void>(), yield* Deferred.make<{ readonly n: number }, "declined">()]
  const effect = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(end))
  const first = yield* Effect.forkChild(Effect.exit(Inbox.once(key, effect, { result })))
  yield* Deferred.await(begun)
  return { end, first }
})

/** Registers the promises to callers of one id at the same time. */
const concurrent = (it: Tests, options: Options) => {
  it.effect("has one effect for many callers at once, and one result for all of them", () =>
    Effect.gen(function*() {
      const { topic } = yield* bench(options)
      const { effect, runs } = counted(topic)
      const key = { consumer: fresh("api"), id: "k" }
      const callers = yield* Effect.forkChild(
        Effect.all(Array.from({ length: 6 }, () => Inbox.once(key, effect, { result })), { concurrency: "unbounded" })
      )
      yield* options.elapse(Duration.millis(200))
      assert.deepStrictEqual(yield* Fiber.join(callers), Array.from({ length: 6 }, () => ({ n: 1 })))
      assert.strictEqual(runs(), 1)
    }))

  for (const end of ["commits", "fails", "is interrupted"] as const) {
    const expected = end === "commits" ? { n: 1 } : { n: 2 }
    it.effect(`waits for the first caller, and ${end === "commits" ? "gets its result" : "runs"} when it ${end}`, () =>
      Effect.gen(function*() {
        const key = { consumer: fresh("api"), id: "k" }
        const first = yield* atWork(key)
        const second = yield* Effect.forkChild(Inbox.once(key, Effect.succeed({ n: 2 }), { result }))
        yield* options.elapse(Duration.millis(50))
        assert.isUndefined(second.pollUnsafe())
        if (end === "commits") yield* Deferred.succeed(first.end, { n: 1 })
        else if (end === "fails") yield* Deferred.fail(first.end, "declined")
        else yield* Fiber.interrupt(first.first)
        yield* options.elapse(Duration.millis(200))
        assert.deepStrictEqual(yield* Fiber.join(second), expected)
      }))
  }

  it.effect("refuses a second caller while the first is at work, or when it has waited long enough", (context) =>
    Effect.gen(function*() {
      yield* needsTwoTransactions(context, options)
      const key = { consumer: fresh("api"), id: "k" }
      const first = yield* atWork(key)
      const ask = (change: Partial<Inbox.OnceOptions<typeof result>>) =>
        Effect.flip(Inbox.once(key, Effect.die("it ran"), { result, ...change }))
      assert.deepInclude(yield* ask({ whileBusy: "refuse" }), { _tag: "InProgress", consumer: key.consumer, id: "k" })
      const patient = yield* Effect.forkChild(ask({ timeout: "1 second" }))
      yield* options.elapse(Duration.millis(50))
      assert.isUndefined(patient.pollUnsafe())
      yield* options.elapse(Duration.millis(1200))
      assert.strictEqual((yield* Fiber.join(patient))._tag, "InProgress")
      yield* Deferred.succeed(first.end, { n: 1 })
      yield* Fiber.join(first.first)
      assert.deepStrictEqual(
        yield* Inbox.once(key, Effect.die("it ran"), { result, whileBusy: "refuse" }),
        { n: 1 }
      )
    }))
}

/** Registers the promises about waiting for a message. */
const waiting = (it: Tests, options: Options) => {
  it.effect("tells who waits for an id that it is committed, woken by the commit", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      const waiter = yield* Effect.forkChild(Inbox.await({ consumer, id: "m" }), { startImmediately: true })
      yield* options.elapse(Duration.millis(10))
      assert.isUndefined(waiter.pollUnsafe())
      yield* Effect.flip(store.transact(
        Effect.andThen(store.inbox.claim(consumer, [{ id: "m", fingerprint: "f" }]), Effect.fail("rolled back"))
      ))
      yield* store.transact(store.inbox.claim(consumer, [{ id: "m", fingerprint: "f" }]))
      assert.deepStrictEqual(yield* Fiber.join(waiter), { _tag: "Committed" })
      assert.deepStrictEqual(yield* Inbox.await({ consumer, id: "m" }), { _tag: "Committed" })
    }))

  it.effect("tells who waits for an id that it is dead, with its dead letter", () =>
    Effect.gen(function*() {
      const { consumer, open, publish, receive, store } = yield* bench(options)
      yield* publish([{ id: "m" }])
      const subscription = yield* open()
      const [delivery] = yield* receive(subscription, 1)
      const waiter = yield* Effect.forkChild(Inbox.await({ consumer, id: "m" }), { startImmediately: true })
      const entry = { delivery: delivery!, reason: "rejected", attempts: [], fingerprint: "", parked: false } as const
      const [deadLetterId] = yield* store.transact(
        Effect.andThen(subscription.removeInTransaction([delivery!]), store.deadLetters.add(consumer, [entry]))
      )
      assert.deepStrictEqual(yield* Fiber.join(waiter), { _tag: "Dead", deadLetterId: deadLetterId! })
      const asked = Inbox.once({ consumer, id: "m", payload: "{}" }, Effect.die("it ran"), { result })
      assert.deepInclude(yield* Effect.flip(asked), {
        _tag: "ResultUnavailable",
        reason: "dead",
        detail: deadLetterId!
      })
    }))

  it.effect("gives up after its timeout, also for a consumer that is not registered", () =>
    Effect.gen(function*() {
      const key = { consumer: fresh("unknown"), id: "m" }
      const waiter = yield* Effect.forkChild(Effect.flip(Inbox.await(key, { timeout: "100 millis" })))
      yield* options.elapse(Duration.millis(150))
      assert.deepInclude(yield* Fiber.join(waiter), { _tag: "AwaitTimeout", ...key, waitedMillis: 100 })
      assert.strictEqual((yield* Effect.flip(Inbox.await({ ...key, id: "" })))._tag, "InvalidId")
    }))

  it.effect("is refused at once inside of a transaction, which it would keep open", () =>
    Effect.gen(function*() {
      const store = yield* Store
      const key = { consumer: fresh("unknown"), id: "m" }
      const error = yield* Effect.flip(store.transact(Inbox.await(key, { timeout: "1 minute" })))
      assert.deepInclude(error, { _tag: "StoreFailure", kind: "refused" })
    }))

  it.effect("tells who waits for an id that a caller of once has committed it", () =>
    Effect.gen(function*() {
      const key = { consumer: fresh("api"), id: "k" }
      const waiter = yield* Effect.forkChild(Inbox.await(key), { startImmediately: true })
      yield* Inbox.once(key, Effect.succeed({ n: 1 }), { result })
      assert.deepStrictEqual(yield* Fiber.join(waiter), { _tag: "Committed" })
    }))
}

/** Registers the promises about `once` and `await`. */
export const oncePromises = (it: Tests, options: Options): void => {
  replays(it, options)
  limits(it, options)
  concurrent(it, options)
  waiting(it, options)
}
