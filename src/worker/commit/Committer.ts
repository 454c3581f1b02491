/**
 * Group commit: commits many messages in one transaction.
 *
 * A turn offers its members, and ends after it has their outcomes. While one transaction is on the wire, the next group
 * forms. So groups are large under load, and without load no member waits for others. `CommitQueue.ts` keeps the
 * waiting members, `GroupRun.ts` runs a group, and `GroupCommit.ts` composes its transaction. This file runs the
 * committers that connect the three.
 *
 * While no step fails, no savepoint is used. If a step fails, the group is rolled back and run again with each member
 * in a savepoint of its own. Then failed members are undone, the members behind them in their keys do not run, and the
 * others commit. After a transient failure only the transaction is repeated, with the same values, and no attempt is
 * counted. If COMMIT was not answered, the group is run again. Its statements wait for the first transaction to end.
 * Then fencing token and inbox show which members are still to be committed.
 *
 * If a member's fiber is interrupted before its transaction begins, the member is withdrawn. If the transaction has
 * begun, the member stays in it until it ends, and takes no part in another try. This wait has a bound, since a group,
 * a single member and COMMIT each have a timeout. If COMMIT was not answered, the next worker that gets the message
 * settles it by fencing token and inbox.
 */
import * as Arr from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Telemetry from "../../Telemetry.ts"
import type * as FailingSince from "../observe/FailingSince.ts"
import type { Spans } from "../observe/Spans.ts"
import { CommitQueue, memberOf, withdraw } from "./CommitQueue.ts"
import * as CommitTries from "./CommitTries.ts"
import { type GroupMember, type MemberOutcome, type Ready, skipped } from "./GroupCommit.ts"
import { GroupRun } from "./GroupRun.ts"

/** The parts of the worker that a committer uses. */
export interface Options extends CommitTries.Options {
  readonly committers: number
  readonly spans: Spans
}

export interface Committer {
  /**
   * Offers several members of one key in order: none is committed unless the member before it was. Calls `ended` once,
   * synchronously, when all have an outcome. Returns a function that withdraws the members, as an interruption of
   * `commitThen` does.
   */
  readonly offer: (
    run: NonEmptyReadonlyArray<Ready>,
    ended: (outcomes: NonEmptyReadonlyArray<MemberOutcome>) => void
  ) => () => void
  /** Offers a member and returns its outcome after its transaction has ended. */
  readonly commit: (ready: Ready) => Effect.Effect<MemberOutcome>
  /**
   * Offers members as `offer` does, and waits for their outcomes. `then` gets the outcomes, and `commitThen` returns
   * its result. `then` runs even if the fiber was interrupted while a transaction with the members ran.
   */
  readonly commitThen: <A>(
    run: NonEmptyReadonlyArray<Ready>,
    then: (
      outcomes: NonEmptyReadonlyArray<MemberOutcome>,
      restore: <B, E>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E>
    ) => Effect.Effect<A>
  ) => Effect.Effect<A>
  /**
   * Returns since when a committer's transactions have failed by errors of the store. Returns undefined if no committer
   * has waiting members that fail so, or if a group was committed since.
   */
  readonly failing: () => FailingSince.FailingSince | undefined
}

