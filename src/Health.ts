/**
 * The health of this process, for readiness and liveness endpoints and for operators. It checks the database, lease
 * renewals, the event loop, the lag of queues, the workers and the notifications.
 *
 * The report covers all workers of the process. `degraded` means that an operator should look at the checks. `down`
 * means that no message can be processed. Return readiness as `status !== "down"`. For liveness, any response is
 * enough: a restart fixes neither an unavailable database nor a backlog.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { InvalidSetting } from "./Errors.ts"
import * as GivenDuration from "./internal/GivenDuration.ts"
import type { Check, Status } from "./internal/health/Check.ts"
import { degraded, ok, worst } from "./internal/health/CheckResults.ts"
import { loopDelay } from "./internal/health/EventLoopDelay.ts"
import { storeCheck } from "./internal/health/StoreCheck.ts"
import { type QueueStatus, Store } from "./Store.ts"

export type { Check, Status } from "./internal/health/Check.ts"

/**
 * The health of the process. `status` is the worst of its checks.
 *
 * @since 0.1.0
 */
export interface Report {
  readonly status: Status
  readonly checks: {
    /**
     * Whether the store permits this process to publish, and to run its workers if it has any, within the option
     * `timeout`.
     */
    readonly database: Check
    /** Whether the workers' leases are renewed well before they end. */
    readonly renewal: Check
    /** The longest delay of the event loop in the last 10 to 20 seconds, or for longer if reports are rare. */
    readonly eventLoop: Check
    /** Age of the oldest message that can be processed. */
    readonly lag: Check
    /** Whether parked keys wait for an operator for long, with how many messages wait behind held keys. */
    readonly heldKeys: Check
    /** Whether each consumer with messages has a live worker in some process, and each published topic a consumer. */
    readonly routing: Check
    /** Whether the workers of this process read, commit, publish and hold lanes, or are stopping. */
    readonly workers: Check
    /**
     * Whether this process receives notifications about publishes and commits of other processes. Without notifications
     * the process finds them later, by polling.
     */
    readonly wakeUps: Check
  }
}

/**
 * The limits beyond which a check is not `ok`.
 *
 * @since 0.1.0
 */
export interface HealthOptions {
  /** How long the store may take to respond. Default 2 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** The longest lag of a queue. With a longer lag the check is `degraded`. Default 5 minutes. */
  readonly maxLag?: Duration.Input | undefined
  /** How long a key may be parked. With a longer time the check is `degraded`. Default 5 minutes. */
  readonly maxParked?: Duration.Input | undefined
  /** The longest delay of the event loop. With a longer delay the check is `degraded`. Default 500 milliseconds. */
  readonly maxDelay?: Duration.Input | undefined
}

/**
 * An operation of a worker that fails again and again. Only a relay publishes to another engine.
 *
 * @since 0.1.0
 */
export interface Failing {
  readonly what: "read" | "commit" | "publish"
  /** For how many milliseconds the operation has failed. */
  readonly millis: number
  /** The message of the last error. */
  readonly detail: string
}

/**
 * The state of a worker, as the health checks read it. Workers register themselves.
 *
 * @since 0.1.0
 */
export interface WorkerState {
  readonly consumer: string
  readonly leaseMillis: number
  /**
   * Returns the milliseconds until the worker's first lease ends if it is not renewed. Returns infinity if the worker
   * holds no lease.
   */
  readonly left: () => number
  readonly stopping: () => boolean
  /** Returns the operations that fail again and again now. */
  readonly failing: () => ReadonlyArray<Failing>
  /**
   * Returns whether the worker held no lane at two readings of the status in a row, while messages waited in lanes
   * without an owner.
   */
  readonly stranded: () => boolean
  /** Returns the last status of the queue and its age. Returns undefined before the first reading. */
  readonly queue: () => { readonly status: QueueStatus; readonly ageMillis: number } | undefined
}

/**
 * The workers of this process.
 *
 * @since 0.1.0
 */
