/**
 * Runs suspects alone. A suspect is a message that was in flight in processes that crashed. Running alone shows which
 * message crashes the process, and only that message becomes a dead letter.
 *
 * A transport counts, for each message, the crashes of workers that held it. From `maxCrashes - 1` crashes on the
 * message is a suspect. A suspect waits until nothing else runs **in this process**, other workers included. Messages
 * that still run after a while are interrupted, and no attempt is counted for them. Then the store records that only
 * the suspect runs, and the suspect starts. If the process now crashes, only the suspect's crash count rises, and at
 * `maxCrashes` it becomes a dead letter `crashed`. If the suspect ends in any other way, no crash is counted.
 *
 * The store's record is the proof that the suspect ran alone. A crash before the record is written, or after it was
 * taken back, proves nothing. Such crashes only make suspects of the messages in flight, however many they are
 * (`CrashStatus.ts`). Nothing starts beside a suspect before the record is taken back. One error remains possible: a
 * crash between the record and the start is counted for a message that did not run.
 *
 * A suspect runs alone for the duration of one lease at most, since a step that hangs must not stop every worker of the
 * process. After this time the other messages run beside the suspect. A later crash is counted for every message in
 * flight. In this process the message is not a suspect again. After each further crash a suspect may run alone for one
 * lease duration more, up to eight. So a message that crashes its process late is found, too. After a suspect that used
 * its whole time, the other messages have the same time before the next suspect runs alone. So suspects that hang,
 * however many, take at most half of the time.
 *
 * All workers of a process share one `ProcessWorkers` (a `Context.Reference` with a shared default), since a crash ends
 * all of them.
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

/** One worker of this process: its messages, and the subscription that records which of them runs alone. */
interface WorkerInProcess {
  readonly inFlight: InFlight
  readonly subscription: Subscription
}

/** The workers of this process, and the permit under which one suspect runs alone. */
export class ProcessWorkers {
  readonly members = new Set<WorkerInProcess>()
  readonly alone = Semaphore.makeUnsafe(1)
}

export const Process: Context.Reference<ProcessWorkers> = Context.Reference("millrace/worker/CrashIsolation/Process", {
  defaultValue: () => new ProcessWorkers()
})

/** How long running attempts may continue before they are interrupted for a suspect. They run again later. */
const patience = "5 seconds"

/** Runs each suspect of this worker alone, one after the other. */
export const make = Effect.fnUntraced(function*(options: {
  readonly consumer: string
  readonly settings: Settings
  readonly inFlight: InFlight
  readonly subscription: Subscription
}): Effect.fn.Return<void, never, Scope.Scope> {
  const shared = yield* Process
  const { consumer, inFlight, settings, subscription } = options
  const { flow } = inFlight
  const member: WorkerInProcess = { inFlight, subscription }
  // A worker that joins while a suspect runs alone first waits for the suspect's end, which has a bound. Otherwise a
  // crash of the suspect would also be counted for the new worker's messages.
  yield* Effect.addFinalizer(() => Effect.sync(() => shared.members.delete(member)))
  yield* shared.alone.withPermit(Effect.sync(() => shared.members.add(member)))

  /**
   * Runs one suspect alone. Returns for how many milliseconds the other messages run before the next suspect may run
   * alone. That is 0 if the suspect ended in its time, and else the time that it took from the others.
   */
  const one = (entry: Entry): Effect.Effect<number> =>
    Effect.scoped(Effect.gen(function*() {
      for (const other of shared.members) yield* quiet(other)
      // The record that names the suspect is written last, just before the start. A crash between the two is counted
      // for a message that did not run, so this time must be short.
      for (const other of shared.members) if (other !== member) yield* shield(other.subscription, undefined)
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
      const turn = shared.alone.withPermit(
        Effect.suspend(() => inFlight.mayStart(entry) ? one(entry) : Effect.succeed(0))
      )
      return Effect.flatMap(turn, (rest) => rest === 0 ? Effect.void : Effect.sleep(rest))
    }
    flow.quarantined.closeUnsafe()
    return flow.quarantined.await
  }))
  yield* Effect.forkScoped(loop)
})

/** Keeps this worker from starting turns until the scope closes, and waits until none of its turns runs. */
const quiet = (
  { inFlight: { flow, interruptForSuspect } }: WorkerInProcess
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => flow.quarantine()),
    () => Effect.sync(() => flow.endQuarantine())
  ).pipe(
    Effect.andThen(
      Effect.timeoutOrElse(flow.idle, {
        duration: patience,
        orElse: () => Effect.andThen(interruptForSuspect, flow.idle)
      })
    )
  )

/**
 * Records with this subscription which message runs alone, or with undefined that none of its messages runs. The
 * request is repeated until it succeeds, and the record is taken back when the scope closes.
 */
const shield = (subscription: Subscription, delivery: Delivery | undefined): Effect.Effect<void, never, Scope.Scope> =>
  Effect.catch(
    subscription.isolate(delivery),
    (error: TransportError) =>
      Effect.logWarning(error.message).pipe(
        Effect.andThen(Effect.sleep("200 millis")),
        Effect.andThen(shield(subscription, delivery))
      )
  )
