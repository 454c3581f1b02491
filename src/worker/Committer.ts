/**
 * Group commit: many messages, one transaction.
 *
 * A key's fiber offers its member and waits. While one transaction is on the wire the next group forms, so that batching
 * appears under load and costs no latency without it. What a transaction holds is in `GroupCommit.ts`; here is when it runs, and
 * what its failure means.
 *
 * There are no savepoints on the good path. If a step fails, the group is rolled back and run once more with each member in a
 * savepoint of its own: the failed ones are undone, and what follows them in their keys is left alone; the others commit.
 * A hiccup repeats the transaction alone, with the same values, uncounted; a missing answer to COMMIT is settled by running the
 * group again: its statements wait for the first transaction to end, and then fence and inbox say what is still to do.
 *
 * A member interrupted before its group begins is withdrawn. Afterwards its place stays taken until the transaction has ended that is
 * under way, which is bounded: a group as a whole, each member where it is alone or in a savepoint, and COMMIT have a timeout. It
 * has no part in another try: one whose COMMIT was not answered is settled, by fence and inbox, by whoever has it next.
 */
import * as Arr from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Backoff from "../Backoff.ts"
import * as MessageId from "../MessageId.ts"
import * as Store from "../Store.ts"
import * as Telemetry from "../Telemetry.ts"
import * as FailureRecord from "./FailureRecord.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { behind, gone, type Member, type Outcome, passed, type Ready, unwrap } from "./GroupCommit.ts"
import * as GroupSize from "./GroupSize.ts"
import type { LeaseRenewer } from "./LeaseRenewer.ts"
import { LongWait } from "./LongWait.ts"
import * as Savepoints from "./Savepoints.ts"
import type { Spans } from "./Spans.ts"
import * as Trouble from "./Trouble.ts"

/** What a committer needs of its worker. */
export interface Options extends GroupCommit.Options {
  readonly committers: number
  readonly spans: Spans
  readonly renewer: Pick<LeaseRenewer, "now" | "confirmedAt">
}

export interface Committer {
  /** Waits until the member's transaction has ended. */
  readonly commit: (ready: Ready) => Effect.Effect<Outcome>
  /**
   * The same for several of one key, in its order: none is committed unless the one before it was. `then` is what has to follow their
   * outcomes even if the fiber was interrupted while their group was under way.
   */
  readonly commitThen: <A>(
    run: NonEmptyReadonlyArray<Ready>,
    then: (
      outcomes: NonEmptyReadonlyArray<Outcome>,
      restore: <B, E>(effect: Effect.Effect<B, E>) => Effect.Effect<B, E>
    ) => Effect.Effect<A>
  ) => Effect.Effect<A>
}

/** Milliseconds between tries. */
const inConflict = { first: 5, cap: 500 }
const inOutage = { first: 5, cap: 2000 }

export const make = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<Committer, never, Scope.Scope> {
  const commits = { last: -Infinity }
  const lines = yield* Effect.forEach(
    Array.from({ length: options.committers }),
    Effect.fnUntraced(function*() {
      const line = new Line(options, commits)
      yield* Effect.forkScoped(line.run)
      yield* Effect.forkScoped(line.longWait.watch)
      return line
    })
  )
  const lineOf = (name: string): Line => {
    let hash = 0
    for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0
    return lines[Math.abs(hash) % lines.length]!
  }
  const commitThen: Committer["commitThen"] = (run, then) =>
    Effect.uninterruptibleMask((restore) => {
      const line = lineOf(run[0].delivery.lease.name)
      let last: Member | undefined
      const members = Arr.map(run, (ready) => last = memberOf(ready, last))
      for (const member of members) line.offer(member)
      // They end in their order, so that the last one ends last.
      return restore(Deferred.await(last!.done)).pipe(
        Effect.catchCause((cause) => {
          let begun: Member | undefined
          for (const member of members) {
            if (member.state === "begun") begun = member
            line.withdraw(member)
          }
          if (begun === undefined) return Effect.failCause(cause)
          // Nothing follows where nothing was done of the first one, and so of none.
          return Effect.flatMap(
            Deferred.await(begun.done),
            () => members[0].outcome === behind ? Effect.failCause(cause) : Effect.void
          )
        }),
        Effect.flatMap(() => then(Arr.map(members, ({ outcome }) => outcome ?? behind), restore))
      )
    })
  return { commitThen, commit: (ready) => commitThen([ready], ([outcome]) => Effect.succeed(outcome)) }
})

/** Whether it was tried often enough, or waits for one before it of its key. */
const stuck = ({ member: { previous }, trouble }: { readonly member: Member; readonly trouble: Trouble.Trouble }) =>
  Trouble.lasts(trouble) || (previous !== undefined && previous.outcome === undefined)

