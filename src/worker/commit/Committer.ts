/**
 * Group commit: commits many messages in one transaction.
 *
 * The fiber of a turn offers its member and waits for the outcome. While one transaction is on the wire, the next group
 * forms. So groups are large under load, and without load no member waits for others. `GroupCommit.ts` composes a
 * transaction, `CommitQueue.ts` keeps the waiting members, and `CommitRecovery.ts` decides about failures. This file
 * runs the committers that connect the three.
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
import * as Backoff from "../../internal/Backoff.ts"
import * as Telemetry from "../../Telemetry.ts"
import type * as FailingSince from "../observe/FailingSince.ts"
import type { Spans } from "../observe/Spans.ts"
import { alive, CommitQueue, isBlocked, memberOf, withdraw } from "./CommitQueue.ts"
import * as CommitRecovery from "./CommitRecovery.ts"
import * as CommitTries from "./CommitTries.ts"
import { behind, type GroupMember, type MemberOutcome, type Ready } from "./GroupCommit.ts"

/** The parts of the worker that a committer uses. */
export interface Options extends CommitTries.Options {
  readonly committers: number
  readonly spans: Spans
}

export interface Committer {
  /** Offers a member and returns its outcome after its transaction has ended. */
  readonly commit: (ready: Ready) => Effect.Effect<MemberOutcome>
  /**
   * Offers several members of one key in order: none is committed unless the member before it was. `then` gets their
   * outcomes, and `commitThen` returns its result. `then` runs even if the fiber was interrupted while a transaction
   * with the members ran.
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
  const lines = yield* Effect.forEach(
    Array.from({ length: options.committers }),
    Effect.fnUntraced(function*() {
      const line = new CommitterQueue(options, commits)
      yield* Effect.forkScoped(line.run)
      yield* Effect.forkScoped(line.tries.longWait.watch)
      return line
    })
  )
  const lineOf = (name: string): CommitterQueue => {
    let hash = 0
    for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0
    return lines[Math.abs(hash) % lines.length]!
  }
  const commitThen: Committer["commitThen"] = (run, then) =>
    Effect.uninterruptibleMask((restore) => {
      const line = lineOf(run[0].delivery.lease.name)
      let last: GroupMember | undefined
      const members = Arr.map(run, (ready) => last = memberOf(ready, last))
      for (const member of members) line.queue.offer(member)
      return restore(decided(members)).pipe(
        Effect.catchCause((cause) => {
          for (const member of members) withdraw(member)
          // If nothing was done for the first member, nothing was done for any, so the interruption just continues.
          return Effect.flatMap(
            decided(members),
            () => members[0].outcome === behind ? Effect.failCause(cause) : Effect.void
          )
        }),
        Effect.flatMap(() => then(Arr.map(members, ({ outcome }) => outcome ?? behind), restore))
      )
    })
  const failing = () =>
    lines.map((line) => line.tries.failing).find((failing) => failing !== undefined && failing.since >= commits.last)
  return { commitThen, commit: (ready) => commitThen([ready], ([outcome]) => Effect.succeed(outcome)), failing }
})

/**
 * Waits until all members have an outcome. The last member mostly gets its outcome last, so the search begins there.
 */
const decided = (members: ReadonlyArray<GroupMember>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const open = members.findLast(({ outcome }) => outcome === undefined)
    return open === undefined ? Effect.void : Effect.andThen(Deferred.await(open.done), decided(members))
  })

/** A member that is tried alone, and its failed tries. */
interface Lone {
  readonly member: GroupMember
  readonly trouble: CommitRecovery.FailedTries
}

/**
 * Returns whether the member was tried so often that it may be the cause itself, or waits for the member before it of
 * its key.
 */
const stuck = ({ member, trouble }: Lone): boolean => CommitRecovery.persists(trouble) || isBlocked(member)

/** One committer: a queue of members, and the fiber that commits them. */
class CommitterQueue {
  readonly queue = new CommitQueue()
  private readonly options: Options
  readonly tries: CommitTries.CommitTries
  /** The members of the current group, and the newcomers that joined it while its members were tried alone. */
  private underWay: Array<GroupMember> = []
  private readonly groupSize: Metric.Metric<number, unknown>
  private readonly commitDuration: Metric.Metric<number, unknown>
  readonly run: Effect.Effect<never>

