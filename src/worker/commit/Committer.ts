/**
 * Group commit: many messages, one transaction.
 *
 * A key's fiber offers its member and waits. While one transaction is on the wire the next group forms, so that
 * batching appears under load and costs no latency without it. `GroupCommit.ts` composes a transaction,
 * `CommitQueue.ts` has the members that wait, and `CommitRecovery.ts` decides about failures. This file executes all of
 * it.
 *
 * There are no savepoints on the good path. If a step fails, the group is rolled back and run once more with each
 * member in a savepoint of its own. Then failed members are undone, the members behind them in their keys do not run,
 * and the others commit. A transient failure repeats only the transaction, with the same values, uncounted. If COMMIT
 * was not answered, the group is run again. Its statements wait for the first transaction to end, and then fence and
 * inbox show what is left to do.
 *
 * A member interrupted before its group begins is withdrawn. Afterwards it keeps its place until the current
 * transaction has ended, and takes no part in another try. That is bounded: a group, a member alone or in a savepoint,
 * and COMMIT each have a timeout. If COMMIT was not answered, the next worker that gets the message settles it by fence
 * and inbox.
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
  /** Waits until the member's transaction has ended. */
  readonly commit: (ready: Ready) => Effect.Effect<MemberOutcome>
  /**
   * The same for several of one key, in its order: none is committed unless the one before it was. `then` is what has
   * to follow their outcomes even if the fiber was interrupted while their group was under way.
   */
  readonly commitThen: <A>(
    run: NonEmptyReadonlyArray<Ready>,
    then: (
      outcomes: NonEmptyReadonlyArray<MemberOutcome>,
      restore: <B, E>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E>
    ) => Effect.Effect<A>
  ) => Effect.Effect<A>
  /** Since when the store has refused each commit; undefined while nothing is to be committed, or something was. */
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
          // Nothing follows where nothing was done of the first one, and so of none.
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

/** Waits until all have ended: the last one mostly ends last. */
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

/** Whether it was tried often enough, or waits for one before it of its key. */
const stuck = ({ member, trouble }: Lone): boolean => CommitRecovery.persists(trouble) || isBlocked(member)

/** One committer: a queue of members, and the fiber that commits them. */
class CommitterQueue {
  readonly queue = new CommitQueue()
  private readonly options: Options
  readonly tries: CommitTries.CommitTries
  /** A group, and the newcomers that were let in while it was in trouble. */
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
    // A cause that ends the fiber past every handler ends no committer. Otherwise its members' leases would be renewed,
    // and nothing would commit them.
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

  /** Commits a group, however it goes; every member's `done` is completed when this ends. */
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
      // No failure here may leave a fiber waiting, or end this one: the members' attempts have failed.
      Effect.catchCause((cause) => Effect.sync(() => CommitTries.fail(this.underWay, cause)))
    )
  }

  /** One transaction of those whose turn it still is when it runs, and what its failure leads to. */
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
   * Each member in a transaction of its own: what fails now is its own failure. One that does not get through goes
   * behind the others: their commits show whether it is the store or the message. Where none of them gets through,
   * newcomers show it, one after another: otherwise nothing else might ever commit.
   */
  private oneByOne(group: ReadonlyArray<GroupMember>, trouble: CommitRecovery.FailedTries): Effect.Effect<void> {
    const left = group.map((member): Lone => ({ member, trouble }))
    return Effect.whileLoop({
      while: () => left.length > 0,
      body: () => {
        // Behind the others, so that each of them has its turn however many come.
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

  /** One try of one member. Returns it if it is to be tried again. */
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
