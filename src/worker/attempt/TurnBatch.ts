/**
 * Runs the turns of pure pipelines without a fiber for each message.
 *
 * If no step before the commit phase waits, a turn is decoded, runs its steps and joins a group in one synchronous
 * call. `test/bench/README.md` shows what a fiber for each of them costs.
 * The messages that wait behind it in its key join with it, as in `KeyBatch.ts`. One fiber settles the turns whose
 * groups have ended, many at a time.
 *
 * The batch leaves a special turn to a fiber. Its message has failed before, was redriven, is a suspect of a crash or
 * does not decode, or one of its steps throws. A turn that fails in its commit also continues in a fiber, with that
 * failure. So attempts and outcomes are the same in both cases.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { NotTaken } from "../../internal/flow/Turn.ts"
import * as Tracing from "../../internal/Tracing.ts"
import type * as Pipeline from "../../Pipeline.ts"
import type { Committer } from "../commit/Committer.ts"
import { type MemberOutcome, passed, type Ready } from "../commit/GroupCommit.ts"
import type { Entry } from "../fetch/InFlight.ts"
import { crashStatus } from "../lease/CrashStatus.ts"
import type { Settings } from "../start/Settings.ts"
import type { Attempt, Turn } from "./Attempt.ts"
import * as Disposition from "./Disposition.ts"
import * as Steps from "./Steps.ts"

export interface Options extends Disposition.Options {
  readonly committer: Committer
  readonly attempt: Attempt
  readonly settings: Settings
}

export interface TurnBatch {
  /** Takes the turns that need no fiber, and returns the others. After a short time it leaves the rest for later. */
  readonly take: (entries: ReadonlyArray<Entry>) => NotTaken<Entry>
}

/**
 * How long, in nanoseconds, a batch runs users' functions before other fibers have their time. Without the bound, slow
 * functions of many messages could delay the renewal of leases.
 */
const longest = 10_000_000n

/** Turns of one key that are committed together: a message, and those that waited behind it. */
interface Run {
  readonly entries: NonEmptyReadonlyArray<Entry>
  readonly members: NonEmptyReadonlyArray<Ready>
  readonly began: bigint
}

interface EndedRun extends Run {
  readonly outcomes: NonEmptyReadonlyArray<MemberOutcome>
  /** The entries behind the first one that are neither settled nor put back. */
  readonly left: Set<Entry>
}

/** Whether turns may run in batches. If it is false, each turn has a fiber: tests run the same promises both ways. */
export const Permitted: Context.Reference<boolean> = Context.Reference<boolean>("millrace/worker/TurnBatch/Permitted", {
  defaultValue: () => true
})

/**
 * Returns whether the turns of this pipeline run in batches. Then only pure steps come before the commit phase, and
 * they have no timeout. An `atMostOnce` pipeline has fibers. So has a traced worker, since a span needs one.
 */
export const runs = ({ settings, steps }: Pick<Pipeline.Pipeline<unknown>, "settings" | "steps">) =>
  Effect.withFiber((fiber) =>
    Effect.succeed(
      settings.delivery !== "atMostOnce" && settings.timeout === undefined && Steps.arePure(steps) &&
        !Tracing.isOn(fiber) && fiber.getRef(Permitted)
    )
  )