const memberOf = ({ delivered, delivery, span, stepped }: Ready, previous: Member | undefined): Member => ({
  delivered,
  delivery,
  stepped,
  span,
  previous,
  fingerprint: MessageId.ofMessage(delivery.message),
  done: Deferred.makeUnsafe<void>(),
  outcome: undefined,
  state: "waiting"
})

/** One committer: a line of waiting members, and the fiber that commits them. */
class Line {
  private readonly options: Options
  /** When any line of this worker committed last (monotonic milliseconds). */
  private readonly commits: { last: number }
  private waiting: Array<Member> = []
  /** Whose transactions are under way: a group, and the newcomers that were let in while it was in trouble. */
  private underWay: Array<Member> = []
  private readonly offered = Latch.makeUnsafe(false)
  private size: GroupSize.GroupSize
  private readonly commitTimeout: Duration.Duration
  private readonly groupSize: Metric.Metric<number, unknown>
  private readonly commitDuration: Metric.Metric<number, unknown>
  /** Whether the body of the newest transaction began: without a connection it does not. */
  private began = false
  /** Whether it waits between two tries. */
  private pausing = false
  readonly longWait: LongWait
  readonly run: Effect.Effect<never>

  constructor(options: Options, commits: { last: number }) {
    this.options = options
    this.commits = commits
    this.longWait = new LongWait(options.warnings, options.renewer)
    this.size = GroupSize.make(Math.min(options.store.maxGroup, Math.max(1, options.pipeline.settings.group)))
    const labels = Telemetry.labels({ consumer: options.consumer })
    this.groupSize = Metric.withAttributes(Telemetry.groupSize, labels)
    this.commitDuration = Metric.withAttributes(Telemetry.commitDuration, labels)
    this.commitTimeout = Duration.fromInputUnsafe(options.pipeline.settings.commitTimeout)
    this.run = Effect.forever(Effect.suspend(() => {
      this.underWay = []
      const group = this.form(this.size.current)
      if (group.length > 0) {
        this.longWait.began(group.length)
        return this.commit(group)
      }
      this.longWait.ended()
      this.offered.closeUnsafe()
      return this.offered.await
    })) as Effect.Effect<never>
  }

  offer(member: Member): void {
    this.waiting.push(member)
    this.offered.openUnsafe()
  }

  /** Its fiber goes. Between two tries nothing of it is under way, so that it need not wait for the next one. */
  withdraw(member: Member): void {
    member.state = "withdrawn"
    if (this.pausing) this.alive([member])
  }

  /** The next group: at most so many, ids distinct (a second one with the same id waits for the next group, and its key with it). */
  private form(most: number): Array<Member> {
    const group: Array<Member> = []
    const later: Array<Member> = []
    const ids = new Set<string>()
    let i = 0
    for (; i < this.waiting.length && group.length < most; i++) {
      const member = this.waiting[i]!
      if (member.state === "withdrawn") continue
      if (ids.has(member.delivery.message.id) || member.previous?.state === "waiting") {
        later.push(member)
        continue
      }
      ids.add(member.delivery.message.id)
      member.state = "begun"
      group.push(member)
      this.underWay.push(member)
    }
    this.waiting = later.length === 0 ? this.waiting.slice(i) : [...later, ...this.waiting.slice(i)]
    return group
  }

  /** Commits a group, however it goes; every member's `done` is completed when this ends. */
  private commit(group: ReadonlyArray<Member>): Effect.Effect<void> {
    const { spans } = this.options
    return Effect.timed(spans.commit(group.map((member) => member.span), this.whole(group, Trouble.none))).pipe(
      Effect.flatMap(([took]) =>
        Effect.andThen(
          Metric.update(this.groupSize, group.length),
          Metric.update(this.commitDuration, Duration.toSeconds(took))
        )
      ),
      // Whatever happens here must not leave a fiber waiting, nor end this one: the members' attempts have failed.
      Effect.catchCause((cause) =>
        Effect.sync(() => this.finish(this.underWay, { _tag: "Failed", error: FailureRecord.errorOf(cause) }))
      )
    )
  }

  /** All members in one transaction, no savepoints. */
  private whole(offered: ReadonlyArray<Member>, trouble: Trouble.Trouble): Effect.Effect<void> {
    // Looked at when it runs: the group before it may have ended otherwise than it was thought to.
    return Effect.suspend(() => {
      const group = this.alive(offered)
      if (group.length === 0) return Effect.void
      const body = Effect.timeoutOrElse(GroupCommit.compose(this.options, group, false), {
        duration: this.commitTimeout,
        orElse: () => Effect.fail(new Trouble.GroupTooSlow())
      })
      const statements = GroupCommit.isData(this.options) ? "together" : "in turn"
      return this.transact(body, statements).pipe(Effect.matchCauseEffect({
        onSuccess: (outcomes) => {
          this.size = GroupSize.afterSuccess(this.size)
          return this.finishAll(group, outcomes)
        },
        onFailure: (cause) => this.recover(group, cause, trouble)
      }))
    })
  }

