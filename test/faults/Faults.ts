/**
 * Injects faults at named moments of a process by wrapping the two ports. The library's own code has nothing of it.
 *
 * `Faults.layer(plan)` decorates the Store and the Transport of a context. Each call passes its {@link Moment}s, which
 * are counted. At the n-th passing the plan's fault strikes. The process is killed, or the call fails, is late, or
 * never returns. `plan.note` is called synchronously before each fault, so that a history has it even if the process
 * dies a moment later. The pipeline itself passes the moments inside its own steps (`at`).
 *
 * It does not reach the wire. For an answer to COMMIT that never comes, put a proxy in front of the database.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type { Delivery, DeliveryContext } from "../../src/Delivery.ts"
import { StoreFailure, TransientFailure, TransportError, UnknownOutcome } from "../../src/Errors.ts"
import { type Store, Transaction } from "../../src/Store.ts"
import * as HookedPorts from "../../src/testing/HookedPorts.ts"
import type { Subscription, Transport } from "../../src/Transport.ts"
import type { Moment, windows } from "./CrashWindows.ts"

export { type Moment, windows } from "./CrashWindows.ts"

/**
 * The name of a crash window.
 *
 * @since 0.1.0
 */
export type Window = keyof typeof windows

/**
 * The kinds of faults.
 *
 * - `Kill` ends the process with SIGKILL, at once or after a time, in which a call under way continues.
 * - `Fail` makes the call fail in the way its port allows. Before a call nothing was done, after it everything was (a
 *   COMMIT then has an unknown outcome).
 * - `Delay` makes it late. `Stall` does not return until it is interrupted.
 *
 * @since 0.1.0
 */
export type FaultAction =
  | { readonly _tag: "Kill"; readonly after?: Duration.Input | undefined }
  | { readonly _tag: "Fail" }
  | { readonly _tag: "Delay"; readonly duration: Duration.Input }
  | { readonly _tag: "Stall" }

/**
 * One fault.
 *
 * @since 0.1.0
 */
export interface Fault {
  readonly at: Moment
  /** At the passing with this number; default 1, the first one. */
  readonly nth?: number | undefined
  /** At that one and at every one after it. */
  readonly always?: boolean | undefined
  readonly action: FaultAction
}

/**
 * A fault that is about to strike.
 *
 * @since 0.1.0
 */
export interface Hit {
  readonly moment: Moment
  /** The number of this passing of the moment, from 1. */
  readonly nth: number
  readonly action: FaultAction["_tag"]
}

/**
 * The faults of a process, and the function that records them.
 *
 * @since 0.1.0
 */
export interface Plan {
  readonly faults: ReadonlyArray<Fault>
  /** Called synchronously before a fault strikes. */
  readonly note?: ((hit: Hit) => void) | undefined
  /** Default: SIGKILL to this process. */
  readonly kill?: (() => void) | undefined
}

/**
 * The places of one process.
 *
 * @since 0.1.0
 */
export class Faults extends Context.Service<Faults, {
  /**
   * Passes a moment: what the plan says happens. `fail` is the error of a planned failure; without one it is a defect.
   * A kill that is to come later does not come any more if `during` then says that the moment is over.
   */
  readonly at: <E = never>(moment: Moment, fail?: () => E, during?: () => boolean) => Effect.Effect<void, E>
  /** Whether the plan has anything for the moment. */
  readonly planned: (moment: Moment) => boolean
  /** How often each moment was passed. */
  readonly passed: ReadonlyMap<Moment, number>
  /** By message id: what was handed over to this process and is not settled. */
  readonly handed: Map<string, Delivery>
}>()("millrace/testing/Faults") {}

/** The open transaction. `group` is the commit of a group, and `transact` is any other transaction. */
interface Open {
  readonly kind: "group" | "transact"
  /** The deliveries that the fence let pass. */
  readonly deliveries: Map<string, Delivery>
  steps: number
}

const Current = Context.Reference<Open | undefined>("millrace/testing/Faults/Current", {
  defaultValue: () => undefined
})

/**
 * Passes `commitStep.first` for a commit step, or `commitStep.next` if another member's step ran in this transaction
 * before. Returns the delivery with its fencing token.
 *
 * @since 0.1.0
 */
export const commitStep = (delivered: DeliveryContext): Effect.Effect<Delivery | undefined, never, Faults> =>
  Effect.gen(function*() {
    const faults = yield* Faults
    const open = yield* Current
    if (open === undefined) return undefined
    yield* faults.at(open.steps++ === 0 ? "commitStep.first" : "commitStep.next")
    return open.deliveries.get(delivered.message.id)
  })

/**
 * Passes a moment of a pipeline's own step.
 *
 * @since 0.1.0
 */
export const at = (moment: Moment): Effect.Effect<void, never, Faults> => Faults.use((faults) => faults.at(moment))

/**
 * The faults of a plan.
 *
 * @since 0.1.0
 */