/** Returns the batch of a worker, and runs its settling fiber in the scope. */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<TurnBatch, never, Scope.Scope> {
  const { attempt, committer, counters, inFlight, outcomes, pipeline, settings, store } = options
  const { flow } = inFlight
  const clock = yield* Clock.Clock
  const { forget, settled } = Disposition.make(options)
  const topics = new Map(pipeline.topics.map((topic) => [topic.name, topic]))
  const most = Math.min(store.maxGroup, pipeline.settings.group) - 1
  const ended = Latch.makeUnsafe(false)
  let endedRuns: Array<EndedRun> = []

  const readyOf = ({ delivery }: Entry): Ready | undefined => {
    const { message } = delivery
    if (delivery.attempts.length > 0 || delivery.redrive !== undefined) return undefined
    if (crashStatus(delivery, settings) !== "clear") return undefined
    const topic = topics.get(message.topic)
    const decoded = topic?.decodeNow(message)
    if (topic === undefined || decoded === undefined) return undefined
    const context = Disposition.contextOf(delivery, 1)
    const value: unknown = pipeline.union ? { topic: topic.name, value: decoded.value } : decoded.value
    const stepped = Steps.now(pipeline.steps, value, context)
    return stepped === undefined ? undefined : { delivery, context, stepped, span: undefined }
  }

  /**
   * Returns the run of an entry, and of those behind it that may join until this time. Returns undefined if the entry
   * needs a fiber.
   */
  const runOf = (entry: Entry, until: bigint): Run | undefined => {
    const first = readyOf(entry)
    if (first === undefined) return undefined
    const { message } = entry.delivery
    const entries: [Entry, ...Array<Entry>] = [entry]
    const members: [Ready, ...Array<Ready>] = [first]
    const behind = most > 0 && inFlight.waitsBehind(message) ? inFlight.takeBehind(entry.delivery, most) : []
    for (const follower of behind) {
      const ready = clock.monotonicTimeNanosUnsafe() > until ? undefined : readyOf(follower)
      if (ready === undefined) {
        inFlight.putBack(message, behind.slice(members.length - 1))
        break
      }
      entries.push(follower)
      members.push(ready)
    }
    return { entries, members, began: clock.monotonicTimeNanosUnsafe() }
  }

  const offer = (entry: Entry, run: Run): void => {
    const withdraw = committer.offer(run.members, (outcomes) => {
      endedRuns.push({ ...run, outcomes, left: new Set(run.entries.slice(1)) })
      ended.openUnsafe()
    })
    flow.held(entry, withdraw)
  }

  const take: TurnBatch["take"] = (entries) => {
    const until = clock.monotonicTimeNanosUnsafe() + longest
    const fibers: Array<Entry> = []
    let next = 0
    while (next < entries.length && (next === 0 || clock.monotonicTimeNanosUnsafe() <= until)) {
      const entry = entries[next++]!
      const run = runOf(entry, until)
      if (run === undefined) fibers.push(entry)
      else offer(entry, run)
    }
    return { fibers, later: entries.slice(next) }
  }

  /** Settles followers that were committed, and puts the others back behind the first entry. */
  const settleFollowers = Effect.fnUntraced(function*(run: EndedRun) {
    const { began, entries: [, ...followers], outcomes: [, ...ends] } = run
    for (let i = 0; i < followers.length; i++) {
      if (!passed(ends[i]!)) continue
      run.left.delete(followers[i]!)
      inFlight.settled(followers[i]!)
      yield* counters.attempt(followers[i]!.delivery, began)
      yield* settled(followers[i]!.delivery, ends[i]!)
    }
    yield* putBackLeft(run)
  })

  const putBackLeft = ({ entries: [first], left }: EndedRun): Effect.Effect<void> => {
    const back = [...left]
    left.clear()
    const dropped = inFlight.putBack(first.delivery.message, back)
    return Effect.forEach(dropped, ({ delivery }) => counters.outcome(delivery, "released"), { discard: true })
  }

  /** Continues a turn in a fiber. */
  const continueWith = (entry: Entry, turn: Turn): Effect.Effect<void> =>
    Effect.sync(() => flow.continueInFiber(entry, inFlight.work(entry, turn)))

  /** Settles a run with an outcome other than `Committed`. */
  const settleApart = (run: EndedRun): Effect.Effect<void> => {
    const { began, entries: [entry], outcomes: [outcome] } = run
    const { delivery } = entry
    const end = Effect.sync(() => flow.end(entry))
    const first = outcome._tag === "Failed"
      ? continueWith(entry, attempt.afterFailure(delivery, began, outcome))
      : outcome._tag !== "Skipped"
      ? Effect.andThen(Effect.andThen(counters.attempt(delivery, began), settled(delivery, outcome)), end)
      // The run was withdrawn before a transaction decided about its message. So a fiber runs the turn, unless the turn
      // may end without it.
      : Effect.suspend(() => inFlight.mayEnd(entry) ? end : continueWith(entry, attempt.turn(delivery)))
    return Effect.andThen(settleFollowers(run), first)
  }

  /** Settles runs that were committed as a whole, all at once. */
  const settleCommitted = (committed: ReadonlyArray<EndedRun>): Effect.Effect<void> => {
    const deliveries = committed.flatMap(({ entries }) => entries.map(({ delivery }) => delivery))
    const began = committed.flatMap((run) => run.entries.map(() => run.began))
    return Effect.andThen(
      Effect.andThen(forget(deliveries), counters.committedTogether(deliveries, began)),
      Effect.sync(() => {
        for (const { left } of committed) for (const entry of left) inFlight.settled(entry)
        flow.endAll(committed.map(({ entries: [entry] }) => entry))
      })
    )
  }

  /** Continues the turns after a defect of the runtime as a fiber does: their messages are held for a moment. */
  const afterDefect = (runs: ReadonlyArray<EndedRun>) => (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
    Effect.forEach(runs, (run) => {
      const { entries: [entry] } = run
      const { resume } = attempt.turn(entry.delivery)
      return Effect.andThen(putBackLeft(run), continueWith(entry, { run: resume(cause), resume }))
    }, { discard: true })

  const settle = Effect.suspend(() => {
    const now = endedRuns
    endedRuns = []
    if (outcomes !== undefined) {
      for (const run of now) run.members.forEach((member, i) => outcomes.addMember(member.context, run.outcomes[i]!))
    }
    const isCommitted = (run: EndedRun) => run.outcomes.every(({ _tag }) => _tag === "Committed")
    const committed = now.filter(isCommitted)
    const apart = committed.length === now.length ? [] : now.filter((run) => !isCommitted(run))
    return Effect.andThen(
      Effect.catchCause(settleCommitted(committed), afterDefect(committed)),
      Effect.forEach(apart, (run) => Effect.catchCause(settleApart(run), afterDefect([run])), { discard: true })
    )
  })

  yield* Effect.forkScoped(Effect.forever(Effect.suspend(() => {
    if (endedRuns.length > 0) return settle
    ended.closeUnsafe()
    return ended.await
  })))
  return { take }
})