  constructor(options: Options, commits: CommitTries.Commits) {
    this.options = options
    this.tries = new CommitTries.CommitTries(options, commits)
    const labels = Telemetry.labels({ consumer: options.consumer })
    this.groupSize = Metric.withAttributes(Telemetry.groupSize, labels)
    this.commitDuration = Metric.withAttributes(Telemetry.commitDuration, labels)
    const committing = Effect.forever(Effect.suspend(() => {
      this.underWay = this.queue.form(this.tries.groupSize)
      if (this.underWay.length > 0) {
        this.tries.longWait.began(this.underWay.length)
        return this.commit(this.underWay)
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
    CommitTries.fail(this.underWay, cause)
    return Effect.annotateLogs(
      Effect.logError("A committer ended in a defect of the runtime; another one takes its place", cause),
      { consumer: this.options.consumer }
    )
  }

  /** Runs a group until each of its members has an outcome. Never fails. */
  private commit(group: ReadonlyArray<GroupMember>): Effect.Effect<void> {
    const { spans } = this.options
    const size = group.length
    const committing = this.attempt("whole", group, CommitRecovery.none)
    return Effect.timed(spans.commit(group.map((member) => member.span), committing)).pipe(
      Effect.flatMap(([took]) =>
        Effect.andThen(
          Metric.update(this.groupSize, size),
          Metric.update(this.commitDuration, Duration.toSeconds(took))
        )
      ),
      // A defect here must not leave a turn's fiber waiting, nor end the committer. So the attempts of the members fail
      // with it.
      Effect.catchCause((cause) => Effect.sync(() => CommitTries.fail(this.underWay, cause)))
    )
  }

  /** Runs one transaction of the members that may still be committed, and then the moves that its failure leads to. */
  private attempt(
    form: CommitRecovery.Form,
    offered: ReadonlyArray<GroupMember>,
    trouble: CommitRecovery.FailedTries
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      const group = alive(offered)
      if (group.length === 0) return Effect.void
      return Effect.flatMap(
        this.tries.run(form, group, trouble),
        (move) => move === undefined ? Effect.void : this.follow(group, move)
      )
    })
  }

  private follow(group: ReadonlyArray<GroupMember>, move: CommitRecovery.Move): Effect.Effect<void> {
    switch (move._tag) {
      case "Whole":
        return this.attempt("whole", group, move.trouble)
      case "Halve": {
        const half = Math.ceil(group.length / 2)
        return Effect.andThen(
          this.attempt("whole", group.slice(0, half), move.trouble),
          this.attempt("whole", group.slice(half), move.trouble)
        )
      }
      case "Savepoints":
        return this.attempt("savepoints", group, move.trouble)
      case "Alone":
        return this.oneByOne(group, move.trouble)
      case "WaitThen":
        return Effect.andThen(
          Backoff.pause(move.pause.tries, move.pause),
          Effect.suspend(() => this.follow(group, move.then))
        )
      case "FailMember":
        return this.follow(group, move.then)
    }
  }

  /**
   * Runs each member in a transaction of its own, so a step that fails is the member's own failure. A member that could
   * not be committed is tried again behind the others. Their commits show whether the store or the message is the
   * cause. If none of the members can be committed, newcomers join one after another. Otherwise a few such members
   * could block every other message of this committer.
   */
  private oneByOne(group: ReadonlyArray<GroupMember>, trouble: CommitRecovery.FailedTries): Effect.Effect<void> {
    const left = group.map((member): Lone => ({ member, trouble }))
    return Effect.whileLoop({
      while: () => left.length > 0,
      body: () => {
        // The newcomer goes to the end, so that each member that waits longer has its try first.
        if (left.every(stuck)) {
          for (const member of this.queue.form(1)) {
            this.underWay.push(member)
            left.push({ member, trouble: CommitRecovery.none })
          }
        }
        const lone = left.shift()!
        return isBlocked(lone.member) ? Effect.succeed(lone) : this.alone(lone)
      },
      step: (again: Lone | undefined) => {
        if (again !== undefined) left.push(again)
      }
    })
  }

  /** Runs one try of one member. Returns the member if another try is to follow, else undefined. */
  private alone({ member, trouble }: Lone): Effect.Effect<Lone | undefined> {
    return Effect.suspend(() => {
      const group = alive([member])
      if (group.length === 0) return Effect.undefined
      return Effect.flatMap(this.tries.run("alone", group, trouble), (move) =>
        move?._tag === "WaitThen"
          ? Effect.as(Backoff.pause(move.pause.tries, move.pause), { member, trouble: move.then.trouble })
          : Effect.undefined)
    })
  }
}