export const make = (plan: Plan): Faults["Service"] => {
  const passed = new Map<Moment, number>()
  const kill = plan.kill ?? (() => void process.kill(process.pid, "SIGKILL"))
  const strike = <E>(
    fault: Fault,
    nth: number,
    fail: (() => E) | undefined,
    during: () => boolean
  ): Effect.Effect<void, E> => {
    const { action, at: moment } = fault
    if (action._tag === "Kill" && action.after !== undefined) {
      const later = { ...fault, action: { _tag: "Kill" } as const }
      return Effect.andThen(
        Effect.sleep(action.after),
        Effect.suspend(() => during() ? strike(later, nth, fail, during) : Effect.void)
      )
    }
    plan.note?.({ moment, nth, action: action._tag })
    switch (action._tag) {
      case "Kill":
        kill()
        return Effect.never
      case "Fail":
        return fail === undefined ? Effect.die(new Error(`planned at ${moment}`)) : Effect.fail(fail())
      case "Delay":
        return Effect.sleep(action.duration)
      case "Stall":
        return Effect.never
    }
  }
  return {
    passed,
    handed: new Map(),
    planned: (moment) => plan.faults.some((fault) => fault.at === moment),
    at: (moment, fail, during) =>
      Effect.suspend(() => {
        const nth = (passed.get(moment) ?? 0) + 1
        passed.set(moment, nth)
        const fault = plan.faults.find((fault) =>
          fault.at === moment && (fault.always === true ? nth >= (fault.nth ?? 1) : nth === (fault.nth ?? 1))
        )
        return fault === undefined ? Effect.void : strike(fault, nth, fail, during ?? (() => true))
      })
  }
}

const detail = "a planned failure"
const storeFailure = (operation: string) => () =>
  new StoreFailure({ operation, kind: "unavailable", code: "", detail, hint: "Try again." })
const transportError = (operation: string) => () =>
  new TransportError({ engine: "faults", operation, kind: "temporary", detail })
const transientFailure = () => new TransientFailure({ kind: "unavailable", code: "", detail })
const unknown = () => new UnknownOutcome({ detail })

/** A call between its two moments. */
const around = <A, E, R, E2>(
  faults: Faults["Service"],
  call: "removeInTransaction" | "acknowledge" | "claim" | "emit" | "deadLetter" | "hold" | "register" | "isolate",
  effect: Effect.Effect<A, E, R>,
  fail: () => E2
): Effect.Effect<A, E | E2, R> =>
  faults.at(`${call}.before`, fail).pipe(
    Effect.andThen(effect),
    Effect.tap(() => faults.at(`${call}.after`, fail))
  )

/** As {@link around}, with a moment while the call is under way: it has begun, and has not ended. */
const throughout = <A, E, R, E2>(
  faults: Faults["Service"],
  call: "renew" | "release" | "redrive" | "discard" | "close",
  effect: Effect.Effect<A, E, R>,
  fail: () => E2
): Effect.Effect<A, E | E2, R> => {
  const during: Effect.Effect<A, E | E2, R> = faults.planned(`${call}.during`)
    ? Effect.flatMap(Effect.forkChild(effect, { startImmediately: true }), (fiber) => {
      const running = () => fiber.pollUnsafe() === undefined
      return Effect.andThen(
        Effect.suspend(() => running() ? faults.at(`${call}.during`, fail, running) : Effect.void),
        Effect.onInterrupt(Fiber.join(fiber), () => Fiber.interrupt(fiber))
      )
    })
    : effect
  return faults.at(`${call}.before`, fail).pipe(
    Effect.andThen(during),
    Effect.tap(() => faults.at(`${call}.after`, fail))
  )
}

/** The moments of store and transport, as hooks. */
const hooks = (faults: Faults["Service"]): HookedPorts.Hooks<Open> => ({
  transactions: transactions(faults),
  inbox: {
    claim: (claim) => (consumer, claims) => around(faults, "claim", claim(consumer, claims), storeFailure("claim ids"))
  },
  outbox: {
    write: (write) => (messages, later) => {
      const written = write(messages, later)
      const fail = storeFailure("publish")
      return Effect.flatMap(
        Effect.all([Current, Effect.serviceOption(Transaction)]),
        ([open, transaction]) =>
          open?.kind === "group"
            ? around(faults, "emit", written, fail)
            : faults.at("write.before", fail).pipe(
              Effect.andThen(written),
              Effect.andThen(faults.at(transaction._tag === "Some" ? "write.inserted" : "write.after", fail))
            )
      )
    }
  },
  deadLetters: {
    add: (add) => (consumer, entries) =>
      around(faults, "deadLetter", add(consumer, entries), storeFailure("dead-letter a message")),
    redrive: (redrive) => (deadLetterId, action, edit) =>
      throughout(faults, "redrive", redrive(deadLetterId, action, edit), storeFailure("redrive a dead letter")),
    discard: (discard) => (deadLetterId, action) =>
      throughout(faults, "discard", discard(deadLetterId, action), storeFailure("discard a dead letter"))
  },
  consumers: {
    register: (register) => (registration) =>
      around(faults, "register", register(registration), storeFailure("register the consumer"))
  },
  subscription: subscription(faults),
  close: (close) => Effect.orDie(throughout(faults, "close", close, transportError("close")))
})