export const Workers: Context.Reference<Set<WorkerState>> = Context.Reference<Set<WorkerState>>(
  "millrace/Health/Workers",
  { defaultValue: () => new Set() }
)

/**
 * Checks the health of this process. Build {@link layer} once, beside the workers, so that the event loop is watched
 * all the time.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Health } from "millrace"
 *
 * const ready = Effect.gen(function*() {
 *   const health = yield* Health.Health
 *   const { checks, status } = yield* health.report
 *   return { code: status === "down" ? 503 : 200, checks }
 * })
 * ```
 *
 * @since 0.1.0
 */
export class Health extends Context.Service<Health, {
  /** Runs all checks. Never fails, and ends within the option `timeout`. */
  readonly report: Effect.Effect<Report>
}>()("millrace/Health") {}

/** If the last status of a queue is older than this, the lag counts as unknown. */
const staleMillis = 60_000

/** If an operation fails for longer than this, the worker's check is not `ok`. */
const failingMillis = 10_000

/**
 * Provides the health of this process and of the store around it. Fails with `InvalidSetting` if an option is no
 * positive duration.
 *
 * ```ts
 * import { Layer } from "effect"
 * import { Health, Memory } from "millrace"
 *
 * const health = Health.layer({ maxLag: "10 minutes" }).pipe(Layer.provide(Memory.layer))
 * ```
 *
 * @since 0.1.0
 */
export const layer = (options?: HealthOptions): Layer.Layer<Health, InvalidSetting, Store> =>
  Layer.effect(
    Health,
    Effect.gen(function*() {
      const limits = resolve(options ?? {})
      if (limits instanceof InvalidSetting) return yield* limits
      const store = yield* Store
      const workers = yield* Workers
      const delay = yield* loopDelay
      const reached = storeCheck(store, workers, limits.timeout)
      const report = Effect.map(reached, ({ database, routing }): Report => {
        const all = [...workers]
        const checks = {
          database,
          renewal: renewal(all),
          eventLoop: eventLoop(delay(), limits.maxDelay),
          lag: lag(all, limits.maxLag),
          heldKeys: heldKeys(all, limits.maxParked),
          routing,
          workers: working(all),
          wakeUps: wakeUps(store.notListeningMillis())
        }
        return { status: worst(Object.values(checks)), checks }
      })
      return Health.of({ report })
    })
  )

interface Limits {
  readonly timeout: number
  readonly maxLag: number
  readonly maxParked: number
  readonly maxDelay: number
}

const resolve = (options: HealthOptions): Limits | InvalidSetting => {
  const limits = { timeout: 2_000, maxLag: 300_000, maxParked: 300_000, maxDelay: 500 }
  for (const name of ["timeout", "maxLag", "maxParked", "maxDelay"] as const) {
    const given = options[name]
    if (given === undefined) continue
    const millis = GivenDuration.millis(given)
    if (!(millis > 0)) return GivenDuration.refusal(name, given, "a positive duration is needed")
    limits[name] = millis
  }
  return limits
}

const renewal = (workers: ReadonlyArray<WorkerState>): Check => {
  const late = workers.filter((worker) => worker.left() < worker.leaseMillis / 2)
  return late.length === 0
    ? ok("Leases are renewed on time.")
    : degraded(
      late.map((worker) =>
        `Consumer "${worker.consumer}": leases of ${worker.leaseMillis} ms end in ${
          Math.max(0, Math.round(worker.left()))
        } ms, and should have been renewed before. Look for a blocked event loop or a slow database.`
      ).join(" ")
    )
}

const eventLoop = (millis: number, most: number): Check => {
  const text = `The event loop was blocked for ${Math.round(millis)} ms at most in the last seconds`
  return millis <= most
    ? ok(`${text}.`)
    : degraded(`${text}, more than ${most} ms. Move long computations out of the handlers (into a worker thread).`)
}

