/**
 * Promises of named leases: one owner at a time, and a token that grows with each. A lost lease stays lost.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Store } from "../../Store.ts"
import { fresh, needsTwoTransactions, type Options, type Tests } from "./kit.ts"

/** Returns a lease name for one test, with functions to claim, renew, check and release the lease. */
const lease = Effect.fnUntraced(function*(options: Options) {
  const store = yield* Store
  const { leases } = store
  const name = fresh("lease")
  const lasts = Duration.fromInputUnsafe(options.lease)
  const millis = Duration.toMillis(lasts)
  const claim = (owner: string) => leases.claim(name, owner, millis)
  const mine = (owner: string) =>
    Effect.map(claim(owner), ({ token }) => {
      assert.isDefined(token, `${owner} got no lease`)
      owners.set(token!, owner)
      return token!
    })
  /** Token -> the owner that got it. */
  const owners = new Map<bigint, string>()
  const ownerOf = (token: bigint) => owners.get(token)!
  return {
    store,
    claim,
    mine,
    renew: (token: bigint, owner = ownerOf(token)) => leases.renew(name, owner, token, millis),
    release: (owner: string) => leases.release(name, owner),
    fence: (token: bigint, owner = ownerOf(token)) => store.transact(leases.fence(name, owner, token, millis)),
    released: leases.awaitRelease(name),
    millis,
    /** Starts a transaction that has checked the token and stays open. Returns how to end it. */
    writing: Effect.fnUntraced(function*(token: bigint) {
      const [looked, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const fiber = yield* Effect.forkChild(store.transact(Effect.gen(function*() {
        assert.isTrue(yield* leases.fence(name, ownerOf(token), token, millis))
        yield* Deferred.succeed(looked, undefined)
        yield* Deferred.await(go)
      })))
      yield* Deferred.await(looked)
      return Effect.andThen(Deferred.succeed(go, undefined), Fiber.join(fiber))
    }),
    half: options.elapse(Duration.times(lasts, 1 / 2)),
    third: options.elapse(Duration.times(lasts, 1 / 3)),
    expire: options.elapse(Duration.times(lasts, 1.25))
  }
})

const ownership = (it: Tests, options: Options) => {
  it.effect("knows an owner by its name and its token: a token that a store has given twice belongs to the second owner", () =>
    Effect.gen(function*() {
      const { fence, mine, renew } = yield* lease(options)
      const token = yield* mine("ann")
      assert.deepStrictEqual([yield* renew(token, "ben"), yield* fence(token, "ben")], [false, false])
      assert.deepStrictEqual([yield* renew(token), yield* fence(token)], [true, true])
    }))

  it.effect("raises a token by the milliseconds that have passed, at least", () =>
    Effect.gen(function*() {
      const { half, millis, mine, release } = yield* lease(options)
      const first = yield* mine("ann")
      yield* half
      yield* release("ann")
      const second = yield* mine("ben")
      assert.isAtLeast(Number(second - first), millis / 2 - 2)
    }))

  it.effect("gives a named lease to one owner, and tells the other one who has it, and for how long", () =>
    Effect.gen(function*() {
      const { claim, millis, mine } = yield* lease(options)
      yield* mine("ann")
      const answer = yield* claim("ben")
      assert.isUndefined(answer.token)
      assert.strictEqual(answer.owner, "ann")
      assert.isAtMost(answer.remainingMillis, millis)
      assert.isAbove(answer.remainingMillis, millis / 4)
    }))

  it.effect("gives a named lease to exactly one of many who ask at the same time", () =>
    Effect.gen(function*() {
      const { claim } = yield* lease(options)
      const names = Array.from({ length: 8 }, (_, i) => `owner-${i}`)
      const answers = yield* Effect.forEach(names, claim, { concurrency: "unbounded" })
      assert.strictEqual(answers.filter(({ token }) => token !== undefined).length, 1)
    }))

  it.effect("keeps a named lease for three times its length while it is renewed", () =>
    Effect.gen(function*() {
      const { claim, mine, renew, third } = yield* lease(options)
      const token = yield* mine("ann")
      for (let i = 0; i < 9; i++) {
        yield* third
        assert.isTrue(yield* renew(token))
        assert.isUndefined((yield* claim("ben")).token)
      }
    }))

  it.effect("raises the token with each change of owner, given back or not", () =>
    Effect.gen(function*() {
      const { expire, mine, release } = yield* lease(options)
      const tokens = [yield* mine("ann")]
      yield* release("ann")
      tokens.push(yield* mine("ben"))
      yield* expire
      tokens.push(yield* mine("ann"))
      // The answer to a claim may have been lost. A second claim by the same owner gets a new token.
      tokens.push(yield* mine("ann"))
      assert.deepStrictEqual(tokens, [...tokens].sort((a, b) => Number(a - b)))
      assert.strictEqual(new Set(tokens).size, 4)
    }))

  it.effect("brings no named lease back that has expired, or that another owner has", () =>
    Effect.gen(function*() {
      const { claim, expire, mine, renew } = yield* lease(options)
      const first = yield* mine("ann")
      yield* expire
      assert.isFalse(yield* renew(first))
      const second = yield* mine("ben")
      assert.isFalse(yield* renew(first))
      assert.isTrue(yield* renew(second))
      assert.isUndefined((yield* claim("ann")).token)
    }))

  it.effect("lets only its owner give a named lease back", () =>
    Effect.gen(function*() {
      const { claim, expire, mine, release, renew } = yield* lease(options)
      yield* mine("ann")
      yield* expire
      const token = yield* mine("ben")
      yield* release("ann")
      assert.isUndefined((yield* claim("cyd")).token)
      assert.isTrue(yield* renew(token))
      yield* release("ben")
      yield* release("ben")
      assert.isFalse(yield* renew(token))
      yield* mine("cyd")
    }))

  it.effect("tells who waits as soon as a named lease is given back", () =>
    Effect.gen(function*() {
      const { claim, mine, release, released } = yield* lease(options)
      yield* mine("ann")
      const waiting = yield* released
      assert.isUndefined((yield* claim("ben")).token)
      yield* release("ann")
      yield* waiting
      yield* mine("ben")
    }).pipe(Effect.scoped))
}

const fencing = (it: Tests, options: Options) => {
  it.effect("lets the present owner of a named lease write, and refuses the one before", () =>
    Effect.gen(function*() {
      const { expire, fence, mine, release } = yield* lease(options)
      const first = yield* mine("ann")
      assert.isTrue(yield* fence(first))
      yield* expire
      // No other owner has had the lease since, so writes under the expired token do no harm.
      assert.isTrue(yield* fence(first))
      const second = yield* mine("ben")
      assert.deepStrictEqual([yield* fence(first), yield* fence(second)], [false, true])
      yield* release("ben")
      assert.deepStrictEqual([yield* fence(first), yield* fence(second)], [false, false])
    }))

  it.effect("gives no named lease to another owner before a transaction has ended that checked its token", (context) =>
    Effect.gen(function*() {
      yield* needsTwoTransactions(context, options)
      const { claim, half, mine, writing } = yield* lease(options)
      const token = yield* mine("ann")
      yield* half
      const end = yield* writing(token)
      // Now the lease has expired. The server has not ended the transaction yet: it began later, and has idled for less
      // than the lease's duration.
      yield* Effect.andThen(half, options.elapse(Duration.fromInputUnsafe(options.idlePoll)))
      assert.isUndefined((yield* claim("ben")).token)
      yield* end
      yield* mine("ben")
    }))

  it.effect("renews a named lease while a transaction is open that looked at its token", (context) =>
    Effect.gen(function*() {
      yield* needsTwoTransactions(context, options)
      const { mine, renew, writing } = yield* lease(options)
      const token = yield* mine("ann")
      const end = yield* writing(token)
      assert.isTrue(yield* renew(token))
      yield* end
    }))
}

/** Registers the promises about named leases. */
export const namedLeasePromises = (it: Tests, options: Options): void => {
  ownership(it, options)
  fencing(it, options)
}