const transactions = (faults: Faults["Service"]): HookedPorts.TransactionHooks<Open> => ({
  current: Current,
  begin: (purpose) => ({ kind: purpose === "commit" ? "group" : "transact", deliveries: new Map(), steps: 0 }),
  inside: (body, { kind }) =>
    faults.at(`${kind}.begun`, transientFailure).pipe(
      Effect.andThen(body),
      Effect.tap(() => faults.at(`${kind}.ended`, transientFailure))
    ),
  outside: (whole, { kind }) =>
    faults.at(`${kind}.before`, transientFailure).pipe(
      Effect.andThen(whole),
      Effect.tapError((error) => isStepFailed(error) ? faults.at(`${kind}.rolledBack`) : Effect.void),
      Effect.tap(() => faults.at(`${kind}.after`, unknown))
    ),
  // A planned failure looks as an unanswered COMMIT does, so the group is composed again.
  data: (commit) =>
    faults.at("group.before", unknown).pipe(
      Effect.andThen(commit),
      Effect.tap(() => faults.at("group.after", unknown)),
      Effect.catchIf((error): error is UnknownOutcome => error instanceof UnknownOutcome, () => Effect.succeed(false))
    )
})

/** The committer's name for the failure of a member's own step. */
const isStepFailed = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "StepFailed"

const subscription = (faults: Faults["Service"]): HookedPorts.CallHooks<Subscription> => ({
  take: (take, inner) => (demand, accept) => {
    const fail = transportError("read messages")
    let accepted: ReadonlyArray<Delivery> = []
    const taking = take(demand, (deliveries) => {
      accepted = deliveries
      for (const delivery of deliveries) faults.handed.set(delivery.message.id, delivery)
      accept(deliveries)
    })
    return faults.at("take.before", fail).pipe(
      Effect.andThen(watched(inner, faults, taking)),
      Effect.andThen(Effect.suspend(() => accepted.length === 0 ? Effect.void : faults.at("accept.after", fail))),
      Effect.andThen(faults.at("take.after", fail))
    )
  },
  renew: (renew) => (leases) => throughout(faults, "renew", renew(leases), transportError("renew leases")),
  removeInTransaction: (removeInTransaction) => (deliveries) =>
    Effect.flatMap(Current, (open) => {
      const settled = Effect.tap(removeInTransaction(deliveries), (ours) =>
        Effect.sync(() => {
          for (const delivery of ours) open?.deliveries.set(delivery.message.id, delivery)
        }))
      return open?.kind === "group"
        ? around(faults, "removeInTransaction", settled, transportError("settle messages"))
        : settled
    }),
  acknowledge: (acknowledge) => (deliveries) => {
    const settled = Effect.tap(acknowledge(deliveries), () =>
      Effect.sync(() => {
        for (const delivery of deliveries) faults.handed.delete(delivery.message.id)
      }))
    return around(faults, "acknowledge", settled, transportError("acknowledge messages"))
  },
  drop: (drop) => (deliveries) =>
    Effect.tap(drop(deliveries), () =>
      Effect.sync(() => {
        for (const delivery of deliveries) faults.handed.delete(delivery.message.id)
      })),
  hold: (put) => (delivery, attempts, hold) =>
    around(faults, "hold", put(delivery, attempts, hold), transportError("hold a key")),
  isolate: (isolate) => (delivery) => around(faults, "isolate", isolate(delivery), transportError("isolate a message")),
  release: (release) => (leases) => throughout(faults, "release", release(leases), transportError("release leases"))
})

/**
 * Looks for a newly claimed lane at every turn of the event loop, while a take is under way and has read nothing. A
 * token does not tell the lane's owner before, so a plan names one of the two moments.
 */
const watched = <A, E>(
  inner: Subscription,
  faults: Faults["Service"],
  take: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  if (!faults.planned("take.claimed") && !faults.planned("take.takenOver")) return take
  const before = new Set(inner.held())
  const look: Effect.Effect<void> = Effect.suspend(() => {
    const claimed = inner.held().filter((lease) => !before.has(lease))
    if (claimed.length === 0) return Effect.andThen(Effect.yieldNow, look)
    return faults.at(faults.planned("take.claimed") ? "take.claimed" : "take.takenOver")
  })
  return Effect.raceFirst(take, Effect.andThen(look, Effect.never))
}

/**
 * Store and transport of the context, with the plan's faults; and {@link Faults} for a pipeline's own steps.
 *
 * @since 0.1.0
 */
export const layer = (plan: Plan): Layer.Layer<Faults | Store | Transport, never, Store | Transport> =>
  Layer.suspend(() => {
    const faults = make(plan)
    return Layer.merge(Layer.succeed(Faults, faults), HookedPorts.layer(hooks(faults)))
  })
