/** `Inbox.once` on an inbox outside of the store: its markers, their renewal, and its failures, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Inbox, type Store } from "millrace"

/** An inbox in memory, with markers that expire by Effect's clock. */
class Outside extends Context.Service<Outside, Store.OutsideInbox>()("Outside") {}

interface Entry {
  readonly owner: string
  readonly fingerprint: string
  readonly until: number
  readonly done: { readonly result: string | undefined } | undefined
}

type Request = "claim" | "renew" | "finish" | "release"

/** The records of an inbox, and faults: a request fails before it has happened, or its answer is lost. */
class Records {
  readonly entries = new Map<string, Entry>()
  readonly requests: Array<Request> = []
  readonly faults: Array<{ readonly at: Request; readonly lost: "request" | "answer"; times: number }> = []

  get layer() {
    const { ask, entries } = this
    const key = (consumer: string, id: string) => `${consumer} ${id}`
    const live = (name: string, now: number) => {
      const entry = entries.get(name)
      return entry !== undefined && entry.until > now ? entry : undefined
    }
    return Effect.provideService(Outside, {
      markerMillis: 30_000,
      claim: (consumer, { fingerprint, id, owner }) =>
        ask("claim", (now) => {
          const known = live(key(consumer, id), now)
          if (known?.done !== undefined) {
            return known.fingerprint === fingerprint
              ? { _tag: "Committed", result: known.done.result }
              : { _tag: "Conflict" }
          }
          if (known !== undefined && known.owner !== owner) return { _tag: "Busy" }
          entries.set(key(consumer, id), { owner, fingerprint, until: now + 30_000, done: undefined })
          return { _tag: "Fresh" }
        }),
      renew: (consumer, { id, owner }) =>
        ask("renew", (now) => {
          const known = live(key(consumer, id), now)
          if (known?.owner !== owner || known.done !== undefined) return false
          entries.set(key(consumer, id), { ...known, until: now + 30_000 })
          return true
        }),
      finish: (consumer, { fingerprint, id, owner }, result) =>
        ask("finish", (now) => {
          const known = live(key(consumer, id), now)
          if (known !== undefined && known.owner !== owner) return false
          entries.set(key(consumer, id), { owner, fingerprint, until: Infinity, done: { result } })
          return true
        }),
      release: (consumer, { id, owner }) =>
        ask("release", (now) => {
          const known = live(key(consumer, id), now)
          if (known?.owner === owner && known.done === undefined) entries.delete(key(consumer, id))
        })
    })
  }

  fail(at: Request, lost: "request" | "answer", times = 1): void {
    this.faults.push({ at, lost, times })
  }

  private readonly ask = <A>(request: Request, run: (now: number) => A): Effect.Effect<A, Errors.StoreFailure> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      this.requests.push(request)
      const fault = this.faults.find(({ at, times }) => at === request && times > 0)
      if (fault !== undefined) fault.times--
      const answer = fault?.lost === "request" ? undefined : run(now)
      return fault === undefined ? Effect.succeed(answer as A) : Effect.fail(away)
    })
}

const away = new Errors.StoreFailure({ operation: "ask", kind: "unavailable", code: "", detail: "away", hint: "Wait." })
const key = { consumer: "mails", id: "m1" }
const options = { result: Schema.Int, inbox: Outside }

/** An effect that counts its runs. */
const counted = () => {
  let runs = 0
  return { effect: Effect.sync(() => ++runs), runs: () => runs }
}

/** Starts a call whose effect runs until the test ends it. */
const atWork = Effect.fnUntraced(function*(records: Records) {
  const [begun, end] = [yield* Deferred.make<void>(), yield* Deferred.make<number, "declined">()]
  const effect = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(end))
  const fiber = yield* Effect.forkChild(Effect.exit(records.layer(Inbox.once(key, effect, options))))
  yield* Deferred.await(begun)
  return { fiber, end }
})

const later = <A, E>(fiber: Fiber.Fiber<A, E>) => Effect.andThen(TestClock.adjust("1 minute"), Fiber.join(fiber))

