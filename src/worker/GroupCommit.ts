/**
 * The transaction of a group, composed in one place and in this order on every engine: fence and removal, inbox claim, the commit
 * steps of the fresh members, outgoing messages. COMMIT and what follows a failure are the committer's.
 *
 * What commits here commits together or not at all. The order matters: the fence comes first, so that nothing is done under a
 * stale token; the claim comes before the steps, so that a second worker with the same id waits for how this transaction ends.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import type { Delivered, Delivery } from "../Delivery.ts"
import { IdempotencyConflict, StepTimeout, type StoreFailure, type TransportError } from "../Errors.ts"
import type { Message } from "../Message.ts"
import type * as Pipeline from "../Pipeline.ts"
import * as Store from "../Store.ts"
import * as Telemetry from "../Telemetry.ts"
import type { Subscription } from "../Transport.ts"
import * as FailureRecord from "./FailureRecord.ts"
import * as Steps from "./Steps.ts"
import type { Warnings } from "./Warnings.ts"

/** What the commit made of a member. */
export type Outcome =
  | { readonly _tag: "Committed" }
  | { readonly _tag: "Duplicate" }
  /** Known id, other content. */
  | { readonly _tag: "Conflict" }
  /** Not ours any more: its lane was lost, its row was taken by a person, or an unanswered COMMIT had happened. */
  | { readonly _tag: "Gone" }
  | { readonly _tag: "Failed"; readonly error: unknown }

export const committed: Outcome = { _tag: "Committed" }
export const duplicate: Outcome = { _tag: "Duplicate" }
export const conflict: Outcome = { _tag: "Conflict" }
export const gone: Outcome = { _tag: "Gone" }

/** A message that is ready to be committed. */
export interface Member {
  readonly delivery: Delivery
  readonly delivered: Delivered
  readonly stepped: Steps.Stepped
  readonly fingerprint: string
  /** The attempt's span: the commit steps run in it. */
  readonly span: Tracer.Span | undefined
  readonly done: Deferred.Deferred<Outcome>
  state: "waiting" | "begun" | "withdrawn"
}

/** A step's own failure, so that it is told apart from a failure of store and transport around it. */
export class StepFailed {
  readonly _tag = "StepFailed"
  readonly cause: Cause.Cause<unknown>
  constructor(cause: Cause.Cause<unknown>) {
    this.cause = cause
  }
}

/** What a group's transaction needs of its worker. */
export interface Options {
  readonly consumer: string
  readonly pipeline: Pipeline.Pipeline<unknown, unknown, unknown>
  readonly store: Store.Store["Service"]
  readonly subscription: Subscription
  readonly warnings: Warnings
}

/** The body of a group's transaction. Answers an outcome a member. With `timed` each step has its own timeout. */
export const compose = Effect.fnUntraced(function*(
  options: Options,
  group: ReadonlyArray<Member>,
  timed: boolean
): Effect.fn.Return<ReadonlyArray<Outcome>, StepFailed | StoreFailure | TransportError, Store.Transaction> {
  const { consumer, store, subscription } = options
  const kept = yield* subscription.settleWithin(group.map((member) => member.delivery))
  const ours = kept.length === group.length ? undefined : new Set(kept)
  const members = ours === undefined ? group : group.filter((member) => ours.has(member.delivery))
  if (members.length === 0) return group.map(() => gone)
  const claimed = yield* store.inbox.claim(consumer, members.map(claimOf))
  const fresh = members.filter((_, i) => claimed[i] === "fresh")
  const before = yield* store.statements
  const emits = yield* stepsOf(options, fresh, timed)
  if (
    before !== undefined && fresh.length > 0 && hasCommitStep(options) && (yield* store.statements) === before
  ) {
    yield* noStatement(options)
  }
  for (let i = 0; i < members.length; i++) {
    if (claimed[i] === "conflict") yield* buryConflict(options, members[i]!)
  }
  if (emits.length > 0) yield* store.outbox.write(emits)
  const outcomes = new Map(members.map((member, i) => [member, outcomeOf[claimed[i]!]]))
  return group.map((member) => outcomes.get(member) ?? gone)
})

const outcomeOf: Readonly<Record<Store.Claimed, Outcome>> = { fresh: committed, duplicate, conflict }

/**
 * The commit steps of the members, in their order; answers the messages they emit. Steps that are statements as data are sent together
 * (a round trip for all instead of one each: 62 of 115 microseconds a message were the writes); effects, which may decide between
 * their statements, run one member after another.
 */
