/**
 * Runs suspects alone. A suspect is a message that was in flight in processes that crashed. So the message that kills
 * is found, and no other message is counted with it.
 *
 * A transport counts, for each message, the owners that crashed while they held it. From `maxCrashes - 1` on the
 * message is a suspect. It waits until nothing else runs **in this process**, other workers included. Then the store
 * records that nothing else is at risk, and the suspect runs. If the process crashes again, only this message is
 * counted, and it becomes a dead letter `crashed`. If the suspect ends in any other way, nothing is counted. Other
 * messages are interrupted after a while, uncounted, to make room.
 *
 * The proof is the store's record that the suspect runs alone. A crash before this record is written, or after it was
 * taken back, proves nothing. The messages in flight are then suspects, however often that happens (`CrashStatus.ts`).
 * Nothing starts beside a suspect before the record is taken back. One error is left: a crash between the record and
 * the start blames a message that did not run.
 *
 * A suspect runs alone for one lease's time at most, since a step that hangs must not stop every worker of the process.
 * Then the others continue beside it. If the process crashes later, it is counted like each message in flight. In this
 * process it is no suspect again. In the next process it has one lease's time more, up to eight, so that a message that
 * kills late is found. The others then have the same time before the next suspect runs alone. So suspects that hang,
 * however many, take half of the time.
 *
 * The gate is one a process (a `Context.Reference` with a shared default), since a process dies as a whole.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Delivery } from "../../Delivery.ts"
import type { TransportError } from "../../Errors.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Subscription } from "../../Transport.ts"
import type { Entry, InFlight } from "../fetch/InFlight.ts"
import type { Settings } from "../start/Settings.ts"
import { leasesAlone } from "./CrashStatus.ts"

/** One worker of the process, as the gate sees it. */
interface WorkerInProcess {
  readonly inFlight: InFlight
  readonly subscription: Subscription
}

/** The workers of this process, and the right to be the only one that runs something. */
export class Gate {
  readonly members = new Set<WorkerInProcess>()
  readonly alone = Semaphore.makeUnsafe(1)
}

export const Process: Context.Reference<Gate> = Context.Reference<Gate>("millrace/worker/CrashPoison/Process", {
  defaultValue: () => new Gate()
})

/** How long running attempts may go on before they are interrupted (and run again later) for a suspect. */
const patience = "5 seconds"

/** Runs each suspect of this worker alone, one after the other. */
export const make = Effect.fnUntraced(function*(options: {
  readonly consumer: string
  readonly settings: Settings
  readonly inFlight: InFlight
  readonly subscription: Subscription
}): Effect.fn.Return<void, never, Scope.Scope> {
  const gate = yield* Process
  const { consumer, inFlight, settings, subscription } = options
  const { flow } = inFlight
  const member: WorkerInProcess = { inFlight, subscription }
  // A worker that joins while a suspect runs alone first waits until the suspect ends, for a bounded time.
  // Otherwise a crash of the suspect would also be counted for the new worker's messages.
  yield* Effect.addFinalizer(() => Effect.sync(() => gate.members.delete(member)))
  yield* gate.alone.withPermit(Effect.sync(() => gate.members.add(member)))

  /** Returns the time that the others have before the next suspect: the time that they waited for one that hangs. */
  const one = (entry: Entry): Effect.Effect<number> =>
    Effect.scoped(Effect.gen(function*() {
      for (const other of gate.members) yield* quiet(other)
      // The record that names the message is the last one: a crash between it and the start blames a message that did
      // not run.
      for (const other of gate.members) if (other !== member) yield* shield(other.subscription, undefined)
      yield* shield(subscription, entry.delivery)
      if (!inFlight.startAlone(entry)) return 0
      const millis = settings.leaseMillis * leasesAlone(entry.delivery, settings)
      const ended = yield* Effect.timeoutOption(flow.ended(entry), millis)
      if (Option.isSome(ended)) return 0
      yield* survived(entry, millis)
      return millis
    }))

  const survived = (entry: Entry, millis: number): Effect.Effect<void> => {
    inFlight.survive(entry)
    return Effect.logWarning(
      `A message that was in flight in crashed processes ran alone for ${millis} ms and has not ended: it continues, and the `
        + `others with it. If its steps hang, bound them with Pipeline.timeout.`
    ).pipe(Effect.annotateLogs(Telemetry.logFields(consumer, entry.delivery, entry.delivery.attempts.length + 1)))
  }

  const loop = Effect.forever(Effect.suspend(() => {
    const entry = flow.nextAlone()
    if (entry !== undefined) {
      const turn = gate.alone.withPermit(
        Effect.suspend(() => inFlight.mayStart(entry) ? one(entry) : Effect.succeed(0))
      )
      return Effect.flatMap(turn, (rest) => rest === 0 ? Effect.void : Effect.sleep(rest))
    }
    flow.quarantined.closeUnsafe()
    return flow.quarantined.await
  }))
  yield* Effect.forkScoped(loop)
})

/** Starts nothing more in this worker until the scope closes, and waits until nothing of it runs. */
const quiet = ({ inFlight: { flow, makeRoom } }: WorkerInProcess): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => flow.quarantine()),
    () => Effect.sync(() => flow.endQuarantine())
  ).pipe(
    Effect.andThen(
      Effect.timeoutOrElse(flow.idle, { duration: patience, orElse: () => Effect.andThen(makeRoom, flow.idle) })
    )
  )

/** Writes the record before a suspect may run alone. Repeats it until it is written. */
const shield = (subscription: Subscription, delivery: Delivery | undefined): Effect.Effect<void, never, Scope.Scope> =>
  Effect.catch(
    subscription.isolate(delivery),
    (error: TransportError) =>
      Effect.logWarning(error.message).pipe(
        Effect.andThen(Effect.sleep("200 millis")),
        Effect.andThen(shield(subscription, delivery))
      )
  )