describe("an id in an inbox outside of the store", () => {
  it.effect("runs its effect once, gives every caller the first result, and refuses other content", () =>
    Effect.gen(function*() {
      const records = new Records()
      const { effect, runs } = counted()
      const ask = (payload: string) => records.layer(Inbox.once({ ...key, payload }, effect, options))
      assert.deepStrictEqual([yield* ask("a"), yield* ask("a")], [1, 1])
      assert.strictEqual((yield* Effect.flip(ask("b")))._tag, "IdempotencyConflict")
      assert.strictEqual(runs(), 1)
    }))

  it.effect("is free again at once when its effect fails, dies or is interrupted", () =>
    Effect.gen(function*() {
      const records = new Records()
      const failing = records.layer(Inbox.once(key, Effect.fail("declined" as const), options))
      assert.strictEqual(yield* Effect.flip(failing), "declined")
      yield* Effect.exit(records.layer(Inbox.once(key, Effect.die("a bug"), options)))
      const first = yield* atWork(records)
      yield* Fiber.interrupt(first.fiber)
      assert.strictEqual(
        yield* records.layer(Inbox.once(key, Effect.succeed(7), { ...options, whileBusy: "refuse" })),
        7
      )
    }))

  it.effect("keeps a second caller waiting, however long the effect takes, and gives it the result", () =>
    Effect.gen(function*() {
      const records = new Records()
      const first = yield* atWork(records)
      yield* TestClock.adjust("10 minutes")
      const refused = records.layer(Inbox.once(key, Effect.die("it ran"), { ...options, whileBusy: "refuse" }))
      assert.strictEqual((yield* Effect.flip(refused))._tag, "InProgress")
      const second = yield* Effect.forkChild(records.layer(Inbox.once(key, Effect.die("it ran"), options)))
      yield* TestClock.adjust("1 second")
      yield* Deferred.succeed(first.end, 1)
      assert.strictEqual(yield* later(second), 1)
    }))

  it.effect("gives up waiting after its timeout", () =>
    Effect.gen(function*() {
      const records = new Records()
      yield* atWork(records)
      const second = yield* Effect.forkChild(
        Effect.flip(records.layer(Inbox.once(key, Effect.die("it ran"), { ...options, timeout: "3 seconds" })))
      )
      yield* TestClock.adjust("2900 millis")
      assert.isUndefined(second.pollUnsafe())
      assert.strictEqual((yield* later(second))._tag, "InProgress")
    }))
})

describe("a marker outside of the store", () => {
  it.effect("that cannot be renewed interrupts its effect before another call can claim the id", () =>
    Effect.gen(function*() {
      const records = new Records()
      records.fail("renew", "request", Infinity)
      let stopped = Infinity
      const clock = yield* Clock.Clock
      const effect = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          stopped = clock.currentTimeMillisUnsafe()
        }))
      const call = yield* Effect.forkChild(Effect.flip(records.layer(Inbox.once(key, effect, options))))
      yield* TestClock.adjust("20 seconds")
      assert.isUndefined(call.pollUnsafe())
      const error = yield* later(call)
      assert.deepInclude(error, { _tag: "ClaimLost", effect: "interrupted" })
      assert.isAtMost(stopped, 28_500)
    }))

  it.effect("is kept while the inbox is away for less than its time", () =>
    Effect.gen(function*() {
      const records = new Records()
      records.fail("renew", "request", 3)
      const first = yield* atWork(records)
      yield* TestClock.adjust("2 minutes")
      yield* Deferred.succeed(first.end, 1)
      assert.deepInclude(yield* later(first.fiber), { _tag: "Success", value: 1 })
    }))

  it.effect("of a stale owner stores nothing over the record of the next one", () =>
    Effect.gen(function*() {
      const records = new Records()
      const first = yield* atWork(records)
      records.entries.clear() // the inbox forgot it, as Redis does when it crashes
      assert.strictEqual(yield* records.layer(Inbox.once(key, Effect.succeed(2), options)), 2)
      yield* Deferred.succeed(first.end, 1)
      const exit = yield* later(first.fiber)
      assert.include(JSON.stringify(exit), "ClaimLost")
      assert.include(JSON.stringify(exit), "happened")
      assert.strictEqual(yield* records.layer(Inbox.once(key, Effect.die("it ran"), options)), 2)
    }))
})

