/**
 * Group commit: many messages, one transaction.
 *
 * A key's fiber offers its member and waits. While one transaction is on the wire the next group forms, so that batching
 * appears under load and costs no latency without it. What a transaction holds is in `GroupCommit.ts`; here is when it runs, and
 * what its failure means.
 *
 * There are no savepoints on the good path. If a step fails, the group is rolled back and run once more with each member in a
 * savepoint of its own: the failed ones are undone, later members of their keys go back untouched, the others commit.
 * A hiccup repeats the transaction alone, with the same values, uncounted; a missing answer to COMMIT is settled by running the
 * group again: its statements wait for the first transaction to end, and then fence and inbox say what is still to do.
 *
 * A member interrupted before its group begins is withdrawn. Afterwards its place stays taken until the group has ended,
 * which is bounded: every step, statement and COMMIT has a timeout.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Hiccup, StoreFailure, TransportError } from "../Errors.ts"
import * as MessageId from "../MessageId.ts"
import * as Store from "../Store.ts"
import * as Telemetry from "../Telemetry.ts"
import * as FailureRecord from "./FailureRecord.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { gone, type Member, type Outcome, StepFailed, untouched } from "./GroupCommit.ts"
import * as GroupSize from "./GroupSize.ts"

/** The whole group took longer than one step may: find out which step, with a timeout on each. */
class GroupTooSlow {
  readonly _tag = "GroupTooSlow"
}

type GroupFailure = StepFailed | GroupTooSlow | Store.TransactionFailure | StoreFailure | TransportError

/** What a committer needs of its worker. */
export interface Options extends GroupCommit.Options {
  readonly committers: number
}

export interface Committer {
  /** Waits until the member's transaction has ended. */
  readonly commit: (member: Omit<Member, "done" | "state" | "fingerprint">) => Effect.Effect<Outcome>
}

/** Conflicts are repeated this often, then each member's attempt has failed. */
const conflictTries = 10

export const make = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<Committer, never, Scope.Scope> {
  const lines = yield* Effect.forEach(
    Array.from({ length: options.committers }, (_, index) => index),
    Effect.fnUntraced(function*(index) {
      const line = new Line(options, index)
      yield* Effect.forkScoped(line.run)
      return line
    })
  )
  const lineOf = (name: string): Line => {
    let hash = 0
    for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0
    return lines[Math.abs(hash) % lines.length]!
  }
  return {
    commit: ({ delivered, delivery, stepped }) =>
      Effect.uninterruptibleMask((restore) => {
        const member: Member = {
          delivered,
          delivery,
          stepped,
          fingerprint: MessageId.ofPayload(delivery.message.payload),
          done: Deferred.makeUnsafe<Outcome>(),
          state: "waiting"
        }
        lineOf(delivery.lease.name).offer(member)
        return Effect.onInterrupt(restore(Deferred.await(member.done)), () => {
          if (member.state === "begun") return Effect.asVoid(Deferred.await(member.done))
          member.state = "withdrawn"
          return Effect.void
        })
      })
  }
})

/** One committer: a line of waiting members, and the fiber that commits them. */
class Line {
  private readonly options: Options
  private readonly index: number
  private waiting: Array<Member> = []
  private readonly offered = Latch.makeUnsafe(false)
  private size: GroupSize.GroupSize
  private readonly commitTimeout: Duration.Duration
  readonly run: Effect.Effect<never>

  constructor(options: Options, index: number) {
    this.options = options
    this.index = index
    this.size = GroupSize.make(Math.min(options.store.maxGroup, Math.max(1, options.pipeline.settings.group)))
    this.commitTimeout = Duration.fromInputUnsafe(options.pipeline.settings.commitTimeout)
    this.run = Effect.forever(Effect.suspend(() => {
      const group = this.form()
      if (group.length > 0) return this.commit(group)
      this.offered.closeUnsafe()
      return this.offered.await
    })) as Effect.Effect<never>
  }

  offer(member: Member): void {
    this.waiting.push(member)
    this.offered.openUnsafe()
  }

  /** The next group: as many as fit, ids distinct (a second one with the same id waits for the next group). */
  private form(): Array<Member> {
    const group: Array<Member> = []
    const later: Array<Member> = []
    const ids = new Set<string>()
    let i = 0
    for (; i < this.waiting.length && group.length < this.size.current; i++) {
      const member = this.waiting[i]!
      if (member.state === "withdrawn") continue
      if (ids.has(member.delivery.message.id)) {
        later.push(member)
        continue
      }
      ids.add(member.delivery.message.id)
      member.state = "begun"
      group.push(member)
    }
    this.waiting = later.length === 0 ? this.waiting.slice(i) : [...later, ...this.waiting.slice(i)]
    return group
  }

