/**
 * Composes the transaction of a group. On every engine the order is the same. First the fencing tokens are checked and
 * the messages removed, then the inbox claims the ids. Then the commit steps of the fresh members run, and their emits
 * are written. The committer does COMMIT and handles failures.
 *
 * All of these commit together or not at all. The fencing tokens are checked first, so that no step runs under a stale
 * token. The claim comes before the steps, so that a second worker with the same id waits until this transaction has
 * ended.
 */
import { isReadonlyArrayNonEmpty as isNonEmpty, type NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import type { Delivery, DeliveryContext } from "../../Delivery.ts"
import { IdempotencyConflict, StepTimeout, type StoreFailure, type TransportError } from "../../Errors.ts"
import type { Message } from "../../Message.ts"
import type * as Pipeline from "../../Pipeline.ts"
import * as Store from "../../Store.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Subscription } from "../../Transport.ts"
import * as FailureRecord from "../attempt/FailureRecord.ts"
import * as Steps from "../attempt/Steps.ts"
import type { Warnings } from "../observe/Warnings.ts"

/** The outcome of the commit for a member. */
export type MemberOutcome =
  /** The message is committed. `value` is the result of the last step. */
  | { readonly _tag: "Committed"; readonly value: unknown; readonly filtered: boolean }
  | { readonly _tag: "Duplicate" }
  /** The inbox knows the id with other content, so the message became a dead letter. */
  | { readonly _tag: "Conflict"; readonly deadLetterId: string | undefined }
  /**
   * This worker does not hold the message any more, and this transaction did nothing for it. Its lane was lost, an
   * operator removed its row, or an unanswered COMMIT had succeeded.
   */
  | { readonly _tag: "NotHeld" }
  /** `index` is the index of the commit step that failed. Undefined if no step failed. */
  | { readonly _tag: "Failed"; readonly error: unknown; readonly index?: number | undefined }
  /**
   * The message before it of its key was not committed, or this member was withdrawn in time. Nothing was done for it,
   * and it is to be processed later.
   */
  | { readonly _tag: "Skipped" }

/** The outcome of a message that this transaction only takes (`atMostOnce`). Its steps run later. */
export const taken: MemberOutcome = { _tag: "Committed", value: undefined, filtered: false }
export const duplicate: MemberOutcome = { _tag: "Duplicate" }
export const notHeld: MemberOutcome = { _tag: "NotHeld" }
export const skipped: MemberOutcome = { _tag: "Skipped" }

/** Returns whether the next message of the key may be committed after this outcome. */
export const passed = ({ _tag }: MemberOutcome): boolean => _tag !== "Failed" && _tag !== "Skipped"

/** A message whose steps before the transaction have run. */
export interface Ready {
  readonly delivery: Delivery
  readonly context: DeliveryContext
  readonly stepped: Steps.Stepped
  /** The attempt's span, in which the commit steps run. */
  readonly span: Tracer.Span | undefined
}

/** A message that is ready to be committed, in its group. */
export interface GroupMember extends Ready {
  readonly fingerprint: string
  /**
   * The member before this one of the same key, if both were offered together. This member is not committed unless that
   * one was.
   */
  readonly previous: GroupMember | undefined
  readonly ended: () => void
  outcome: MemberOutcome | undefined
  /** How far the member is on the way from its offer to its outcome. `CommitQueue.ts` explains each state. */
  state: "queued" | "waiting" | "begun" | "withdrawn"
}

/** The failure of a step itself. A failure of the store or the transport has another type. */
export class StepFailed {
  readonly _tag = "StepFailed"
  readonly cause: Cause.Cause<unknown>
  /** The member whose step failed. Undefined if the step was a batch of several members. */
  readonly of: Ready | undefined
  /** The index of the step in the pipeline. */
  readonly index: number
  constructor(cause: Cause.Cause<unknown>, of: Ready | undefined, index: number) {
    this.cause = cause
    this.of = of
    this.index = index
  }
}

/** Returns the outcome of a member whose attempt failed with this error. */
export const failed = (error: unknown): MemberOutcome => ({
  _tag: "Failed",
  error: unwrap(error),
  index: error instanceof StepFailed ? error.index : undefined
})

/** Returns the error of the user's step without the wrapper `StepFailed`, and any other error as it is. */
export const unwrap = (error: unknown): unknown => {
  try {
    return error instanceof StepFailed ? FailureRecord.errorOf(error.cause) : error
  } catch {
    // A user's error may throw when it is inspected, as a Proxy can. It is returned as it is.
    return error
  }
}

/** The parts of the worker that a group's transaction uses. */
export interface Options {
  readonly consumer: string
  /** The worker's name, for the record of a failure. */
  readonly worker: string
  readonly codeVersion: string
  readonly pipeline: Pipeline.Pipeline<unknown, unknown, unknown>
  readonly store: Store.Store["Service"]
  readonly subscription: Subscription
  readonly warnings: Warnings
}

/**
 * Runs the body of a group's transaction. Returns an outcome for each member, in order. With `timed` each step has its
 * own timeout.
 */
export const compose = Effect.fnUntraced(function*(
  options: Options,
  group: ReadonlyArray<GroupMember>,
  timed: boolean
): Effect.fn.Return<ReadonlyArray<MemberOutcome>, StepFailed | StoreFailure | TransportError, Store.Transaction> {
  const { pipeline, subscription } = options
  const kept = yield* subscription.removeInTransaction(group.map((member) => member.delivery))
  const ours = kept.length === group.length ? undefined : new Set(kept)
  const members = ours === undefined ? group : group.filter((member) => ours.has(member.delivery))
  if (members.length === 0) return group.map(() => notHeld)
  const claimed = yield* claim(options, members)
  const fresh = members.filter((_, i) => claimed[i] === "fresh")
  // With `atMostOnce` this transaction only takes the message. So the message is never delivered again, even if its
  // steps fail later.
  const moved = pipeline.settings.delivery === "atMostOnce" ? [] : yield* effects(options, fresh, timed)
  const outcomes = new Map<GroupMember, MemberOutcome>()
  let next = 0
  for (let i = 0; i < members.length; i++) {
    const member = members[i]!
    if (claimed[i] === "fresh") {
      const one = moved[next++]
      outcomes.set(member, one === undefined ? taken : committed(one))
    } else if (claimed[i] === "duplicate") outcomes.set(member, duplicate)
    else outcomes.set(member, { _tag: "Conflict", deadLetterId: yield* recordConflict(options, member) })
  }
  const emits = emitsOf(moved)
  if (emits.length > 0) yield* options.store.outbox.write(emits)
  return group.map((member) => outcomes.get(member) ?? notHeld)
})

/**
 * Claims the ids in the inbox, and returns the result of each member. With `atLeastOnce` all members are fresh without
 * a claim. Only a redriven message is claimed, since the claim resolves its dead letter.
 */
const claim = (options: Options, members: ReadonlyArray<GroupMember>) => {
  const { consumer, pipeline, store } = options
  if (pipeline.settings.delivery !== "atLeastOnce") return store.inbox.claim(consumer, members.map(claimOf))
  const redriven = members.filter((member) => member.delivery.redrive !== undefined)
  if (redriven.length === 0) return Effect.succeed(members.map((): Store.ClaimResult => "fresh"))
  return Effect.map(store.inbox.claim(consumer, redriven.map(claimOf)), (claimed) => {
    const answers = new Map(redriven.map((member, i) => [member, claimed[i]!]))
    return members.map((member): Store.ClaimResult => answers.get(member) ?? "fresh")
  })
}

/**
 * Runs the commit steps of members in the open transaction. Returns the members with their values and emits. If the
 * commit steps ran no statement in this transaction, logs a warning.
 */
const effects = Effect.fnUntraced(function*(options: Options, fresh: ReadonlyArray<Ready>, timed: boolean) {
  const { store } = options
  const before = yield* store.statements
  const moved = yield* stepsOf(options, fresh, timed)
  if (
    before !== undefined && fresh.length > 0 && hasCommitStep(options) && (yield* store.statements) === before
  ) {
    yield* noStatement(options)
  }
  return moved
})

/**
 * Runs the body of the second transaction of a message that was taken before (`atMostOnce`). It checks the fencing
 * token again, runs the commit steps and writes the emits. Returns the outcome.
 */
export const composeTaken = Effect.fnUntraced(function*(
  options: Options,
  member: Ready
): Effect.fn.Return<MemberOutcome, StepFailed | StoreFailure | TransportError, Store.Transaction> {
  const ours = yield* options.subscription.fence([member.delivery])
  if (ours.length === 0) return notHeld
  const moved = yield* effects(options, [member], true)
  const emits = emitsOf(moved)
  if (emits.length > 0) yield* options.store.outbox.write(emits)
  return committed(moved[0]!)
})

/** A member on its way through the commit steps. */
export interface Moving {
  readonly of: Ready
  readonly context: DeliveryContext
  readonly at: Steps.Cursor
}

/**
 * Runs the commit steps of the members, in their order. Steps that are statements as data are sent together, in one
 * round trip for all members. In `npm run bench` this raised the rate by more than half. Effects may decide between
 * their statements, so they run one member after another. A batch runs when all members have come to it.
 */
const stepsOf = Effect.fnUntraced(function*(options: Options, fresh: ReadonlyArray<Ready>, timed: boolean) {
  const moving = fresh.map((of): Moving => ({ of, context: of.context, at: Steps.cursor(of.stepped) }))
  const clock = yield* Clock.Clock
  const pipelined = (yield* Store.WorkerTransaction) === "pipelined"
  for (let going: ReadonlyArray<Moving> = moving; going.length > 0;) {
    const started = clock.monotonicTimeNanosUnsafe()
    if (pipelined) yield* stepsTogether(options, going)
    for (const one of pipelined ? [] : going) {
      const began = clock.monotonicTimeNanosUnsafe()
      yield* steps(options, one, timed)
      yield* nameSlow(options, clock, began, `of message ${JSON.stringify(one.context.message.id)}`)
    }
    if (pipelined) yield* nameSlow(options, clock, started, `of ${going.length} messages`)
    // All members run the same steps in the same order, so those with steps left now wait at the same batch.
    going = going.filter(({ at }) => at.index < options.pipeline.steps.length)
    const began = clock.monotonicTimeNanosUnsafe()
    if (isNonEmpty(going)) yield* batch(options, going, timed)
    yield* nameSlow(options, clock, began, `of a batch of ${going.length} messages`)
  }
  return moving
})

/** Runs the steps of all members up to the next batch. The statements of distinct keys are sent together. */
const stepsTogether = Effect.fnUntraced(function*(options: Options, going: ReadonlyArray<Moving>) {
  // Waits for all exits, and then fails with the first failure. If that failure interrupted the other statements
  // instead, the database connection would have to be closed.
  const ofKey = ([first, ...others]: NonEmptyReadonlyArray<Moving>) => {
    const begun = steps(options, first, false)
    return Effect.exit(
      others.length === 0
        ? begun
        : Effect.andThen(begun, Effect.forEach(others, (one) => steps(options, one, false), { discard: true }))
    )
  }
  const exits = yield* Effect.forEach(byKey(going), ofKey, { concurrency: "unbounded" })
  for (const exit of exits) yield* exit
})

/**
 * Groups the members by key, each key in its order. The first statement of a member must not be sent before the last
 * one of an earlier member of its key.
 */
const byKey = (moving: ReadonlyArray<Moving>): ReadonlyArray<NonEmptyReadonlyArray<Moving>> => {
  const runs = new Map<string, [Moving, ...Array<Moving>]>()
  for (const one of moving) {
    const run = runs.get(one.context.message.key)
    if (run === undefined) runs.set(one.context.message.key, [one])
    else run.push(one)
  }
  return [...runs.values()]
}

export const committed = ({ at }: Moving): MemberOutcome => ({
  _tag: "Committed",
  value: at.value,
  filtered: at.filtered
})

export const emitsOf = (moving: ReadonlyArray<Moving>): ReadonlyArray<Message> => {
  const emits: Array<Message> = []
  for (const { at } of moving) if (at.emitted !== undefined) { for (const message of at.emitted) emits.push(message) }
  return emits
}

/** Returns whether the commit phase consists only of statements as data, without effects. */
export const isData = ({ pipeline }: Pick<Options, "pipeline">): boolean =>
  pipeline.steps.every((step) => step._tag === "CommitBatch" ? step.data !== undefined : step._tag !== "Commit")

/** While a commit step waits, its whole group waits. A warning names a step that takes longer than this. */
const slowStepMillis = 1000

const nameSlow = (options: Options, clock: Clock.Clock, began: bigint, whose: string): Effect.Effect<void> => {
  const millis = Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6
  return millis > slowStepMillis ? slowStep(options, whose, millis) : Effect.void
}

const slowStep = (options: Options, whose: string, millis: number): Effect.Effect<void> =>
  options.warnings.warn(
    "slowStep",
    `The commit steps ${whose} took ${Math.round(millis)} ms inside of the transaction, `
      + `and everything in its group waited for them. A commit step holds database work only: move waiting and network calls `
      + `into mapEffect, and look at slow statements.`
  )

/**
 * Returns how many steps of the pipeline run user code or statements in the transaction. Each may have a timeout of its
 * own.
 */
export const commitSteps = ({ pipeline }: Pick<Options, "pipeline">): number =>
  pipeline.steps.filter(({ _tag }) => _tag === "Commit" || _tag === "CommitBatch" || _tag === "CommitSql").length

/**
 * Logs the warnings about the commit steps of a group that was committed as data: they had no statement, or took too
 * long.
 */
export const reported = (
  options: Options,
  clock: Clock.Clock,
  began: bigint,
  statements: number,
  messages: number
): Effect.Effect<void> =>
  statements > 0
    ? nameSlow(options, clock, began, `of ${messages} messages`)
    : hasCommitStep(options)
    ? noStatement(options)
    : Effect.void

const hasCommitStep = (options: Options): boolean => commitSteps(options) > 0

const noStatement = (options: Options): Effect.Effect<void> =>
  options.warnings.warn(
    "noStatement",
    `The commit steps of consumer "${options.consumer}" ran no statement on the transaction's connection. If they write to a database, `
      + `their effects are not in the message's transaction: use the SqlClient that Postgres.layer exports, and build that layer once.`
  )

export const claimOf = (member: Pick<GroupMember, "delivery" | "fingerprint">): Store.Claim => ({
  id: member.delivery.message.id,
  fingerprint: member.fingerprint,
  deadLetterId: member.delivery.redrive?.deadLetterId
})

/** Runs the commit steps of one member up to the next batch or to the end. */
const steps = (options: Options, one: Moving, timed: boolean): Effect.Effect<void, StepFailed> => {
  const { at, context, of } = one
  return own(
    options,
    [one],
    Steps.within(options.pipeline.steps, at, context, options.consumer, of.span !== undefined),
    timed
  )
}

/** Runs the `commitBatch` step that these members have come to. */
const batch = (
  options: Options,
  going: NonEmptyReadonlyArray<Moving>,
  timed: boolean
): Effect.Effect<void, StepFailed> => {
  const step = options.pipeline.steps[going[0].at.index]!
  if (step._tag !== "CommitBatch") return Effect.die(new Error(`A group stopped at ${step._tag}`))
  const running = Effect.suspend(() => Steps.batch(step, going))
  // After this failure each member runs alone. A batch of one message may return the right number of results, and then
  // the member commits. So the warning is logged here, since otherwise the mistake would stay unseen.
  const warned = Effect.tapDefect(running, (defect) =>
    defect instanceof Steps.WrongResults && going.length > 1
      ? options.warnings.warn("wrongResults", `${defect.message} The group is run again, message by message.`)
      : Effect.void)
  return own(options, going, warned, timed)
}

/**
 * Runs a step with its timeout, and fails with `StepFailed` if the step fails. The step runs in the span of its
 * message, or of the first message of a batch. Its log lines name that message.
 */
const own = (
  options: Options,
  [{ at, context, of }, ...others]: NonEmptyReadonlyArray<Moving>,
  step: Effect.Effect<void, unknown, unknown>,
  timed: boolean
): Effect.Effect<void, StepFailed> => {
  // The worker has the step's requirements in its type and forks the committer, so these services are in the
  // committer's context.
  const { span } = of
  const traced = span === undefined ? step : Effect.provideService(step, Tracer.ParentSpan, span)
  // Statements as data write no log lines, so they need no annotations.
  const running = (isData(options)
    ? traced
    : Effect.annotateLogs(
      traced,
      Telemetry.logFields(options.consumer, context, context.attempt)
    )) as Effect.Effect<void, unknown>
  const failed = (cause: Cause.Cause<unknown>) =>
    Effect.fail(new StepFailed(cause, others.length === 0 ? of : undefined, at.index))
  const failing = Effect.catchCause(running, failed)
  if (!timed) return failing
  const duration = Duration.fromInputUnsafe(options.pipeline.settings.commitTimeout)
  const timeout = new StepTimeout({ phase: "commit", millis: Duration.toMillis(duration) })
  return Effect.timeoutOrElse(failing, { duration, orElse: () => failed(Cause.fail(timeout)) })
}

/**
 * Records the message as a dead letter, and returns the id of the dead letter. The message had no effect. The same id
 * with other content is a publisher's mistake, so the message must not be dropped silently.
 */
const recordConflict = Effect.fnUntraced(function*(
  { codeVersion, consumer, store, worker }: Options,
  member: GroupMember
): Effect.fn.Return<string | undefined, StoreFailure, Store.Transaction> {
  const failure = FailureRecord.make({
    attempt: member.context.attempt,
    at: yield* Clock.currentTimeMillis,
    error: new IdempotencyConflict({ consumer, id: member.delivery.message.id }),
    step: "commit",
    worker,
    codeVersion
  })
  const [deadLetterId] = yield* store.deadLetters.add(consumer, [{
    delivery: member.delivery,
    reason: "rejected",
    attempts: [...member.delivery.attempts, failure],
    fingerprint: "IdempotencyConflict@commit",
    parked: false,
    conflict: true
  }])
  return deadLetterId
})
