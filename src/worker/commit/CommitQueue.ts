/**
 * The members that wait for a committer, in the order of their offers, and how a group is formed of them.
 *
 * Synchronous, so that every transition is atomic. A member is queued until a group takes it. From then on it is
 * `begun` while a transaction that holds it runs, and waits between two transactions. A member that is not begun can be
 * withdrawn at once; the withdrawal of one that is begun takes effect when its transaction has ended.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as MessageId from "../../MessageId.ts"
import { behind, gone, type GroupMember, type MemberOutcome, passed, type Ready } from "./GroupCommit.ts"

/** A member to offer, behind the one before it of its key if both are offered together. */
export const memberOf = (
  { delivered, delivery, span, stepped }: Ready,
  previous: GroupMember | undefined
): GroupMember => ({
  delivered,
  delivery,
  stepped,
  span,
  previous,
  fingerprint: MessageId.ofMessage(delivery.message),
  done: Deferred.makeUnsafe<void>(),
  outcome: undefined,
  state: "queued"
})

export const finish = (member: GroupMember, outcome: MemberOutcome): void => {
  member.outcome ??= outcome
  Deferred.doneUnsafe(member.done, Exit.void)
}

/** The fiber that waits for it goes. */
export const withdraw = (member: GroupMember): void => {
  if (member.state !== "begun") finish(member, behind)
  member.state = "withdrawn"
}

/** Whether it waits for the one before it of its key. */
export const isBlocked = ({ previous }: GroupMember): boolean =>
  previous !== undefined && previous.outcome === undefined

/**
 * Those whose turn it still is: the lease is ours, a fiber waits for it, and the one before it of its key was
 * committed. The others are ended.
 */
export const alive = (group: ReadonlyArray<GroupMember>): ReadonlyArray<GroupMember> =>
  group.filter((member) => {
    if (member.outcome !== undefined) return false
    const { delivery, previous } = member
    const end = Deferred.isDoneUnsafe(delivery.lease.lost)
      ? gone
      : previous?.outcome === undefined || passed(previous.outcome)
      ? undefined
      : behind
    if (end !== undefined) finish(member, end)
    return end === undefined
  })

/** A transaction that holds them begins. */
export const begin = (group: ReadonlyArray<GroupMember>): void => {
  for (const member of group) member.state = "begun"
}

/** It has ended without deciding about them. */
export const undecided = (group: ReadonlyArray<GroupMember>): void => {
  for (const member of group) {
    if (member.state === "withdrawn") finish(member, behind)
    else member.state = "waiting"
  }
}

export class CommitQueue {
  private waiting: Array<GroupMember> = []
  private readonly offered = Latch.makeUnsafe(false)
  /** Waits until something is offered. */
  readonly offering: Effect.Effect<void> = Effect.suspend(() => {
    this.offered.closeUnsafe()
    return this.offered.await
  })

  offer(member: GroupMember): void {
    this.waiting.push(member)
    this.offered.openUnsafe()
  }

  /**
   * The next group: at most so many, ids distinct. A second one with the same id waits for the next group, and its key
   * with it.
   */
  form(most: number): Array<GroupMember> {
    const group: Array<GroupMember> = []
    const later: Array<GroupMember> = []
    const ids = new Set<string>()
    let i = 0
    for (; i < this.waiting.length && group.length < most; i++) {
      const member = this.waiting[i]!
      if (member.outcome !== undefined) continue
      if (ids.has(member.delivery.message.id) || member.previous?.state === "queued") {
        later.push(member)
        continue
      }
      ids.add(member.delivery.message.id)
      member.state = "waiting"
      group.push(member)
    }
    this.waiting = later.length === 0 ? this.waiting.slice(i) : [...later, ...this.waiting.slice(i)]
    return group
  }
}
