/**
 * Messages that were in the hands of dead processes run alone, so that the one that kills is found and no innocent is
 * counted with it.
 *
 * A transport counts, for each message, the owners that died with it in their hands. From `maxCrashes - 1` on the message is a
 * suspect: it waits until nothing else runs **in this process** (other workers included), the store is told that nothing else
 * is at risk, and it runs. If the process dies again, only this message is counted, and becomes a dead letter `crashed`;
 * if it ends in any other way, nothing is counted. Others are interrupted after a while, uncounted, to make room.
 *
 * The proof is the store's record that it runs alone. A process that dies before this record is written, or after it was taken back,
 * proves nothing: what it had in hand are suspects, however often that happens (`Verdict.ts`). Nothing starts beside a suspect before the
 * record is taken back. One error is left: a process that dies between the record and the start convicts a message that did not run.
 *
 * It is alone for one lease's time at most: a step that hangs is not one that kills, and must not stop every worker of the process.
 * Then the others go on beside it, and it is counted as they are: as one of those in hand, should the process die later. In this
 * process it is no suspect again. In the next one it has a lease's time more, up to eight, so that one which kills late is found. Before the
 * next suspect runs alone the others have as long: suspects that hang, however many, take half of the time.
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
  // Who joins while a suspect runs alone waits for its end, which is bounded: begun beside it, its messages would be counted with it.
  yield* Effect.addFinalizer(() => Effect.sync(() => gate.members.delete(member)))
  yield* gate.alone.withPermit(Effect.sync(() => gate.members.add(member)))

  /** Answers how long the others are to have before the next one: as long as they waited for one that hangs. */
  const one = (entry: Entry): Effect.Effect<number> =>
    Effect.scoped(Effect.gen(function*() {
      for (const other of gate.members) yield* quiet(other)
      // The record that names the message is the last one: a death between it and the start convicts a message that did not run.
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
      `A message that was in the hands of dying processes ran alone for ${millis} ms and has not ended: it goes on, and the `
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
