/**
 * Commits a whole group as data, if no code has to run inside of its transaction.
 *
 * A pipeline whose commit phase has only `commitSql`, `commitRows`, `emit` and pure steps names all its statements
 * before they are sent. So the store sends them with fence, claim and COMMIT in one write, and no fiber waits for each
 * of them.
 *
 * Only a group without a surprise is committed here: every message is still in the queue, every id is fresh, and no
 * statement fails. In all other cases `commit` returns undefined, and the composed transaction decides
 * (`GroupCommit.ts`). After a surprise the next groups are composed at once, since surprises come in series.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { DeliveryContext } from "../../Delivery.ts"
import type * as SqlData from "../../internal/pipeline/SqlData.ts"
import type * as Pipeline from "../../Pipeline.ts"
import type { DataPart, Removal } from "../../Store.ts"
import * as Steps from "../attempt/Steps.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { type GroupMember, type MemberOutcome, StepFailed } from "./GroupCommit.ts"

/** After a surprise, at most so many groups are composed before the next one is tried as data. */
const mostSkipped = 64

/** The group has something that only the composed transaction can run. */
class NotData {
  readonly _tag = "NotData"
}

export interface DataCommit {
  /** Commits the group and returns its outcomes. Returns undefined if the group must be composed. */
  readonly commit: (
    group: ReadonlyArray<GroupMember>
  ) => Effect.Effect<ReadonlyArray<MemberOutcome> | undefined, StepFailed>
}

/** Returns the data form of a committer's groups, or undefined if the store or the pipeline does not permit it. */
export const make = (options: GroupCommit.Options): DataCommit | undefined => {
  const { consumer, pipeline, store, subscription } = options
  const { commitData } = store
  const { removal } = subscription
  if (commitData === undefined || removal === undefined || !GroupCommit.isData(options)) return undefined
  if (pipeline.steps.some((step) => step._tag === "CommitSql" && step.data === undefined)) return undefined
  const { delivery } = pipeline.settings
  let skip = 0
  let left = 0
  const commit = Effect.fnUntraced(function*(group: ReadonlyArray<GroupMember>, removed: Removal) {
    const run = new Run(options, delivery === "atMostOnce" ? [] : group, yield* Effect.context<never>())
    const claims = delivery === "atLeastOnce" ? undefined : group.map(GroupCommit.claimOf)
    const clock = yield* Clock.Clock
    const began = clock.monotonicTimeNanosUnsafe()
    const committed = yield* Effect.catchTag(
      commitData({ consumer, removal: removed, claims }, () => run.next()),
      "NotData",
      () => Effect.succeed(false)
    )
    skip = committed ? 0 : Math.min(mostSkipped, Math.max(1, skip * 2))
    left = skip
    if (!committed) return undefined
    if (delivery === "atMostOnce") return group.map(() => GroupCommit.taken)
    yield* GroupCommit.reported(options, clock, began, run.statements, group.length)
    return run.outcomes()
  })
  return {
    commit: (group) =>
      Effect.suspend(() => {
        if (left > 0) {
          left--
          return Effect.undefined
        }
        // The statements of a traced member have spans of their own, which only the composed transaction makes.
        if (group.some(({ span }) => span !== undefined)) return Effect.undefined
        const removed = removal(group.map((member) => member.delivery))
        return removed === undefined ? Effect.undefined : commit(group, removed)
      })
  }
}

type RowsToSqlData = SqlData.ToSqlData<ReadonlyArray<DeliveryContext>>

/** A member on its way through the commit steps. */
interface Moving extends GroupCommit.Moving {
  /** Whether the part that is being formed has a statement of this member. */
  waits: boolean
}

/** Moves the members of one group through their steps. */
class Run {
  /** How many statements the members have. */
  statements = 0
  private readonly options: GroupCommit.Options
  private readonly moving: ReadonlyArray<Moving>
  /** For each `commitSql` step, the function that returns its statements. */
  private readonly data: ReadonlyMap<Pipeline.Step, SqlData.ToSqlData | undefined>
  /** For each `commitRows` step, the function that returns the statement for all members. */
  private readonly rows: ReadonlyMap<Pipeline.Step, RowsToSqlData | undefined>