describe("a request to an inbox outside of the store", () => {
  it.effect("to claim whose answer is lost is repeated by the same owner", () =>
    Effect.gen(function*() {
      const records = new Records()
      records.fail("claim", "answer")
      const { effect, runs } = counted()
      const call = yield* Effect.forkChild(records.layer(Inbox.once(key, effect, options)))
      assert.strictEqual(yield* later(call), 1)
      assert.strictEqual(runs(), 1)
    }))

  it.effect("to store the result is repeated while the effect is not", () =>
    Effect.gen(function*() {
      const records = new Records()
      records.fail("finish", "request", 5)
      records.fail("finish", "answer")
      const { effect, runs } = counted()
      const call = yield* Effect.forkChild(records.layer(Inbox.once(key, effect, options)))
      assert.strictEqual(yield* later(call), 1)
      assert.strictEqual(yield* records.layer(Inbox.once(key, effect, options)), 1)
      assert.strictEqual(runs(), 1)
    }))

  it.effect("to store the result fails after the marker's time, and says that the effect has happened", () =>
    Effect.gen(function*() {
      const records = new Records()
      const first = yield* atWork(records)
      records.fail("finish", "request", Infinity)
      records.fail("renew", "request", Infinity)
      yield* Deferred.succeed(first.end, 1)
      const exit = yield* later(first.fiber)
      assert.include(JSON.stringify(exit), "ClaimLost")
      assert.include(JSON.stringify(exit), "happened")
    }))

  it.effect("to store the result that stays without an answer for long returns the result in the end", () =>
    Effect.gen(function*() {
      const records = new Records()
      records.fail("finish", "answer", 25) // more than ten seconds, a third of the marker's time
      const call = yield* Effect.forkChild(records.layer(Inbox.once(key, Effect.succeed(1), options)))
      assert.strictEqual(yield* later(call), 1)
    }))

  it.effect("to store the result fails after the marker's time, also while renewals would succeed", () =>
    Effect.gen(function*() {
      const records = new Records()
      records.fail("finish", "request", Infinity)
      const call = yield* Effect.forkChild(Effect.flip(records.layer(Inbox.once(key, Effect.succeed(1), options))))
      yield* TestClock.adjust("1 minute")
      const exit = call.pollUnsafe()
      records.faults.length = 0 // a call that still waits can end, and with it the test
      yield* TestClock.adjust("10 seconds")
      assert.isDefined(exit)
      assert.deepInclude(yield* Fiber.join(call), { _tag: "ClaimLost", effect: "happened" })
    }))

  it.effect("to store the result is not given up by an interruption", () =>
    Effect.gen(function*() {
      const records = new Records()
      records.fail("finish", "request", 3)
      const first = yield* atWork(records)
      yield* Deferred.succeed(first.end, 1)
      yield* Effect.yieldNow
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(first.fiber))
      yield* later(interrupting)
      assert.strictEqual(yield* records.layer(Inbox.once(key, Effect.die("it ran"), options)), 1)
    }))

  it.effect("is repeated until the caller's timeout, and then fails", () =>
    Effect.gen(function*() {
      const records = new Records()
      records.fail("claim", "request", Infinity)
      const call = yield* Effect.forkChild(Effect.flip(records.layer(Inbox.once(key, Effect.die("it ran"), options))))
      assert.strictEqual((yield* later(call))._tag, "StoreFailure")
      assert.isAbove(records.requests.filter((request) => request === "claim").length, 5)
    }))
})

describe("an effect outside of the store", () => {
  it.effect("renews its marker only until it ends, and leaves the resources of its caller open", () =>
    Effect.gen(function*() {
      const records = new Records()
      const scope = yield* Scope.make()
      let open = true
      const opening = Effect.acquireRelease(Effect.delay(Effect.succeed(1), "1 minute"), () =>
        Effect.sync(() => {
          open = false
        }))
      const call = yield* Effect.forkChild(Scope.provide(records.layer(Inbox.once(key, opening, options)), scope))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(call), 1)
      yield* TestClock.adjust("10 minutes")
      const renewals = records.requests.filter((request) => request === "renew").length
      assert.isTrue(renewals === 5 || renewals === 6, String(renewals))
      assert.isTrue(open)
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(open)
    }))
})

describe("a result outside of the store", () => {
  it.effect("that is refused keeps the id without a result, because the effect has happened", () =>
    Effect.gen(function*() {
      const records = new Records()
      const { effect, runs } = counted()
      const wrong = Effect.map(effect, () => 0.5)
      const refused = yield* Effect.flip(records.layer(Inbox.once(key, wrong, options)))
      assert.deepInclude(refused, { _tag: "ResultRefused", rolledBack: false })
      const again = yield* Effect.flip(records.layer(Inbox.once(key, wrong, options)))
      assert.deepInclude(again, { _tag: "ResultUnavailable", reason: "none" })
      assert.strictEqual(runs(), 1)
    }))
})