const lag = (workers: ReadonlyArray<WorkerState>, most: number): Check => {
  const bad: Array<string> = []
  let longest = 0
  for (const worker of workers) {
    const queue = worker.queue()
    if (queue === undefined) continue
    if (queue.ageMillis > staleMillis) {
      bad.push(`The state of the queue of "${worker.consumer}" is unknown for ${seconds(queue.ageMillis)}.`)
      continue
    }
    const lagMillis = queue.status.lagMillis
    longest = Math.max(longest, lagMillis)
    if (lagMillis <= most) continue
    bad.push(
      `Consumer "${worker.consumer}" is ${seconds(lagMillis)} behind, with ${
        many(queue.status.waiting)
      } messages. Look at its handlers' duration, its retries and its hottest key, or run more workers.`
    )
  }
  return bad.length > 0 ? degraded(bad.join(" ")) : ok(`No queue is behind by more than ${seconds(longest)}.`)
}

/** Checks for keys that wait for an operator. Their messages do not count for the lag. */
const heldKeys = (workers: ReadonlyArray<WorkerState>, most: number): Check => {
  const bad: Array<string> = []
  let [parked, delayed] = [0, 0]
  // Workers of one consumer read the same queue, so the queue counts once.
  const read = workers.filter((worker) => worker.queue() !== undefined)
  const queues = new Map(read.map((worker) => [worker.consumer, worker.queue()!.status]))
  for (const [consumer, status] of queues) {
    parked += status.parkedKeys
    delayed += status.delayedKeys
    if (status.parkedKeys === 0 || status.parkedMillis <= most) continue
    const behind = status.unsettled - status.waiting
    bad.push(
      `Consumer "${consumer}": parked keys wait for an operator (${many(status.parkedKeys)}), the oldest for ${
        seconds(status.parkedMillis)
      }, and ${
        status.unsettled < counted ? behind : `${behind} or more`
      } messages wait behind held keys. Redrive, discard or release their dead letters.`
    )
  }
  return bad.length > 0
    ? degraded(bad.join(" "))
    : ok(`Keys that are parked: ${many(parked)}. Keys that are held for a retry: ${many(delayed)}.`)
}

/** The store counts to this number, so a count of it may mean more. */
const counted = 10_000

const many = (count: number): string => count < counted ? String(count) : `${count} or more`

const cannot: Readonly<Record<Failing["what"], string>> = {
  read: "read its messages",
  commit: "commit anything",
  publish: "publish anything to the other engine"
}

/**
 * Checks the workers. A worker that cannot read or commit processes nothing, even if the database responds. A relay
 * processes nothing, either, if the other engine confirms no message.
 */
const working = (workers: ReadonlyArray<WorkerState>): Check => {
  const stopping = workers.filter((worker) => worker.stopping()).map((worker) => `"${worker.consumer}"`)
  const bad = stopping.length > 0 ? [`Workers that are stopping, and take nothing more: ${stopping.join(", ")}.`] : []
  let useless = 0
  for (const worker of workers) {
    const failing = worker.failing().filter(({ millis }) => millis > failingMillis)
    if (failing.length > 0) useless++
    for (const { detail, millis, what } of failing) {
      bad.push(
        `Consumer "${worker.consumer}" has not been able to ${cannot[what]} for ${seconds(millis)}. ${detail}`
      )
    }
    if (worker.stranded()) {
      bad.push(
        `Consumer "${worker.consumer}": messages wait in lanes that no worker has, and this one cannot claim them. `
          + "Look for an open transaction that has locked them."
      )
    }
  }
  if (useless > 0 && useless === workers.length) return { status: "down", reason: bad.join(" ") }
  return bad.length > 0
    ? degraded(bad.join(" "))
    : ok(`${workers.length} ${workers.length === 1 ? "worker runs" : "workers run"} in this process.`)
}

const wakeUps = (millis: number): Check =>
  millis === 0
    ? ok("This process receives notifications of other processes.")
    : degraded(
      `This process may have missed notifications of other processes for ${
        seconds(millis)
      }. Messages are found by polling; none is lost. `
        + "It listens again by itself. If this lasts, look for a proxy that drops idle connections."
    )

const seconds = (millis: number): string => `${Math.round(millis / 100) / 10} s`