  constructor(options: GroupCommit.Options, group: ReadonlyArray<GroupMember>, services: Context.Context<never>) {
    this.options = options
    this.moving = group.map((of) => ({
      of,
      context: of.context,
      at: Steps.cursor(of.stepped),
      waits: false
    }))
    const { steps } = options.pipeline
    this.data = new Map(steps.map((step) => [step, step._tag === "CommitSql" ? step.data?.(services) : undefined]))
    this.rows = new Map(steps.map((step) => [step, step._tag === "CommitBatch" ? step.data?.(services) : undefined]))
  }

  /**
   * Moves each member to its end, or up to a pure step behind its own statement. Such a step runs when the statement
   * has succeeded, so it is in the next part. When all members have come to a batch of rows, its statement is added.
   */
  readonly next = Effect.fnUntraced(function*(this: Run): Effect.fn.Return<DataPart, StepFailed | NotData> {
    const { steps } = this.options.pipeline
    const statements: Array<SqlData.SqlData> = []
    for (const one of this.moving) one.waits = false
    let going: ReadonlyArray<Moving> = this.moving
    while (true) {
      for (const one of going) {
        for (let step = this.move(one, statements); step !== undefined; step = this.move(one, statements)) yield* step
      }
      going = going.filter(({ at }) => at.index < steps.length)
      const step = steps[going[0]?.at.index ?? steps.length]
      if (step?._tag !== "CommitBatch" || going.some(({ at }) => steps[at.index] !== step)) break
      yield* this.batch(step, going, statements)
    }
    this.statements += statements.length
    return { statements, emits: going.length === 0 ? GroupCommit.emitsOf(this.moving) : undefined }
  })

  /** Adds the statement for the rows of these members, and moves them behind it. */
  private batch(
    step: Pipeline.Step,
    going: ReadonlyArray<Moving>,
    statements: Array<SqlData.SqlData>
  ): Effect.Effect<void, StepFailed | NotData> {
    try {
      const own = this.rows.get(step)?.(
        going.map(({ at }) => at.value) as never,
        going.map(({ context }) => context)
      )
      if (own === undefined) return Effect.fail(new NotData())
      for (const statement of own) statements.push(statement)
      for (const one of going) {
        one.waits = true
        one.at.index++
      }
      return Effect.void
    } catch (error) {
      return Effect.fail(
        new StepFailed(
          Cause.die(error),
          going.length === 1 ? going[0]!.of : undefined,
          this.options.pipeline.steps.indexOf(step)
        )
      )
    }
  }

  outcomes(): ReadonlyArray<MemberOutcome> {
    return this.moving.map(GroupCommit.committed)
  }

  /** Moves one member on. Returns an effect if one must run first: an emit, or the failure of the member. */
  private move(one: Moving, statements: Array<SqlData.SqlData>): Effect.Effect<void, StepFailed | NotData> | undefined {
    const { consumer, pipeline: { steps } } = this.options
    const { at, context, of } = one
    try {
      for (; at.index < steps.length; at.index++) {
        const step = steps[at.index]!
        if (step._tag === "Map" || step._tag === "Filter") {
          if (one.waits) return undefined
          const misuse = Steps.pure(step, at, context)
          if (misuse !== undefined) return failing(misuse, of, at.index)
          if (at.filtered) at.index = steps.length
        } else if (step._tag === "CommitSql") {
          const own = this.data.get(step)?.(at.value as never, context)
          if (own === undefined) return Effect.fail(new NotData())
          if (own.length > 0) one.waits = true
          for (const statement of own) statements.push(statement)
        } else if (step._tag === "Emit") {
          // An emit only makes a message, and the message is published if the transaction commits. So an emit runs
          // before the member's statements have succeeded.
          at.index++
          return failing(Steps.emit(step, at, context, consumer, false), of, at.index - 1)
        } else if (step._tag === "CommitBatch") return undefined
      }
      return undefined
    } catch (error) {
      return Effect.fail(new StepFailed(Cause.die(error), of, at.index))
    }
  }
}

const failing = (
  step: Effect.Effect<void, unknown, unknown>,
  of: GroupCommit.Ready,
  index: number
): Effect.Effect<void, StepFailed> =>
  // The worker has the step's requirements in its type, so these services are in the committer's context.
  Effect.catchCause(step as Effect.Effect<void, unknown>, (cause) => Effect.fail(new StepFailed(cause, of, index)))
