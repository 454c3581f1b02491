/**
 * Runs one try of a group: a transaction in one of three forms. A try that commits gives the members their outcomes. A
 * failed try returns the next move, as `CommitRecovery.ts` decides.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Store from "../../Store.ts"
import * as FailureRecord from "../attempt/FailureRecord.ts"
import type { LeaseRenewer } from "../lease/LeaseRenewer.ts"
import * as FailingSince from "../observe/FailingSince.ts"
import { LongWait } from "../observe/LongWait.ts"
import { begin, finish, undecided } from "./CommitQueue.ts"
import * as CommitRecovery from "./CommitRecovery.ts"
import * as DataCommit from "./DataCommit.ts"
import * as GroupCommit from "./GroupCommit.ts"
import type { GroupMember, MemberOutcome } from "./GroupCommit.ts"
import * as Savepoints from "./Savepoints.ts"

export interface Options extends GroupCommit.Options {
  readonly renewer: Pick<LeaseRenewer, "now" | "confirmedAt">
}

/** The state that the committers of a worker share. */
export interface Commits {
  /** When one of the committers last committed a group (monotonic milliseconds). */
  last: number
  /** When one of the committers last committed a transaction without a message (monotonic milliseconds). */
  proved: number
}

/**
 * Decides how many messages share a transaction. The size is halved after a conflict, or after a group that took too
 * long. It grows by an eighth after each success.
 *
 * Larger groups make deadlocks more likely where handlers lock shared rows. Halving ends a series of conflicts quickly,
 * and slow growth finds the size that the workload bears.
 */
export interface GroupSize {
  readonly current: number
  readonly most: number
}

export const sizeUpTo = (most: number): GroupSize => ({ current: most, most })

export const afterConflict = (size: GroupSize): GroupSize => ({ ...size, current: Math.max(1, size.current >> 1) })

export const afterSuccess = (size: GroupSize): GroupSize =>
  size.current === size.most
    ? size
    : { ...size, current: Math.min(size.most, size.current + Math.max(1, size.current >> 3)) }

/** Ends each member with a failed attempt, which has this cause. */
export const fail = (members: ReadonlyArray<GroupMember>, cause: Cause.Cause<unknown>): void => {
  const outcome = GroupCommit.failed(FailureRecord.errorOf(cause))
  for (const member of members) finish(member, outcome)
}

export class CommitTries {
  /** Since when every transaction of this committer has failed by an error of the store. Undefined if none has. */
  failing: FailingSince.FailingSince | undefined
  readonly longWait: LongWait
  private readonly options: Options
  private readonly commits: Commits
  private size: GroupSize
  private readonly data: DataCommit.DataCommit | undefined
  private readonly statements: "pipelined" | "sequential"
  private readonly commitTimeout: Duration.Duration

  constructor(options: Options, commits: Commits) {
    this.options = options
    this.commits = commits
    this.longWait = new LongWait(options.warnings, options.renewer)
    this.size = sizeUpTo(Math.min(options.store.maxGroup, Math.max(1, options.pipeline.settings.group)))
    this.data = DataCommit.make(options)
    this.statements = GroupCommit.isData(options) ? "pipelined" : "sequential"
    this.commitTimeout = Duration.fromInputUnsafe(options.pipeline.settings.commitTimeout)
  }

  /** The most members that the next group may have. */
  get groupSize(): number {
    return this.size.current
  }

  /** Runs one transaction of these members. Returns the next move, or undefined if every member has its outcome. */
  run(
    form: CommitRecovery.Form,
    offered: ReadonlyArray<GroupMember>,
    failedTries: CommitRecovery.FailedTries
  ): Effect.Effect<CommitRecovery.Move | undefined> {
    const { renewer, store } = this.options
    const began = Ref.makeUnsafe(false)
    const begins = Ref.set(began, true)
    const group = form === "savepoints" ? inLaneOrder(offered) : offered
    const body = Effect.andThen(begins, this.body(form, group))
    const statements = form === "whole" ? this.statements : "sequential"
    const composed = Effect.provideService(store.transact(body), Store.WorkerTransaction, statements)
    begin(group)
    return Effect.matchCauseEffect(form === "whole" ? this.asData(group, composed, begins) : composed, {
      onSuccess: (outcomes) => Effect.succeed(this.committed(form, group, outcomes)),
      onFailure: (cause) => {
        undecided(group)
        this.longWait.failed(cause)
        const error = Option.getOrUndefined(Cause.findErrorOption(cause))
        if (FailingSince.isOfStore(error)) this.failing = FailingSince.more(this.failing, renewer.now(), error.message)
        const failure: CommitRecovery.Failure = { error, began: Ref.getUnsafe(began), at: renewer.now() }
        if (form === "whole" && CommitRecovery.isCrowded(failure)) this.size = afterConflict(this.size)
        const proving = CommitRecovery.needsProof(this.state(form, group, failedTries), failure)
          ? this.prove(group[0]!)
          : Effect.void
        return Effect.andThen(
          proving,
          Effect.suspend(() => {
            const move = CommitRecovery.next(this.state(form, group, failedTries), failure)
            if (move._tag === "FailMember") {
              const of = error?._tag === "StepFailed" ? error.of : undefined
              fail(of === undefined ? group : group.filter((member) => member === of), cause)
            }
            return Effect.as(this.warned(group, failure, move), move)
          })
        )
      }
    })
  }

