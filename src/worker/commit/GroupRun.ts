/**
 * Runs one group until each of its members has an outcome. If a transaction fails, the run follows the move that
 * `CommitRecovery.ts` decides: it repeats or divides the group, or tries each member alone.
 */
import * as Effect from "effect/Effect"
import * as Backoff from "../../internal/Backoff.ts"
import { alive, type CommitQueue, isBlocked } from "./CommitQueue.ts"
import * as CommitRecovery from "./CommitRecovery.ts"
import type { CommitTries } from "./CommitTries.ts"
import type { GroupMember } from "./GroupCommit.ts"

/** A member that is tried alone, and its failed tries. */
interface Single {
  readonly member: GroupMember
  readonly failedTries: CommitRecovery.FailedTries
}

/**
 * Returns whether the member was tried so often that it may be the cause of the failures. Also returns true if it waits
 * for the member before it of its key.
 */
const isStuck = ({ member, failedTries }: Single): boolean => CommitRecovery.persists(failedTries) || isBlocked(member)

export class GroupRun {
  /** The members of the group. While they are tried alone, other members of the queue may join them. */
  readonly members: Array<GroupMember>
  /** Runs the group. Never fails, but a bug of the runtime may end it in a defect. */
  readonly run: Effect.Effect<void>
  private readonly queue: CommitQueue
  private readonly tries: CommitTries

  constructor(group: ReadonlyArray<GroupMember>, queue: CommitQueue, tries: CommitTries) {
    this.members = [...group]
    this.queue = queue
    this.tries = tries
    this.run = this.attempt("whole", group, CommitRecovery.none)
  }

  /** Runs one transaction of the members that may still be committed, and then the moves that its failure leads to. */
  private attempt(
    form: CommitRecovery.Form,
    offered: ReadonlyArray<GroupMember>,
    failedTries: CommitRecovery.FailedTries
  ): Effect.Effect<void> {
    return Effect.suspend(() => {
      const group = alive(offered)
      if (group.length === 0) return Effect.void
      return Effect.flatMap(
        this.tries.run(form, group, failedTries),
        (move) => move === undefined ? Effect.void : this.follow(group, move)
      )
    })
  }

  private follow(group: ReadonlyArray<GroupMember>, move: CommitRecovery.Move): Effect.Effect<void> {
    switch (move._tag) {
      case "Whole":
        return this.attempt("whole", group, move.failedTries)
      case "Halve": {
        const half = Math.ceil(group.length / 2)
        return Effect.andThen(
          this.attempt("whole", group.slice(0, half), move.failedTries),
          this.attempt("whole", group.slice(half), move.failedTries)
        )
      }
      case "Savepoints":
        return this.attempt("savepoints", group, move.failedTries)
      case "Alone":
        return this.oneByOne(group, move.failedTries)
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
   * cause. If none of the members can be committed, members from the queue join one after another. Otherwise a few
   * members that fail could block every other message of this committer.
   */
  private oneByOne(group: ReadonlyArray<GroupMember>, failedTries: CommitRecovery.FailedTries): Effect.Effect<void> {
    const left = group.map((member): Single => ({ member, failedTries }))
    return Effect.whileLoop({
      while: () => left.length > 0,
      body: () => {
        // A member from the queue goes to the end. So each member that waits longer is tried before it.
        if (left.every(isStuck)) {
          for (const member of this.queue.form(1)) {
            this.members.push(member)
            left.push({ member, failedTries: CommitRecovery.none })
          }
        }
        const single = left.shift()!
        return isBlocked(single.member) ? Effect.succeed(single) : this.alone(single)
      },
      step: (again: Single | undefined) => {
        if (again !== undefined) left.push(again)
      }
    })
  }

  /** Runs one try of one member. Returns the member if another try is to follow, else undefined. */
  private alone({ member, failedTries }: Single): Effect.Effect<Single | undefined> {
    return Effect.suspend(() => {
      const group = alive([member])
      if (group.length === 0) return Effect.undefined
      return Effect.flatMap(this.tries.run("alone", group, failedTries), (move) =>
        move?._tag === "WaitThen"
          ? Effect.as(Backoff.pause(move.pause.tries, move.pause), { member, failedTries: move.then.failedTries })
          : Effect.undefined)
    })
  }
}