export const make = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<Committer, never, Scope.Scope> {
  const commits = { last: -Infinity, proved: -Infinity }
  const committers = yield* Effect.forEach(
    Array.from({ length: options.committers }),
    Effect.fnUntraced(function*() {
      const committer = new QueuedCommitter(options, commits)
      yield* Effect.forkScoped(committer.run)
      yield* Effect.forkScoped(committer.tries.longWait.watch)
      return committer
    })
  )
  const committerOf = (lane: string): QueuedCommitter => {
    let hash = 0
    for (let i = 0; i < lane.length; i++) hash = (hash * 31 + lane.charCodeAt(i)) | 0
    return committers[Math.abs(hash) % committers.length]!
  }
  const offer: Committer["offer"] = (run, ended) => {
    const { queue } = committerOf(run[0].delivery.lease.name)
    let left = run.length
    let last: GroupMember | undefined
    const memberEnded = () => {
      if (--left === 0) ended(Arr.map(members, ({ outcome }) => outcome ?? skipped))
    }
    const members = Arr.map(run, (ready) => last = memberOf(ready, last, memberEnded))
    for (const member of members) queue.offer(member)
    return () => {
      for (const member of members) withdraw(member)
    }
  }
  const commitThen: Committer["commitThen"] = (run, then) =>
    Effect.uninterruptibleMask((restore) => {
      const done = Deferred.makeUnsafe<NonEmptyReadonlyArray<MemberOutcome>>()
      const withdrawAll = offer(run, (outcomes) => Deferred.doneUnsafe(done, Effect.succeed(outcomes)))
      return restore(Deferred.await(done)).pipe(
        Effect.catchCause((cause) => {
          withdrawAll()
          // Members are committed in order. If the first one was withdrawn before a transaction decided about it, no
          // transaction has decided about the others. Then the interruption continues.
          return Effect.flatMap(
            Deferred.await(done),
            (outcomes) => outcomes[0] === skipped ? Effect.failCause(cause) : Effect.succeed(outcomes)
          )
        }),
        Effect.flatMap((outcomes) => then(outcomes, restore))
      )
    })
  const failing = () =>
    committers.map(({ tries }) => tries.failing).find((failing) =>
      failing !== undefined && failing.since >= commits.last
    )
  return { offer, commitThen, commit: (ready) => commitThen([ready], ([outcome]) => Effect.succeed(outcome)), failing }
})

/** One committer: a queue of members, and the fiber that commits them. */
class QueuedCommitter {
  readonly queue = new CommitQueue()
  readonly tries: CommitTries.CommitTries
  private readonly options: Options
  private readonly groupSize: Metric.Metric<number, unknown>
  private readonly commitDuration: Metric.Metric<number, unknown>
  private current: GroupRun
  readonly run: Effect.Effect<never>

  constructor(options: Options, commits: CommitTries.Commits) {
    this.options = options
    this.tries = new CommitTries.CommitTries(options, commits)
    this.current = new GroupRun([], this.queue, this.tries)
    const labels = Telemetry.labels({ consumer: options.consumer })
    this.groupSize = Metric.withAttributes(Telemetry.groupSize, labels)
    this.commitDuration = Metric.withAttributes(Telemetry.commitDuration, labels)
    const committing = Effect.forever(Effect.suspend(() => {
      const group = this.queue.form(this.tries.groupSize)
      if (group.length > 0) {
        this.tries.longWait.began(group.length)
        this.current = new GroupRun(group, this.queue, this.tries)
        return this.commit(group)
      }
      this.tries.longWait.ended()
      this.tries.failing = undefined
      return this.queue.offering
    }))
    // If a cause ends the committing fiber past every handler, another fiber takes its place. Otherwise the leases of
    // the waiting members would be renewed, and no committer would commit them.
    this.run = Effect.forever(Effect.flatMap(
      Effect.flatMap(Effect.forkChild(committing), Fiber.await),
      (exit) => exit._tag === "Failure" ? this.revived(exit.cause) : Effect.void
    )) as Effect.Effect<never>
  }

  private revived(cause: Cause.Cause<unknown>): Effect.Effect<void> {
    CommitTries.fail(this.current.members, cause)
    return Effect.annotateLogs(
      Effect.logError("A committer ended in a defect of the runtime; another one takes its place", cause),
      { consumer: this.options.consumer }
    )
  }

  /** Runs the current group until each of its members has an outcome. Never fails. */
  private commit(group: ReadonlyArray<GroupMember>): Effect.Effect<void> {
    const { current, options } = this
    return Effect.timed(options.spans.commit(group.map((member) => member.span), current.run)).pipe(
      Effect.flatMap(([took]) =>
        Effect.andThen(
          Metric.update(this.groupSize, group.length),
          Metric.update(this.commitDuration, Duration.toSeconds(took))
        )
      ),
      // A defect here must not leave a turn's fiber waiting, nor end the committer. So the attempts of the members fail
      // with it.
      Effect.catchCause((cause) => Effect.sync(() => CommitTries.fail(current.members, cause)))
    )
  }
}