  /**
   * Commits the group as data where that is possible, and else runs the composed transaction. Runs `begins` if a step
   * failed or the time was over, since the body has begun then.
   */
  private asData<E>(
    group: ReadonlyArray<GroupMember>,
    composed: Effect.Effect<ReadonlyArray<MemberOutcome>, E>,
    begins: Effect.Effect<void>
  ): Effect.Effect<ReadonlyArray<MemberOutcome>, E | GroupCommit.StepFailed | CommitRecovery.GroupTooSlow> {
    if (this.data === undefined) return composed
    const committed = Effect.tapCause(this.inTime(this.data.commit(group)), () => begins)
    return Effect.flatMap(committed, (outcomes) => outcomes === undefined ? composed : Effect.succeed(outcomes))
  }

  /** Fails if a whole group takes longer than one step may take. */
  private inTime<A, E, R>(whole: Effect.Effect<A, E, R>): Effect.Effect<A, E | CommitRecovery.GroupTooSlow, R> {
    return Effect.timeoutOrElse(whole, {
      duration: this.commitTimeout,
      orElse: () => Effect.fail(new CommitRecovery.GroupTooSlow())
    })
  }

  private state(
    form: CommitRecovery.Form,
    { length }: ReadonlyArray<GroupMember>,
    failedTries: CommitRecovery.FailedTries
  ): CommitRecovery.State {
    return {
      form,
      members: length,
      together: this.statements === "pipelined",
      savepoints: this.options.store.maxGroup > 1,
      failedTries,
      committedAt: this.commits.last,
      provedAt: this.commits.proved,
      renewedAt: this.options.renewer.confirmedAt()
    }
  }

  /**
   * Runs a transaction without the member's statements, which only checks the fencing token of its lease. If the
   * transaction commits, the time is recorded as proof that the store commits.
   */
  private prove({ delivery }: GroupMember): Effect.Effect<void> {
    const { renewer, store, subscription } = this.options
    const looking = Effect.provideService(
      store.transact(subscription.fence([delivery])),
      Store.WorkerTransaction,
      "sequential"
    )
    return Effect.timeout(looking, this.commitTimeout).pipe(
      Effect.matchCauseEffect({
        onFailure: () => Effect.void,
        onSuccess: () => Effect.sync(() => this.commits.proved = renewer.now())
      })
    )
  }

  private body(
    form: CommitRecovery.Form,
    group: ReadonlyArray<GroupMember>
  ): Effect.Effect<ReadonlyArray<MemberOutcome>, CommitRecovery.GroupFailure, Store.Transaction> {
    switch (form) {
      case "whole":
        // If statements are sent one by one, a group of one member has a timeout on each step from the start. So no
        // second run is needed to learn which step failed.
        if (group.length === 1 && this.statements === "sequential") return Savepoints.single(this.options, group[0]!)
        return this.inTime(GroupCommit.compose(this.options, group, false))
      case "savepoints":
        return Savepoints.pass(this.options, group)
      case "alone":
        return Savepoints.single(this.options, group[0]!)
    }
  }

  /**
   * Gives the members their outcomes. A pass through savepoints may have ended before the last members. The returned
   * move then begins another pass for these.
   */
  private committed(
    form: CommitRecovery.Form,
    group: ReadonlyArray<GroupMember>,
    outcomes: ReadonlyArray<MemberOutcome>
  ): CommitRecovery.Move | undefined {
    if (form === "whole") this.size = afterSuccess(this.size)
    this.commits.last = this.options.renewer.now()
    this.failing = undefined
    outcomes.forEach((outcome, i) => finish(group[i]!, outcome))
    if (outcomes.length === group.length) return undefined
    undecided(group.slice(outcomes.length))
    return { _tag: "Savepoints", failedTries: CommitRecovery.none }
  }

  private warned(
    { length }: ReadonlyArray<GroupMember>,
    failure: CommitRecovery.Failure,
    move: CommitRecovery.Move
  ): Effect.Effect<void> {
    if (move._tag !== "WaitThen" || !CommitRecovery.isOutage(failure)) return Effect.void
    const tries = move.then.failedTries.tries
    const said = failure.error !== undefined && "message" in failure.error ? failure.error.message : ""
    const message = `A transaction of ${length} messages is run again (${tries}). ${said}`
    return Effect.annotateLogs(tries <= 3 ? Effect.logDebug(message) : Effect.logWarning(message), {
      consumer: this.options.consumer
    })
  }
}

const inLaneOrder = (group: ReadonlyArray<GroupMember>): ReadonlyArray<GroupMember> =>
  [...group].sort((a, b) => a.delivery.lease.name.localeCompare(b.delivery.lease.name, "en", { numeric: true }))
