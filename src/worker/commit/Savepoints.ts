/**
 * Runs members one at a time: one alone in its transaction, or each in a savepoint of a shared one. The part of each
 * member has a timeout.
 *
 * A pass through savepoints begins no more members once it has taken the time that one step may take. Its members are
 * committed, and the remaining ones have another pass. Without this limit, a server with `transaction_timeout` would
 * roll a long pass back again and again.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { StoreFailure, type TransportError } from "../../Errors.ts"
import type * as Store from "../../Store.ts"
import type { LeaseRenewer } from "../lease/LeaseRenewer.ts"
import * as GroupCommit from "./GroupCommit.ts"
import { type GroupMember, type MemberOutcome, passed, skipped, type StepFailed } from "./GroupCommit.ts"

type SingleFailure = StepFailed | StoreFailure | TransportError

/**
 * Returns `body` with a timeout that is longer than the timeouts of all its commit steps together. If `body` takes even
 * longer, it waits for the store, so it fails with `StoreFailure`.
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
 * Runs each member in a savepoint of its own. Returns the outcomes of the members for which there was time, in their
 * order, and of at least one.
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
          ? Effect.succeed(GroupCommit.failed(error))
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
      return follower ? Effect.succeed(skipped) : one(member)
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
