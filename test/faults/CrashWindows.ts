/**
 * The moments of calls at which a fault can happen, and the crash windows of a message's life.
 *
 * @since 0.1.0
 */

/**
 * One moment of one call. `group` is the transaction of a committer, and `transact` any other one. `write.inserted` is
 * inside of a transaction of the store, and `write.after` outside of any. `close` is a worker that gives back its lanes
 * after its graceful stop.
 *
 * @since 0.1.0
 */
export type Moment =
  | `${"group" | "transact"}.${"before" | "begun" | "ended" | "after" | "rolledBack"}`
  | `${"removeInTransaction" | "acknowledge" | "claim" | "emit" | "deadLetter" | "hold" | "register" | "isolate"}.${
    | "before"
    | "after"}`
  | `write.${"before" | "inserted" | "after"}`
  | `${"renew" | "release" | "redrive" | "discard" | "close"}.${"before" | "during" | "after"}`
  | `take.${"before" | "claimed" | "takenOver" | "after"}`
  | `accept.${"before" | "after"}`
  | `step.${"decoded" | "running" | "ready"}`
  | `commitStep.${"first" | "next"}`

/**
 * The crash windows of a message's life, and the moment at which a process is in each. Three are missing, since a proxy
 * finds them, on the wire: `handle: COMMIT sent, no answer`, `upkeep: while due messages move` and `upkeep: during
 * retention`.
 *
 * @since 0.1.0
 */
export const windows = {
  "publish: before insert": "write.before",
  "publish: after insert, before commit": "write.inserted",
  "publish: after commit, before the answer": "write.after",
  "fetch: lane claimed, nothing read": "take.claimed",
  "fetch: read, not decoded": "accept.after",
  "fetch: decoded, not started": "step.decoded",
  "handle: in a step before the transaction": "step.running",
  "handle: ready, not yet in a group": "step.ready",
  "handle: after begin": "group.begun",
  "handle: after fence and removal": "removeInTransaction.after",
  "handle: after the inbox claim": "claim.after",
  "handle: between two members' commit steps": "commitStep.next",
  "handle: after the outbox, before COMMIT": "emit.after",
  "handle: answered, memory not yet settled": "group.after",
  "fail: while a hold is written": "hold.after",
  "fail: while a message moves to the dead letters": "deadLetter.after",
  "fail: between a group's rollback and its second run with savepoints": "group.rolledBack",
  "lease: during renewal": "renew.during",
  "lease: during release and graceful stop": "close.during",
  "lease: taken over, nothing read yet": "take.takenOver",
  "upkeep: during a redrive": "redrive.during",
  "upkeep: during the release of a parked key": "discard.during"
} as const satisfies Record<string, Moment>