  /** Commits a group, however it goes; every member's `done` is completed when this ends. */
  private commit(group: ReadonlyArray<Member>): Effect.Effect<void> {
    const { consumer } = this.options
    return Effect.timed(this.whole(group, 0)).pipe(
      Effect.flatMap(([took]) =>
        Effect.andThen(
          Metric.update(Metric.withAttributes(Telemetry.groupSize, { consumer }), group.length),
          Metric.update(Metric.withAttributes(Telemetry.commitDuration, { consumer }), Duration.toSeconds(took))
        )
      ),
      // Whatever happens here must not leave a fiber waiting, nor end this one: the members' attempts have failed.
      Effect.catchCause((cause) =>
        Effect.sync(() => this.finish(group, { _tag: "Failed", error: FailureRecord.errorOf(cause) }))
      )
    )
  }

  /** All members in one transaction, no savepoints. */
  private whole(group: ReadonlyArray<Member>, conflicts: number): Effect.Effect<void> {
    const body = GroupCommit.compose(this.options, group, false)
    return this.transact(Effect.timeoutOrElse(body, {
      duration: this.commitTimeout,
      orElse: () => Effect.fail(new GroupTooSlow())
    })).pipe(
      Effect.matchCauseEffect({
        onSuccess: (outcomes) => {
          this.size = GroupSize.afterSuccess(this.size)
          return Effect.sync(() => group.forEach((member, i) => this.finish([member], outcomes[i]!)))
        },
        onFailure: (cause) => this.recover(group, cause, conflicts)
      })
    )
  }

  /** What a failed transaction asks for. */
  private recover(
    group: ReadonlyArray<Member>,
    cause: Cause.Cause<GroupFailure>,
    conflicts: number
  ): Effect.Effect<void> {
    const failure = Cause.findErrorOption(cause)
    // A defect of store or transport is a bug of ours; its members fail with it, one by one.
    if (failure._tag === "None") return Cause.hasInterrupts(cause) ? Effect.interrupt : this.oneByOne(group)
    switch (failure.value._tag) {
      case "StepFailed":
      case "GroupTooSlow":
      case "TransactionAborted":
        return this.inSavepoints(group, 0)
      case "CommitRejected":
        return this.oneByOne(group)
      case "UnknownOutcome":
        return this.again(group, conflicts, failure.value.message)
      case "Hiccup":
        if (failure.value.kind === "unavailable") return this.again(group, conflicts, failure.value.message)
        return this.afterConflict(group, failure.value, conflicts)
      case "StoreFailure":
      case "TransportError":
        return this.again(group, conflicts, failure.value.message)
    }
  }

  /** The store is not there: the same transaction again, until it works or the leases are gone. */
  private again(group: ReadonlyArray<Member>, tries: number, why: string): Effect.Effect<void> {
    const alive = group.filter((member) => !Deferred.isDoneUnsafe(member.delivery.lease.lost))
    this.finish(group.filter((member) => !alive.includes(member)), gone)
    if (alive.length === 0) return Effect.void
    return Effect.logWarning(`A transaction of ${alive.length} messages is run again. ${why}`).pipe(
      Effect.annotateLogs({ consumer: this.options.consumer }),
      Effect.andThen(backoff(tries, 2000)),
      Effect.andThen(Effect.suspend(() => this.whole(alive, tries + 1)))
    )
  }

  /** Two transactions were in each other's way: smaller groups, a random pause, and again; ten times. */
  private afterConflict(group: ReadonlyArray<Member>, hiccup: Hiccup, conflicts: number): Effect.Effect<void> {
    this.size = GroupSize.afterConflict(this.size)
    if (conflicts >= conflictTries) {
      return Effect.sync(() => this.finish(group, { _tag: "Failed", error: hiccup }))
    }
    const half = Math.ceil(group.length / 2)
    return Effect.andThen(
      backoff(conflicts, 500),
      group.length === 1
        ? this.whole(group, conflicts + 1)
        : Effect.andThen(this.whole(group.slice(0, half), conflicts + 1), this.whole(group.slice(half), conflicts + 1))
    )
  }

