/**
 * A named lease: a right that one process holds at a time, for leader election or work that must have one owner.
 *
 * A lease is a scoped resource. While its scope is open, the lease is renewed after each third of its duration. When
 * the scope closes, the lease is given back, and a waiting process gets it at once.
 *
 * The store's clock decides when the lease ends. The owner measures its own deadline on the monotonic clock, from
 * before each request was sent. At that deadline, less a margin, {@link Lease.lost} completes and {@link use}
 * interrupts its effect. This happens before the store lets the next owner in. A lease that was not renewed in time is
 * lost and cannot be recovered.
 *
 * A process may freeze, and still act as the owner when it continues. Its writes to the store are refused if it
 * checks the lease in the same transaction ({@link fenced}), because each owner has a higher token. Its effects
 * elsewhere cannot be refused. Pass {@link Lease.token} to systems that can compare it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import { type InvalidName, InvalidSetting, LeaseLost, LeaseTaken, StoreFailure } from "./Errors.ts"
import * as GivenDuration from "./internal/GivenDuration.ts"
import { type LeaseClaim, Store, type Transaction, type TransactionFailure } from "./Store.ts"
import { nameProblem } from "./Topic.ts"

/**
 * A lease that this process holds or held.
 *
 * @since 0.1.0
 */
export interface Lease {
  /** The name that processes compete for. */
  readonly name: string
  /** The owner's name in the store: the option `holder`, and a part that is new in each acquisition. */
  readonly holder: string
  /**
   * The fencing token. It grows with each change of owner. If two processes both act as the owner, the one with the
   * higher token is the owner.
   */
  readonly token: bigint
  /**
   * Returns when the lease ends if it is not renewed: nanoseconds of the monotonic clock (`Clock.monotonicTimeNanos`).
   * The lease counts as lost a twentieth of its duration before that, and at least 50 ms before.
   */
  readonly deadline: Effect.Effect<bigint>
  /**
   * This effect completes when the lease is lost, because it was not renewed in time or another owner holds it. It does
   * not complete when the lease is given back.
   */
  readonly lost: Effect.Effect<LeaseLost>
  /**
   * Checks the lease inside a transaction. Fails with `LeaseLost` if another owner has held the lease since. Otherwise
   * no other owner gets it before this transaction has ended. The transaction must not idle for longer than the lease
   * lasts.
   */
  readonly check: Effect.Effect<void, LeaseLost | StoreFailure, Transaction>
}

/**
 * The options of {@link acquire} and {@link use}.
 *
 * @since 0.1.0
 */
export interface LeaseOptions {
  /**
   * How long an unresponsive owner keeps the lease: 300 ms to 1 day. The lease is renewed after each third of this
   * time. Default 30 seconds.
   */
  readonly duration?: Duration.Input | undefined
  /**
   * How long to wait while another owner holds the lease. With 0 the call fails at once. By default it waits
   * indefinitely.
   */
  readonly wait?: Duration.Input | undefined
  /** How often a waiting process polls, even without a notification that the lease was given back. Default 1 second. */
  readonly poll?: Duration.Input | undefined
  /** A name of the owner that an operator understands. Default `host:pid`. */
  readonly holder?: string | undefined
}

/**
 * The errors of an acquisition.
 *
 * @since 0.1.0
 */
export type AcquireError = InvalidName | InvalidSetting | LeaseTaken | StoreFailure

/**
 * Acquires the lease of that name and returns it. The scope gives it back when it closes.
 *
 * The call waits while another owner holds the lease (option `wait`) or the store is not available. It also claims
 * again if the answer took more than half of the lease's duration. When `wait` is over, the call fails with
 * `LeaseTaken` or with the store's failure. A claim whose answer did not come is then given back. A failure that does
 * not pass by itself ends the wait at once.
 *
 * An effect in the scope is not interrupted when the lease is lost. Race it against {@link Lease.lost}, or use {@link
 * use}.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Lease } from "millrace"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const lease = yield* Lease.acquire("nightly-report", { wait: 0 })
 *   yield* Effect.log(`mine, with token ${lease.token}`)
 * }))
 * ```
 *
 * @since 0.1.0
 */
export const acquire = Effect.fnUntraced(function*(
  name: string,
  options?: LeaseOptions
): Effect.fn.Return<Lease, AcquireError, Store | Scope.Scope> {
  const bad = nameProblem("lease", name)
  if (bad !== undefined) return yield* bad
  const settings = resolve(options ?? {})
  if (settings instanceof InvalidSetting) return yield* settings
  const store = yield* Store
  const clock = yield* Clock.Clock
  const owner = `${settings.holder}#${randomUUID().slice(0, 8)}`
  const ours = { name, owner, settings, leases: store.leases, now: () => clock.monotonicTimeNanosUnsafe() }
  const giveBack = Effect.catch(
    store.leases.release(name, owner),
    (error) => Effect.logDebug(`${error.message} It runs out by itself.`)
  )
  return yield* Effect.uninterruptibleMask((restore) =>
    // A request that failed or was interrupted may have claimed the lease, so the lease is given back.
    Effect.onExit(restore(claim(ours)), (exit) => exit._tag === "Failure" ? giveBack : Effect.void).pipe(
      Effect.tap(() => Effect.addFinalizer(() => giveBack)),
      Effect.flatMap(({ sent, token }) => hold(ours, token, sent))
    )
  )
})

