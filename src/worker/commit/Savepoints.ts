/**
 * One member's part of a transaction, alone or in a savepoint, bounded as a whole.
 *
 * A pass through savepoints begins no more members once it has taken the time that one step may take. Its work is
 * committed, and the rest has a pass of its own. A server that bounds transactions (`transaction_timeout`) would undo a
 * long pass again and again.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { StoreFailure, type TransportError } from "../../Errors.ts"
import type * as Store from "../../Store.ts"
import type { LeaseRenewer } from "../lease/LeaseRenewer.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { behind, type GroupMember, type MemberOutcome, passed, type StepFailed, unwrap } from "./GroupCommit.ts"

type SingleFailure = StepFailed | StoreFailure | TransportError

/**
 * The commit steps of one member have timeouts of their own, so what takes longer than all of them waits for the store.
 */
export const inTime = <A, E, R>(
  options: GroupCommit.Options,
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E | StoreFailure, R> => {
  const duration = Duration.times(
    Duration.fromInputUnsafe(options.pipeline.settings.commitTimeout),
    1 + GroupCommit.commitSteps(options)
  )
  return Effect.timeoutOrElse(body, {
    duration,
    orElse: () =>
      Effect.fail(
        new StoreFailure({
          operation: "commit a message",
          kind: "timeout",
          code: "",
          detail: `fence, claim and outgoing messages took longer than ${Duration.format(duration)}`,
          hint: "Look for locks that another session holds on its rows."
        })
      )
  })
}

export const single = (
  options: GroupCommit.Options,
  member: GroupMember
): Effect.Effect<ReadonlyArray<MemberOutcome>, SingleFailure, Store.Transaction> =>
  inTime(options, GroupCommit.compose(options, [member], true))

/**
 * Each member in a savepoint of its own. Returns the outcomes of as many members as there was time for, in their order:
 * of one at least.
 */
export const pass = (
  options: GroupCommit.Options & { readonly renewer: Pick<LeaseRenewer, "now"> },
  members: ReadonlyArray<GroupMember>
): Effect.Effect<ReadonlyArray<MemberOutcome>, SingleFailure | Store.TransactionFailure, Store.Transaction> => {
  const one = (
    member: GroupMember
  ): Effect.Effect<MemberOutcome, SingleFailure | Store.TransactionFailure, Store.Transaction> =>
    options.store.savepoint(single(options, member)).pipe(
      Effect.map((outcomes) => outcomes[0]!),
      Effect.catch((error): Effect.Effect<MemberOutcome, SingleFailure | Store.TransactionFailure> =>
        error._tag === "StepFailed" || error._tag === "TransactionAborted"
          ? Effect.succeed({ _tag: "Failed", error: unwrap(error) })
          : Effect.fail(error)
      )
    )
  return Effect.suspend(() => {
    const { pipeline, renewer } = options
    const until = renewer.now() + Duration.toMillis(pipeline.settings.commitTimeout)
    const undone = new Set<GroupMember>()
    const outcomes: Array<MemberOutcome> = []
    const going = (member: GroupMember) => {
      const follower = member.previous !== undefined && undone.has(member.previous)
      return follower ? Effect.succeed(behind) : one(member)
    }
    return Effect.as(
      Effect.whileLoop({
        while: () => outcomes.length < members.length && (outcomes.length === 0 || renewer.now() < until),
        body: () => going(members[outcomes.length]!),
        step: (outcome) => {
          if (!passed(outcome)) undone.add(members[outcomes.length]!)
          outcomes.push(outcome)
        }
      }),
      outcomes
    )
  })
}