  /** Each member in a savepoint of its own, in lane order: finds the ones that fail, and commits the others. */
  private inSavepoints(group: ReadonlyArray<Member>, conflicts: number): Effect.Effect<void> {
    const { store } = this.options
    const sorted = [...group].sort((a, b) =>
      a.delivery.lease.name.localeCompare(b.delivery.lease.name, "en", { numeric: true })
    )
    if (store.maxGroup === 1) return this.oneByOne(sorted)
    const body = Effect.gen({ self: this }, function*() {
      const outcomes: Array<Outcome> = []
      const failedKeys = new Set<string>()
      for (const member of sorted) {
        if (failedKeys.has(member.delivery.message.key)) {
          outcomes.push(untouched)
          continue
        }
        const exit = yield* Effect.exit(store.savepoint(GroupCommit.compose(this.options, [member], true)))
        if (Exit.isSuccess(exit)) outcomes.push(exit.value[0]!)
        else {
          const error = yield* memberFailure(exit.cause)
          outcomes.push({ _tag: "Failed", error })
          failedKeys.add(member.delivery.message.key)
        }
      }
      return outcomes
    })
    return this.transact(body).pipe(Effect.matchCauseEffect({
      onSuccess: (outcomes) => Effect.sync(() => sorted.forEach((member, i) => this.finish([member], outcomes[i]!))),
      onFailure: (cause) => {
        const failure = Cause.findErrorOption(cause)
        if (failure._tag === "None" && Cause.hasInterrupts(cause)) return Effect.interrupt
        const retry = failure._tag === "Some" &&
          (failure.value._tag === "Hiccup" || failure.value._tag === "UnknownOutcome")
        return retry && conflicts < conflictTries
          ? Effect.andThen(backoff(conflicts, 500), this.inSavepoints(sorted, conflicts + 1))
          : this.oneByOne(sorted)
      }
    }))
  }

  /** Each member in a transaction of its own: what fails now is its own failure. */
  private oneByOne(group: ReadonlyArray<Member>): Effect.Effect<void> {
    const failedKeys = new Set<string>()
    return Effect.forEach(group, (member) => {
      if (failedKeys.has(member.delivery.message.key)) return Effect.sync(() => this.finish([member], untouched))
      return this.alone(member, 0, failedKeys)
    }, { discard: true })
  }

  private alone(member: Member, tries: number, failedKeys: Set<string>): Effect.Effect<void> {
    return this.transact(GroupCommit.compose(this.options, [member], true)).pipe(Effect.matchCauseEffect({
      onSuccess: (outcomes) => Effect.sync(() => this.finish([member], outcomes[0]!)),
      onFailure: (cause) => {
        const failure = Cause.findErrorOption(cause)
        if (failure._tag === "None" && Cause.hasInterrupts(cause)) return Effect.interrupt
        const tag = failure._tag === "Some" ? failure.value._tag : undefined
        const conflicting = failure._tag === "Some" && failure.value._tag === "Hiccup" &&
          failure.value.kind === "conflict"
        if (
          conflicting
            ? tries < conflictTries
            : tag === "Hiccup" || tag === "UnknownOutcome" || tag === "StoreFailure" || tag === "TransportError"
        ) {
          if (Deferred.isDoneUnsafe(member.delivery.lease.lost)) return Effect.sync(() => this.finish([member], gone))
          return Effect.andThen(backoff(tries, 2000), this.alone(member, tries + 1, failedKeys))
        }
        failedKeys.add(member.delivery.message.key)
        return Effect.sync(() => this.finish([member], { _tag: "Failed", error: unwrap(cause) }))
      }
    }))
  }

  private transact<A, E>(body: Effect.Effect<A, E, Store.Transaction>): Effect.Effect<A, E | Store.TransactionFailure> {
    return Effect.provideService(this.options.store.transact(body), Store.Committer, this.index)
  }

  private finish(members: ReadonlyArray<Member>, outcome: Outcome): void {
    for (const member of members) Deferred.doneUnsafe(member.done, Exit.succeed(outcome))
  }
}

/** Exponential from 5 ms, at most `cap`, with full jitter: those that were in each other's way should not meet again. */
const backoff = (tries: number, cap: number): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) => Effect.sleep(Math.min(cap, 5 * 2 ** tries) * (0.5 + random / 2)))

/** In a savepoint: a step's own failure, or an aborted transaction, is the member's; anything else ends the transaction. */
const memberFailure = <E>(
  cause: Cause.Cause<E | Store.TransactionFailure>
): Effect.Effect<unknown, E | Store.TransactionFailure> => {
  const failure = Cause.findErrorOption(cause)
  if (failure._tag === "None") return Effect.failCause(cause)
  const error: unknown = failure.value
  if (error instanceof StepFailed) return Effect.succeed(FailureRecord.errorOf(error.cause))
  return failure.value !== null && typeof failure.value === "object" && "_tag" in failure.value &&
      failure.value._tag === "TransactionAborted"
    ? Effect.succeed(error)
    : Effect.failCause(cause)
}

const unwrap = (cause: Cause.Cause<unknown>): unknown => {
  const error = FailureRecord.errorOf(cause)
  return error instanceof StepFailed ? FailureRecord.errorOf(error.cause) : error
}
