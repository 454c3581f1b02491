/**
 * Keeps the members that wait for a committer, in the order of their offers, and forms groups of them.
 *
 * All functions are synchronous, so every transition is atomic. A member is `queued` until a group takes it. From then
 * on the member is `begun` while a transaction with it runs, and `waiting` between two transactions. A member that is
 * not `begun` is withdrawn at once. The withdrawal of a `begun` member takes effect when its transaction has ended.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as MessageId from "../../MessageId.ts"
import { type GroupMember, type MemberOutcome, notHeld, passed, type Ready, skipped } from "./GroupCommit.ts"

/**
 * Returns a member for a message that is ready. `previous` is the member before it of the same key, if both are offered
 * together. `ended` is called once, when the member has its outcome.
 */
export const memberOf = (
  { context, delivery, span, stepped }: Ready,
  previous: GroupMember | undefined,
  ended: () => void
): GroupMember => ({
  context,
  delivery,
  stepped,
  span,
  previous,
  fingerprint: MessageId.ofMessage(delivery.message),
  ended,
  outcome: undefined,
  state: "queued"
})

export const finish = (member: GroupMember, outcome: MemberOutcome): void => {
  if (member.outcome !== undefined) return
  member.outcome = outcome
  member.ended()
}

/** Withdraws a member, because the fiber that waits for its outcome was interrupted. */
export const withdraw = (member: GroupMember): void => {
  if (member.state !== "begun") finish(member, skipped)
  member.state = "withdrawn"
}

/** Returns whether the member waits for the member before it of the same key. */
export const isBlocked = ({ previous }: GroupMember): boolean =>
  previous !== undefined && previous.outcome === undefined

/**
 * Returns the members that may still be committed. Such a member has no outcome yet, its lease is held, and the member
 * before it of its key did not fail. Each other member gets its outcome here.
 */
export const alive = (group: ReadonlyArray<GroupMember>): ReadonlyArray<GroupMember> =>
  group.filter((member) => {
    if (member.outcome !== undefined) return false
    const { delivery, previous } = member
    const end = Deferred.isDoneUnsafe(delivery.lease.lost)
      ? notHeld
      : previous?.outcome === undefined || passed(previous.outcome)
      ? undefined
      : skipped
    if (end !== undefined) finish(member, end)
    return end === undefined
  })

/** Marks the members as `begun`, since a transaction with them begins. */
export const begin = (group: ReadonlyArray<GroupMember>): void => {
  for (const member of group) member.state = "begun"
}

/**
 * Marks the members as `waiting`, since their transaction has ended without an outcome for them. Withdrawn members get
 * their outcome now.
 */
export const undecided = (group: ReadonlyArray<GroupMember>): void => {
  for (const member of group) {
    if (member.state === "withdrawn") finish(member, skipped)
    else member.state = "waiting"
  }
}

export class CommitQueue {
  private waiting: Array<GroupMember> = []
  private readonly offered = Latch.makeUnsafe(false)
  /** Waits until a member is offered. */
  readonly offering: Effect.Effect<void> = Effect.suspend(() => {
    this.offered.closeUnsafe()
    return this.offered.await
  })

  offer(member: GroupMember): void {
    this.waiting.push(member)
    this.offered.openUnsafe()
  }

  /**
   * Takes out and returns the next group: at most `most` members, with distinct ids. A second member with the same id
   * waits for a later group, and so do the members behind it in its key.
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