/**
 * Runs the effect while the lease is held. When the lease is lost, the effect is interrupted before another owner can
 * hold the lease, and the call fails with `LeaseLost`. Retry the call to continue when the lease can be acquired again.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Lease } from "millrace"
 *
 * const lead = (lease: Lease.Lease) => Effect.andThen(Effect.log(`leading, term ${lease.token}`), Effect.never)
 * const leader = Lease.use("leader", lead)
 * const program = Effect.retry(leader, { while: (error) => error._tag === "LeaseLost" })
 * ```
 *
 * @since 0.1.0
 */
export const use = <A, E, R>(
  name: string,
  f: (lease: Lease) => Effect.Effect<A, E, R>,
  options?: LeaseOptions
): Effect.Effect<A, E | AcquireError | LeaseLost, Exclude<R, Scope.Scope> | Store> =>
  Effect.scoped(
    Effect.flatMap(
      acquire(name, options),
      (lease) => Effect.raceFirst(f(lease), Effect.flatMap(lease.lost, (lost) => Effect.fail(lost)))
    )
  )

/**
 * Runs the effect in a transaction of the store that begins with {@link Lease.check}. Writes of a former owner are
 * refused with `LeaseLost`, and no other owner gets the lease before the transaction has ended.
 *
 * On Postgres the transaction is READ COMMITTED. Inside a transaction of your own at another level it may fail with a
 * `StoreFailure` of code 40001. Run that transaction again.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { SqlClient } from "effect/sql"
 * import { Lease } from "millrace"
 *
 * const close = Lease.use("month-end", (lease) =>
 *   Lease.fenced(lease, Effect.gen(function*() {
 *     const sql = yield* SqlClient.SqlClient
 *     yield* sql`update books set closed = true`
 *   })))
 * ```
 *
 * @since 0.1.0
 */
export const fenced = <A, E, R>(
  lease: Lease,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E | LeaseLost | StoreFailure | TransactionFailure, Exclude<R, Transaction> | Store> =>
  Effect.flatMap(Store, (store) => store.transact(Effect.andThen(lease.check, effect)))

interface Settings {
  readonly durationMillis: number
  readonly waitMillis: number
  readonly pollMillis: number
  readonly holder: string
}

const resolve = (options: LeaseOptions): Settings | InvalidSetting => {
  const settings: Settings = {
    durationMillis: GivenDuration.millis(options.duration ?? "30 seconds"),
    waitMillis: GivenDuration.millis(options.wait ?? Duration.infinity),
    pollMillis: GivenDuration.millis(options.poll ?? "1 second"),
    holder: options.holder ?? `${hostname()}:${process.pid}`
  }
  const refuse = (setting: keyof LeaseOptions, expected: string) =>
    GivenDuration.refusal(setting, options[setting], expected)
  const { durationMillis, holder, pollMillis, waitMillis } = settings
  if (!(durationMillis >= 300 && durationMillis <= 86_400_000)) {
    return refuse("duration", "a duration from 300 ms to 1 day is needed")
  }
  if (!(waitMillis >= 0)) return refuse("wait", "a duration is needed")
  if (!(pollMillis >= 10)) return refuse("poll", "a duration of at least 10 ms is needed")
  if (typeof holder !== "string" || holder.length === 0 || holder.length > 200 || holder.includes("\0")) {
    return refuse("holder", "a text of 1 to 200 characters without NUL is needed")
  }
  return settings
}

/** Data that the parts of an acquisition share. */
interface Ours {
  readonly name: string
  readonly owner: string
  readonly settings: Settings
  readonly leases: Store["Service"]["leases"]
  /** Monotonic nanoseconds. */
  readonly now: () => bigint
}

const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1e6))

/** Returns how long before the store's deadline the lease counts as lost. */
const marginOf = (settings: Settings): bigint => nanos(Math.max(50, settings.durationMillis / 20))

