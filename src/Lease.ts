/**
 * A right that one process has at a time, by its name: leader election, a job that must have one owner.
 *
 * A lease is a scoped resource. While its scope is open it renews itself, at a third of its time; when the scope closes it is
 * given back, and who waits for it has it at once. Time is the store's. The deadline is measured on the monotonic clock, from
 * before the request that claimed or renewed was sent, so that work under it stops before the store lets the next owner in.
 * A lease that could not be renewed is lost for good; nothing brings it back.
 *
 * A process may be frozen, and believe in its lease when it wakes up. What it writes to the store is refused if it asks
 * first ({@link fenced}): each owner has a higher token, and the transaction looks at it. What it does elsewhere cannot be
 * refused: hand {@link Lease.token} on, to whoever can compare it.
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
 * A lease that is, or was, ours.
 *
 * @since 0.1.0
 */
export interface Lease {
  readonly name: string
  /** Who has it, as others see it: the option `holder` and a part that is new in each acquisition. */
  readonly holder: string
  /** Grows with each change of owner, for ever: of two owners the one with the higher token is the present one. */
  readonly token: bigint
  /**
   * When it ends unless it is renewed: nanoseconds of the monotonic clock (`Clock.monotonicTimeNanos`). Work stops a
   * twentieth of the lease's time, at least 50 ms, before.
   */
  readonly deadline: Effect.Effect<bigint>
  /** Completes when it is lost: it could not be renewed in time, or somebody else has it. Not when it is given back. */
  readonly lost: Effect.Effect<LeaseLost>
  /**
   * Inside a transaction: fails with `LeaseLost` if somebody else has had the lease since; otherwise nobody gets it before this
   * transaction has ended. The transaction must not idle for longer than the lease lasts.
   */
  readonly check: Effect.Effect<void, LeaseLost | StoreFailure, Transaction>
}

/**
 * How to acquire a lease.
 *
 * @since 0.1.0
 */
export interface LeaseOptions {
  /** How long an owner that is not heard of keeps it: 300 ms to 1 day. Renewed at a third of it. Default 30 seconds. */
  readonly duration?: Duration.Input | undefined
  /** How long to wait for it while somebody else has it; 0 fails at once. Default: for ever. */
  readonly wait?: Duration.Input | undefined
  /** How often one who waits looks, even if nobody says that it was given back. Default 1 second. */
  readonly poll?: Duration.Input | undefined
  /** Who one is, for people. Default `host:pid`. */
  readonly holder?: string | undefined
}

/**
 * Why a lease was not acquired.
 *
 * @since 0.1.0
 */
export type AcquireError = InvalidName | InvalidSetting | LeaseTaken | StoreFailure

/**
 * Acquires the lease of that name for as long as the scope is open. Waits while somebody else has it (option `wait`), and while
 * the store is not there, or so slow that half of the lease's time is over when it answers; then gives back what it may have got, and
 * fails with `LeaseTaken`, or with the store's failure. One that will not pass fails at once.
 *
 * What runs in the scope is not interrupted when the lease is lost: race it against {@link Lease.lost}, or use {@link use}.
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
    // A request whose answer nobody waited for may have got it.
    Effect.onExit(restore(claim(ours)), (exit) => exit._tag === "Failure" ? giveBack : Effect.void).pipe(
      Effect.tap(() => Effect.addFinalizer(() => giveBack)),
      Effect.flatMap(({ sent, token }) => hold(ours, token, sent))
    )
  )
})

/**
 * Runs the effect while the lease is held. When the lease is lost, the effect is interrupted before anybody else can have it, and
 * this fails with `LeaseLost`; to go on as soon as it can be had again, retry.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Lease } from "millrace"
 *
 * const leader = Lease.use("leader", (lease) => Effect.andThen(Effect.log(`leading, term ${lease.token}`), Effect.never))
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
 * Runs the effect in a transaction of the store that begins with {@link Lease.check}: what an owner writes that has been
 * replaced is refused with `LeaseLost`, and nobody replaces it before the transaction has ended. On Postgres that is READ COMMITTED. Inside of
 * a transaction of your own at another level it may fail with a `StoreFailure` of code 40001: run that transaction again.
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

/** What the parts of an acquisition share. */
interface Ours {
  readonly name: string
  readonly owner: string
  readonly settings: Settings
  readonly leases: Store["Service"]["leases"]
  /** Monotonic nanoseconds. */
  readonly now: () => bigint
}

const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1e6))

/** Work stops so long before the store would let another one in. */
const marginOf = (settings: Settings): bigint => nanos(Math.max(50, settings.durationMillis / 20))

/** Asks until it is ours, and answers since when: from before the request was sent. */
const claim = Effect.fnUntraced(function*(ours: Ours) {
  const { leases, name, now, owner, settings } = ours
  const began = now()
  while (true) {
    const got = yield* Effect.scoped(Effect.gen(function*() {
      // Before one looks: what is given back after the look is not missed.
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
      // Ours, but too much of its time is over: it is asked for again.
      if (token !== undefined) return undefined
      yield* Effect.raceFirst(released, Effect.sleep(Math.min(patience(answer.success, settings), left)))
      return undefined
    }))
    if (got !== undefined) return got
  }
})

/** Until the time of the present owner is over, if that is sooner than the poll. */
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

/** Keeps it while the scope is open. */
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

  /** Answers after how long the next one is due: after a failure soon. */
  const renew = Effect.suspend(() => {
    if (Deferred.isDoneUnsafe(lost)) return Effect.succeed(0)
    const sent = now()
    return Effect.timeout(leases.renew(name, owner, token, durationMillis), durationMillis / 3).pipe(
      Effect.flatMap((kept) => {
        if (!kept) return Effect.as(Effect.logWarning(lose("somebody else has it, or its time was over").message), 0)
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

  // Apart from the renewals: one that hangs must not keep anybody from looking at the clock.
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

  const stale = Effect.suspend(() => Effect.fail(lose("somebody else has had it since, or it was given back")))
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