  /** What the failure of a whole group asks for. */
  private recover(
    group: ReadonlyArray<Member>,
    cause: Cause.Cause<Trouble.GroupFailure>,
    trouble: Trouble.Trouble
  ): Effect.Effect<void> {
    const failure = Cause.findErrorOption(cause)
    // A defect of store or transport is a bug of ours; its members fail with it, one by one.
    if (failure._tag === "None") {
      return Cause.hasInterrupts(cause)
        ? Effect.interrupt
        : this.oneByOne(group, Trouble.none)
    }
    const error = failure.value
    switch (error._tag) {
      case "StepFailed":
      case "GroupTooSlow":
      case "TransactionAborted":
        if (error._tag === "GroupTooSlow") this.size = GroupSize.afterConflict(this.size)
        return this.inSavepoints(group, 0)
      case "CommitRejected":
        return this.oneByOne(group, Trouble.none)
      case "Hiccup":
        return error.kind === "conflict" ? this.afterConflict(group, trouble) : this.afterOutage(group, trouble, error)
      case "UnknownOutcome":
      case "StoreFailure":
      case "TransportError":
        return this.afterOutage(group, trouble, error)
    }
  }

  /**
   * The store is not there, or did not answer: the same transaction again, until it works or the leases are gone. A message that
   * itself kills its connection looks the same, but leases are renewed meanwhile: then each member goes alone (`Trouble.ts`).
   */
  private afterOutage(
    group: ReadonlyArray<Member>,
    trouble: Trouble.Trouble,
    error: { readonly message: string }
  ): Effect.Effect<void> {
    const alive = this.alive(group)
    if (alive.length === 0) return Effect.void
    const next = this.more(trouble)
    const message = `A transaction of ${alive.length} messages is run again (${next.tries}). ${error.message}`
    return (next.tries <= 3 ? Effect.logDebug(message) : Effect.logWarning(message)).pipe(
      Effect.annotateLogs({ consumer: this.options.consumer }),
      Effect.andThen(this.pause(trouble.tries, inOutage)),
      Effect.andThen(Effect.suspend(() => this.apart(next) ? this.oneByOne(alive, next) : this.whole(alive, next)))
    )
  }

  /** Two transactions were in each other's way: smaller groups, a random pause, and again; then one by one. */
  private afterConflict(group: ReadonlyArray<Member>, trouble: Trouble.Trouble): Effect.Effect<void> {
    this.size = GroupSize.afterConflict(this.size)
    if (group.length === 1) {
      return Effect.andThen(this.pause(trouble.tries, inConflict), this.oneByOne(group, this.more(trouble)))
    }
    const next = this.more(trouble)
    const half = Math.ceil(group.length / 2)
    return this.pause(trouble.tries, inConflict).pipe(
      Effect.andThen(this.whole(group.slice(0, half), next)),
      Effect.andThen(this.whole(group.slice(half), next))
    )
  }