/** Claims the lease, repeatedly, and returns the token and the time before the successful request was sent. */
const claim = Effect.fnUntraced(function*(ours: Ours) {
  const { leases, name, now, owner, settings } = ours
  const began = now()
  while (true) {
    const got = yield* Effect.scoped(Effect.gen(function*() {
      // Listens before it claims, so that a release between the two is not missed.
      const released = yield* leases.awaitRelease(name)
      const sent = now()
      const answer = yield* Effect.result(leases.claim(name, owner, settings.durationMillis))
      const left = settings.waitMillis - Number(now() - began) / 1e6
      if (answer._tag === "Failure") {
        if (answer.failure.kind === "refused" || left <= 0) return yield* answer.failure
        yield* Effect.logDebug(`${answer.failure.message} It is asked again.`)
        yield* Effect.sleep(Math.min(settings.pollMillis, left))
        return undefined
      }
      const { token } = answer.success
      if (token !== undefined && now() - sent < nanos(settings.durationMillis / 2)) return { sent, token }
      if (left <= 0) return yield* token === undefined ? taken(name, answer.success) : late(name)
      // The claim succeeded, but most of the lease's time is over, so the lease is claimed again.
      if (token !== undefined) return undefined
      yield* Effect.raceFirst(released, Effect.sleep(Math.min(patience(answer.success, settings), left)))
      return undefined
    }))
    if (got !== undefined) return got
  }
})

/**
 * Returns how long to wait before the next claim: until the present owner's deadline, or the next poll if that is
 * sooner.
 */
const patience = (claimed: LeaseClaim, settings: Settings): number =>
  claimed.remainingMillis === 0
    ? settings.pollMillis / 4
    : Math.min(settings.pollMillis, Math.max(10, claimed.remainingMillis + 1))

const taken = (name: string, claimed: LeaseClaim): LeaseTaken =>
  new LeaseTaken({ lease: name, holder: claimed.owner, remainingMillis: claimed.remainingMillis })

const late = (name: string): StoreFailure =>
  new StoreFailure({
    operation: `claim lease "${name}"`,
    kind: "timeout",
    code: "",
    detail: "its answers came later than half of the lease's duration",
    hint: "Try again later, or give the lease a longer duration."
  })

/** Renews the lease while the scope is open, and returns the lease. */
const hold = Effect.fnUntraced(function*(
  ours: Ours,
  token: bigint,
  sent: bigint
): Effect.fn.Return<Lease, never, Scope.Scope> {
  const { leases, name, now, owner, settings } = ours
  const { durationMillis } = settings
  const margin = marginOf(settings)
  const lost = Deferred.makeUnsafe<LeaseLost>()
  let deadline = sent + nanos(durationMillis)

  const lose = (reason: string): LeaseLost => {
    const error = new LeaseLost({ lease: `lease "${name}"`, token: String(token), reason })
    Deferred.doneUnsafe(lost, Effect.succeed(error))
    return error
  }

  /** Renews the lease and returns the pause before the next renewal. After a failure the pause is short. */
  const renew = Effect.suspend(() => {
    if (Deferred.isDoneUnsafe(lost)) return Effect.succeed(0)
    const sent = now()
    return Effect.timeout(leases.renew(name, owner, token, durationMillis), durationMillis / 3).pipe(
      Effect.flatMap((kept) => {
        if (!kept) return Effect.as(Effect.logWarning(lose("another owner holds it, or it has expired").message), 0)
        // A late answer does not bring a lost lease back.
        if (!Deferred.isDoneUnsafe(lost)) deadline = sent + nanos(durationMillis)
        return Effect.succeed(durationMillis / 3)
      }),
      Effect.catch((error) =>
        Effect.as(
          Effect.logWarning(`Lease "${name}" could not be renewed; it is tried again. ${error.message}`),
          durationMillis / 12
        )
      )
    )
  })
  let pause = durationMillis / 3
  const renewals = Effect.whileLoop({
    while: () => !Deferred.isDoneUnsafe(lost),
    body: () => Effect.andThen(Effect.sleep(pause), renew),
    step: (next) => {
      pause = next
    }
  })

  // Runs beside the renewals, so that a renewal that hangs does not delay the check of the clock.
  const watch = Effect.whileLoop({
    while: () => !Deferred.isDoneUnsafe(lost),
    body: () =>
      Effect.flatMap(
        Effect.sleep(Math.max(1, Number(deadline - margin - now()) / 1e6)),
        () =>
          now() < deadline - margin || Deferred.isDoneUnsafe(lost)
            ? Effect.void
            : Effect.logWarning(lose("it could not be renewed in time").message)
      ),
    step: () => {}
  })
  yield* Effect.forkScoped(renewals)
  yield* Effect.forkScoped(watch)

  const stale = Effect.suspend(() => Effect.fail(lose("another owner has held it since, or it was given back")))
  return {
    name,
    holder: owner,
    token,
    deadline: Effect.sync(() => deadline),
    lost: Deferred.await(lost),
    check: Effect.suspend(() =>
      Deferred.isDoneUnsafe(lost)
        ? Effect.flatMap(Deferred.await(lost), (error) => Effect.fail(error))
        : Effect.flatMap(leases.fence(name, owner, token, durationMillis), (ok) => ok ? Effect.void : stale)
    )
  }
})
