/**
 * Promises of the inbox: an id is fresh once for a consumer, and known from then on.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { bench, fresh, needsTwoTransactions, type Options, type Tests } from "./kit.ts"

const claim = (id: string, fingerprint = "f") => ({ id, fingerprint })

/** Registers the promises about the results of claims, one after the other. */
const answers = (it: Tests, options: Options) => {
  it.effect("finds an id fresh once, then a duplicate", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      const ask = store.transact(store.inbox.claim(consumer, [claim("a")]))
      assert.deepStrictEqual([yield* ask, yield* ask, yield* ask], [["fresh"], ["duplicate"], ["duplicate"]])
    }))

  it.effect("answers each claim of a call, in order", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      yield* store.transact(store.inbox.claim(consumer, [claim("b"), claim("d")]))
      const claims = [claim("e"), claim("d", "other"), claim("c"), claim("b"), claim("a")]
      const expected = ["fresh", "conflict", "fresh", "duplicate", "fresh"] as const
      assert.deepStrictEqual(yield* store.transact(store.inbox.claim(consumer, claims)), expected)
      assert.deepStrictEqual(yield* store.transact(store.inbox.claim(consumer, [])), [])
    }))

  it.effect("finds its own claim again within the transaction", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      const ask = store.inbox.claim(consumer, [claim("a")])
      assert.deepStrictEqual(yield* store.transact(Effect.all([ask, ask])), [["fresh"], ["duplicate"]])
    }))

  it.effect("tells other content under a committed id from a redelivery", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      const ask = (fingerprint: string) => store.transact(store.inbox.claim(consumer, [claim("a", fingerprint)]))
      assert.deepStrictEqual([yield* ask("1"), yield* ask("2"), yield* ask("1")], [["fresh"], ["conflict"], [
        "duplicate"
      ]])
    }))

  it.effect("keeps the ids of consumers apart", () =>
    Effect.gen(function*() {
      const { consumer, lanes, store, topic } = yield* bench(options)
      const other = fresh("consumer")
      yield* store.consumers.register({ consumer: other, topics: [topic], lanes, order: "park" })
      const ask = (consumer: string) => store.transact(store.inbox.claim(consumer, [claim("a")]))
      assert.deepStrictEqual([yield* ask(consumer), yield* ask(other)], [["fresh"], ["fresh"]])
    }))

  it.effect("forgets a claim whose transaction rolled back", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      const ask = store.inbox.claim(consumer, [claim("a")])
      yield* Effect.flip(store.transact(Effect.andThen(ask, Effect.fail("no" as const))))
      assert.deepStrictEqual(yield* store.transact(ask), ["fresh"])
    }))
}

/** Registers the promises about transactions that claim at the same time. */
const concurrent = (it: Tests, options: Options) => {
  it.effect("finds an id fresh for exactly one of many concurrent transactions", (context) =>
    Effect.gen(function*() {
      yield* needsTwoTransactions(context, options)
      const { consumer, store } = yield* bench(options)
      const asked = Array.from(
        { length: 8 },
        () => store.transact(Effect.tap(store.inbox.claim(consumer, [claim("a")]), () => Effect.yieldNow))
      )
      const found = (yield* Effect.all(asked, { concurrency: "unbounded" })).flat()
      assert.deepStrictEqual(found.toSorted(), [...Array.from({ length: 7 }, () => "duplicate" as const), "fresh"])
    }))

  for (const end of ["commits", "rolls back", "is interrupted"] as const) {
    const expected = end === "commits" ? "duplicate" : "fresh"
    it.effect(`waits for another claim of the id, and is ${expected} when that one ${end}`, () =>
      Effect.gen(function*() {
        const { consumer, store } = yield* bench(options)
        const ask = store.inbox.claim(consumer, [claim("a")])
        const [claimed, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const first = yield* Effect.forkChild(Effect.exit(store.transact(Effect.gen(function*() {
          yield* ask
          yield* Deferred.succeed(claimed, undefined)
          yield* Deferred.await(go)
          if (end === "rolls back") return yield* Effect.fail("no" as const)
        }))))
        yield* Deferred.await(claimed)
        const second = yield* Effect.forkChild(store.transact(ask), { startImmediately: true })
        yield* Effect.yieldNow
        assert.isUndefined(second.pollUnsafe())
        if (end === "is interrupted") yield* Fiber.interrupt(first)
        else yield* Deferred.succeed(go, undefined)
        assert.deepStrictEqual(yield* Fiber.join(second), [expected])
      }))
  }

  it.effect("lets claims of other ids pass meanwhile", (context) =>
    Effect.gen(function*() {
      yield* needsTwoTransactions(context, options)
      const { consumer, store } = yield* bench(options)
      const [claimed, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const first = yield* Effect.forkChild(store.transact(Effect.gen(function*() {
        yield* store.inbox.claim(consumer, [claim("a")])
        yield* Deferred.succeed(claimed, undefined)
        yield* Deferred.await(go)
      })))
      yield* Deferred.await(claimed)
      assert.deepStrictEqual(yield* store.transact(store.inbox.claim(consumer, [claim("b")])), ["fresh"])
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(first)
    }))
}

/** Registers the promises about the inbox. */
export const inboxPromises = (it: Tests, options: Options): void => {
  answers(it, options)
  concurrent(it, options)
}