  /**
   * Each member in a savepoint of its own, in lane order: finds the ones that fail, and commits the others. A pass begins no more members
   * once it has taken as long as a step may; the rest has a pass of its own, or the server would end a long one, with all that it did.
   */
  private inSavepoints(offered: ReadonlyArray<Member>, tries: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const group = this.alive(offered)
      if (group.length === 0) return Effect.void
      if (this.options.store.maxGroup === 1) return this.oneByOne(group, Trouble.none)
      const inLaneOrder = [...group].sort((a, b) =>
        a.delivery.lease.name.localeCompare(b.delivery.lease.name, "en", { numeric: true })
      )
      return this.transact(Savepoints.pass(this.options, inLaneOrder), "in turn").pipe(Effect.matchCauseEffect({
        onSuccess: (outcomes) =>
          Effect.andThen(
            this.finishAll(inLaneOrder.slice(0, outcomes.length), outcomes),
            this.inSavepoints(inLaneOrder.slice(outcomes.length), 0)
          ),
        onFailure: (cause) => {
          const failure = Cause.findErrorOption(cause)
          if (failure._tag === "None" && Cause.hasInterrupts(cause)) return Effect.interrupt
          const conflict = failure._tag === "Some" && failure.value._tag === "Hiccup" &&
            failure.value.kind === "conflict"
          // The store, or the member at which it stopped: one by one the others need not wait for that one.
          return conflict && tries < Trouble.conflictTries
            ? Effect.andThen(this.pause(tries, inConflict), this.inSavepoints(inLaneOrder, tries + 1))
            : this.oneByOne(inLaneOrder, Trouble.none)
        }
      }))
    })
  }

  /**
   * Each member in a transaction of its own: what fails now is its own failure. One that does not get through goes behind the
   * others: their commits show whether it is the store or the message. Where none of them gets through, newcomers show it, one
   * after another: nobody else might ever commit.
   */
  private oneByOne(group: ReadonlyArray<Member>, trouble: Trouble.Trouble): Effect.Effect<void> {
    const left = group.map((member) => ({ member, trouble }))
    return Effect.whileLoop({
      while: () => left.length > 0,
      body: () => {
        // Behind the others, so that each of them has its turn however many come.
        if (left.every(stuck)) left.push(...this.form(1).map((member) => ({ member, trouble: Trouble.none })))
        const { member, trouble } = left.shift()!
        // The one before it of its key is still to be tried.
        if (member.previous !== undefined && member.previous.outcome === undefined) {
          return Effect.succeed({ member, trouble })
        }
        return Effect.map(
          this.alone(member, trouble),
          (next) => next === undefined ? undefined : { member, trouble: next }
        )
      },
      step: (again) => {
        if (again !== undefined) left.push(again)
      }
    })
  }

  /** One try of one member. Answers its trouble if it is to be tried again. */
  private alone(member: Member, trouble: Trouble.Trouble): Effect.Effect<Trouble.Trouble | undefined> {
    return Effect.suspend(() => {
      if (this.alive([member]).length === 0) return Effect.succeed(undefined)
      return this.transact(Savepoints.single(this.options, member), "in turn").pipe(Effect.matchCauseEffect({
        onSuccess: (outcomes) => Effect.as(this.finishAll([member], outcomes), undefined),
        onFailure: (cause) => {
          const failure = Cause.findErrorOption(cause)
          if (failure._tag === "None" && Cause.hasInterrupts(cause)) return Effect.interrupt
          const next = this.more(trouble)
          if (failure._tag === "Some" && Trouble.passes(failure.value, next, this.commits.last)) {
            return Effect.as(this.pause(trouble.tries, inOutage), next)
          }
          return Effect.sync(() => {
            this.finish([member], { _tag: "Failed", error: unwrap(FailureRecord.errorOf(cause)) })
            return undefined
          })
        }
      }))
    })
  }

  /** The transaction that has just failed is one more try. */
  private more(trouble: Trouble.Trouble): Trouble.Trouble {
    return Trouble.more(trouble, this.began, this.options.renewer.now())
  }

  /** Worth trying each member alone: several tries had no success, and the store answers otherwise. */
  private apart(trouble: Trouble.Trouble): boolean {
    return Trouble.lastsSince(trouble, Math.max(this.options.renewer.confirmedAt(), this.commits.last))
  }

  /**
   * Those whose turn it still is: the lease is ours, somebody waits for it, and the one before it of its key was committed. The others
   * are done with.
   */
  private alive(group: ReadonlyArray<Member>): ReadonlyArray<Member> {
    return group.filter((member) => {
      const { delivery, previous } = member
      const end = Deferred.isDoneUnsafe(delivery.lease.lost)
        ? gone
        : member.state === "withdrawn"
        ? behind
        : previous?.outcome === undefined || passed(previous.outcome)
        ? undefined
        : behind
      if (end !== undefined) this.finish([member], end)
      return end === undefined
    })
  }

  private transact<A, E>(
    body: Effect.Effect<A, E, Store.Transaction>,
    statements: "together" | "in turn"
  ): Effect.Effect<A, E | Store.TransactionFailure> {
    return Effect.suspend(() => {
      this.began = false
      const noted = Effect.andThen(Effect.sync(() => this.began = true), body)
      return Effect.tapCause(
        Effect.provideService(this.options.store.transact(noted), Store.WorkerTransaction, statements),
        (cause) => Effect.sync(() => this.longWait.failed(cause))
      )
    })
  }

  private pause(tries: number, times: { readonly first: number; readonly cap: number }): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.pausing = true
      return Effect.ensuring(Backoff.pause(tries, times), Effect.sync(() => this.pausing = false))
    })
  }

  private finishAll(members: ReadonlyArray<Member>, outcomes: ReadonlyArray<Outcome>): Effect.Effect<void> {
    return Effect.sync(() => {
      this.commits.last = this.options.renewer.now()
      members.forEach((member, i) => this.finish([member], outcomes[i]!))
    })
  }

  private finish(members: ReadonlyArray<Member>, outcome: Outcome): void {
    for (const member of members) {
      member.outcome ??= outcome
      Deferred.doneUnsafe(member.done, Exit.void)
    }
  }
}
