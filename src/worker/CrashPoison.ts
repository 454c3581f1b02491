/**
 * Messages that were in the hands of dead processes run alone, so that the one that kills is found and no innocent is
 * counted with it.
 *
 * A transport counts, for each message, the owners that died with it in their hands. At `maxDeliveries - 1` the message is a
 * suspect: it waits until nothing else runs **in this process** (other workers included), the store is told that nothing else
 * is at risk, and it runs. If the process dies again, only this message is counted, and becomes a dead letter `crashed`;
 * if it ends in any other way, it is cleared. Others are interrupted after a while, uncounted, to make room.
 *
 * The gate is one a process (a `Context.Reference` with a shared default), since a process dies as a whole.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Delivery } from "../Delivery.ts"
import type { TransportError } from "../Errors.ts"
import type { Subscription } from "../Transport.ts"
import type { Entry, InFlight } from "./InFlight.ts"

/** One worker of the process, as the gate sees it. */
interface Member {
  readonly inFlight: InFlight
  readonly subscription: Subscription
  /** Starts what was paused. */
  readonly resume: Effect.Effect<void>
}

/** The workers of this process, and the right to be the only one that runs something. */
export class Gate {
  readonly members = new Set<Member>()
  readonly alone = Semaphore.makeUnsafe(1)
}

export const Process: Context.Reference<Gate> = Context.Reference<Gate>("millrace/worker/CrashPoison/Process", {
  defaultValue: () => new Gate()
})

/** How long running attempts may go on before they are interrupted (and run again later) for a suspect. */
const patience = "5 seconds"

/** Runs each suspect of this worker alone, one after the other. */
export const make = Effect.fnUntraced(function*(options: {
  readonly inFlight: InFlight
  readonly subscription: Subscription
  readonly resume: Effect.Effect<void>
  readonly run: (entry: Entry) => Effect.Effect<void>
}): Effect.fn.Return<void, never, Scope.Scope> {
  const gate = yield* Process
  const { inFlight } = options
  const member: Member = options
  yield* Effect.acquireRelease(
    Effect.sync(() => gate.members.add(member)),
    () => Effect.sync(() => gate.members.delete(member))
  )

  const one = (entry: Entry): Effect.Effect<void> =>
    Effect.scoped(Effect.gen(function*() {
      for (const other of gate.members) yield* quiet(other)
      for (const other of gate.members) yield* shield(other.subscription, other === member ? entry.delivery : undefined)
      inFlight.start(entry)
      yield* options.run(entry)
    }))

  const loop = Effect.forever(Effect.suspend(() => {
    const entry = inFlight.suspects.shift()
    if (entry !== undefined) return gate.alone.withPermit(one(entry))
    inFlight.suspected.closeUnsafe()
    return inFlight.suspected.await
  }))
  yield* Effect.forkScoped(loop)
})

/** Starts nothing more in this worker until the scope closes, and waits until what runs has ended. */
const quiet = (member: Member): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => member.inFlight.pause()),
    () => Effect.andThen(Effect.sync(() => member.inFlight.resume()), member.resume)
  ).pipe(
    Effect.andThen(
      Effect.timeoutOrElse(idle(member.inFlight), {
        duration: patience,
        orElse: () => Effect.andThen(interruptAll(member.inFlight), idle(member.inFlight))
      })
    )
  )

const idle = (inFlight: InFlight): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (inFlight.runningEntries.size === 0) return Effect.void
    const ended = Latch.makeUnsafe(false)
    inFlight.onEnd(ended)
    return Effect.andThen(ended.await, idle(inFlight))
  })

const interruptAll = (inFlight: InFlight): Effect.Effect<void> =>
  Effect.suspend(() => {
    const fibers: Array<Fiber.Fiber<unknown>> = []
    for (const entry of inFlight.runningEntries) {
      entry.again = true
      if (entry.fiber !== undefined) fibers.push(entry.fiber)
    }
    return Fiber.interruptAll(fibers)
  })

/** Without the store's knowledge nothing may run alone: tries until it is told. */
const shield = (subscription: Subscription, delivery: Delivery | undefined): Effect.Effect<void, never, Scope.Scope> =>
  Effect.catch(
    subscription.isolate(delivery),
    (error: TransportError) =>
      Effect.logWarning(error.message).pipe(
        Effect.andThen(Effect.sleep("200 millis")),
        Effect.andThen(shield(subscription, delivery))
      )
  )