const stepsOf = Effect.fnUntraced(function*(options: Options, fresh: ReadonlyArray<Member>, timed: boolean) {
  const clock = yield* Clock.Clock
  const started = clock.monotonicTimeNanosUnsafe()
  const millisSince = (nanos: bigint) => Number(clock.monotonicTimeNanosUnsafe() - nanos) / 1e6
  if ((yield* Store.Committer) === "together") {
    // All are awaited: the first failure is the one that tells why, and an interrupted statement would cost the connection.
    const exits = yield* Effect.forEach(fresh, (member) => Effect.exit(steps(options, member, false)), together)
    const emits: Array<Message> = []
    for (const exit of exits) for (const message of yield* exit) emits.push(message)
    const millis = millisSince(started)
    if (millis > slowStepMillis) yield* slowStep(options, `of ${fresh.length} messages`, millis)
    return emits
  }
  const emits: Array<Message> = []
  for (const member of fresh) {
    const began = clock.monotonicTimeNanosUnsafe()
    for (const message of yield* steps(options, member, timed)) emits.push(message)
    const millis = millisSince(began)
    if (millis > slowStepMillis) {
      yield* slowStep(options, `of message ${JSON.stringify(member.delivery.message.id)}`, millis)
    }
  }
  return emits
})

const together = { concurrency: "unbounded" } as const

/** Whether all that the commit phase sends are statements as data. */
export const isData = ({ pipeline }: Pick<Options, "pipeline">): boolean =>
  pipeline.operators.every((operator) => operator._tag !== "Commit")

/** Others wait while a commit step waits: beyond this it is named. */
const slowStepMillis = 1000

const slowStep = (options: Options, whose: string, millis: number): Effect.Effect<void> =>
  options.warnings.warn(
    "slowStep",
    `The commit steps ${whose} took ${Math.round(millis)} ms inside of the transaction, `
      + `and everything in its group waited for them. A commit step holds database work only: move waiting and network calls `
      + `into mapEffect, and look at slow statements.`
  )

const hasCommitStep = (options: Options): boolean =>
  options.pipeline.operators.some((operator) => operator._tag === "Commit" || operator._tag === "CommitSql")

const noStatement = (options: Options): Effect.Effect<void> =>
  options.warnings.warn(
    "noStatement",
    `The commit steps of consumer "${options.consumer}" ran no statement on the transaction's connection. If they write to a database, `
      + `their effects are not in the message's transaction: use the SqlClient that Postgres.layer exports, and build that layer once.`
  )

const claimOf = (member: Member): Store.Claim => ({
  id: member.delivery.message.id,
  fingerprint: member.fingerprint,
  letter: member.delivery.redrive?.letter
})

const steps = (options: Options, member: Member, timed: boolean): Effect.Effect<ReadonlyArray<Message>, StepFailed> => {
  const { consumer, pipeline } = options
  // The step's requirements are in the committer's context: it was forked by the worker, which has them in its type.
  const { span } = member
  const running = Steps.within(pipeline.operators, member.stepped, member.delivered, consumer, span !== undefined)
  const traced = span === undefined ? running : Effect.provideService(running, Tracer.ParentSpan, span)
  // Statements as data have nothing to log.
  const logging = isData(options)
    ? traced
    : Effect.annotateLogs(traced, Telemetry.logFields(consumer, member.delivery, member.delivered.attempt))
  const own = Effect.catchCause(
    logging as Effect.Effect<ReadonlyArray<Message>, unknown>,
    (cause) => Effect.fail(new StepFailed(cause))
  )
  if (!timed) return own
  const duration = Duration.fromInputUnsafe(pipeline.settings.commitTimeout)
  const timeout = new StepTimeout({ phase: "commit", millis: Duration.toMillis(duration) })
  return Effect.timeoutOrElse(own, { duration, orElse: () => Effect.fail(new StepFailed(Cause.fail(timeout))) })
}

/** The message had no effect and is kept: the same id with other content is somebody's mistake, never dropped silently. */
const buryConflict = (options: Options, member: Member): Effect.Effect<void, StoreFailure, Store.Transaction> => {
  const { consumer, store } = options
  const failure = FailureRecord.make({
    attempt: member.delivered.attempt,
    at: member.delivery.message.publishedAt,
    error: new IdempotencyConflict({ consumer, id: member.delivery.message.id }),
    step: "commit",
    worker: "",
    codeVersion: ""
  })
  return Effect.asVoid(store.deadLetters.bury(consumer, [{
    delivery: member.delivery,
    reason: "rejected",
    attempts: [...member.delivery.attempts, failure],
    fingerprint: "IdempotencyConflict@commit",
    parked: false,
    conflict: true
  }]))
}
