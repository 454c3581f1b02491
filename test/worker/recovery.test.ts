// The table of what follows a failed transaction of a group, without fibers, a store or a clock.
import { assert, describe, it } from "@effect/vitest"
import { Cause, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { Errors } from "millrace"
import * as CommitRecovery from "../../src/worker/commit/CommitRecovery.ts"
import { type Ready, StepFailed } from "../../src/worker/commit/GroupCommit.ts"

const member = {} as Ready
const failures = {
  step: new StepFailed(Cause.fail("no"), member, 0),
  batch: new StepFailed(Cause.fail("no"), undefined, 0),
  slow: new CommitRecovery.GroupTooSlow(),
  aborted: new Errors.TransactionAborted({ detail: "" }),
  rejected: new Errors.CommitRejected({ code: "23503", detail: "" }),
  defect: undefined,
  conflict: new Errors.TransientFailure({ kind: "conflict", code: "40001", detail: "" }),
  refused: new Errors.StoreFailure({ operation: "", kind: "refused", code: "42501", detail: "", hint: "" }),
  ended: new Errors.TransientFailure({ kind: "unavailable", code: "", detail: "" }),
  away: new Errors.TransientFailure({ kind: "unavailable", code: "53100", detail: "" }),
  unknown: new Errors.UnknownOutcome({ detail: "" })
} as const
type Name = keyof typeof failures
const own: ReadonlyArray<Name> = ["step", "batch", "slow", "aborted", "rejected", "defect"]
const names = Object.keys(failures) as ReadonlyArray<Name>

const failure = (name: Name, at: number, began = true): CommitRecovery.Failure => ({
  error: failures[name],
  began,
  at
})

const states = Arbitrary.all({
  form: Arbitrary.schema(Schema.Literals(["whole", "savepoints", "alone"])),
  members: Arbitrary.schema(Schema.Literals([1, 2, 3, 250])),
  savepoints: Arbitrary.schema(Schema.Boolean),
  together: Arbitrary.schema(Schema.Boolean),
  tries: Arbitrary.schema(Schema.Literals([0, 1, 4, 5, 9, 10, 100])),
  committedAt: Arbitrary.schema(Schema.Literals([-1, 5, 15])),
  provedAt: Arbitrary.schema(Schema.Literals([-1, 5, 15])),
  renewedAt: Arbitrary.schema(Schema.Literals([-1, 5, 15])),
  name: Arbitrary.schema(Schema.Literals(names)),
  began: Arbitrary.schema(Schema.Boolean)
})

/** The committer's next move, past its waits. */
const tried = (move: CommitRecovery.Move): CommitRecovery.Move => move._tag === "WaitThen" ? move.then : move

interface Alone {
  readonly name: Name
  readonly tries: number
  readonly committedAt?: number
  readonly provedAt?: number
  readonly began?: boolean
}

/** How often a member is tried alone until its attempt has failed; undefined if it is still tried after so many. */
const triesAlone = ({ began = true, committedAt = -1, name, provedAt = -1, tries }: Alone): number | undefined => {
  let failedTries = CommitRecovery.none
  for (let n = 1; n <= tries; n++) {
    const move = CommitRecovery.next(
      {
        form: "alone",
        members: 1,
        savepoints: true,
        together: false,
        failedTries,
        committedAt,
        provedAt,
        renewedAt: Infinity
      },
      failure(name, n, began)
    )
    if (move._tag === "FailMember") return n
    assert.strictEqual(move._tag, "WaitThen")
    assert.strictEqual(tried(move)._tag, "Alone")
    if (move._tag === "WaitThen") failedTries = move.then.failedTries
  }
  return undefined
}

describe("the move after a failed transaction", () => {
  it.prop(
    "can be done: a group that was taken apart is not put together again, and no member fails for another one",
    [states],
    ([{ began, form, members, name, tries, ...state }]) => {
      const alone = form === "alone"
      const move = CommitRecovery.next({
        ...state,
        form,
        members: alone ? 1 : members,
        failedTries: { tries, begun: tries, since: tries === 0 ? undefined : 0 }
      }, failure(name, 10, began))
      const next = tried(move)._tag
      if (alone) assert.include(["Alone", "FailMember"], next)
      if (form === "savepoints") assert.include(["Savepoints", "Alone"], next)
      if (next === "Halve") assert.isAbove(members, 1)
      if (form === "whole" && next === "FailMember" && members > 1) assert.strictEqual(name, "step")
      if (next === "Savepoints" && form === "whole") assert.isTrue(state.savepoints)
      // A wait is what the failure of another transaction, or of the store, asks for.
      const settled = own.includes(name) || (name === "refused" && form === "whole" && members > 1)
      assert.strictEqual(
        move._tag === "WaitThen",
        !settled && next !== "FailMember" && !(form === "savepoints" && next === "Alone")
      )
      if (move._tag === "WaitThen") assert.strictEqual(move.pause.tries, tries)
      if (!began && next === "FailMember") assert.isTrue(own.includes(name) || tries > 0)
    }
  )

  it("is the member's failure at once where it is its own", () => {
    for (const name of own) assert.strictEqual(triesAlone({ name, tries: 1 }), 1)
  })

  it("is the failure of the one whose step failed, and another try for the others of its group", () => {
    for (const [savepoints, then] of [[true, "Savepoints"], [false, "Alone"]] as const) {
      const state = {
        form: "whole",
        members: 3,
        savepoints,
        together: false,
        failedTries: CommitRecovery.none
      } as const
      const move = CommitRecovery.next({ ...state, committedAt: -1, provedAt: -1, renewedAt: -1 }, failure("step", 1))
      assert.deepStrictEqual(move, { _tag: "FailMember", then: { _tag: then, failedTries: CommitRecovery.none } })
    }
  })

  it("is the failure of a lone member without another try, unless a try by itself would tell more", () => {
    const state = { form: "whole", members: 1, savepoints: true, failedTries: CommitRecovery.none } as const
    for (const name of own) {
      const seen = { ...state, committedAt: -1, provedAt: -1, renewedAt: -1 }
      assert.strictEqual(CommitRecovery.next({ ...seen, together: false }, failure(name, 1))._tag, "FailMember")
      const again = CommitRecovery.next({ ...seen, together: true }, failure(name, 1))._tag
      assert.strictEqual(again === "FailMember", name === "step")
    }
  })

  it("is the member's failure after ten conflicts", () => {
    assert.strictEqual(triesAlone({ name: "conflict", tries: 100 }), 10)
  })

  it("is the member's failure after three refusals, with nothing to compare it with", () => {
    assert.strictEqual(triesAlone({ name: "refused", tries: 100 }), 3)
    const state = {
      form: "whole",
      members: 1,
      savepoints: true,
      together: false,
      failedTries: CommitRecovery.none
    } as const
    const seen = { ...state, committedAt: -1, provedAt: -1, renewedAt: -1 }
    assert.strictEqual(tried(CommitRecovery.next(seen, failure("refused", 1)))._tag, "Alone")
    assert.strictEqual(CommitRecovery.next({ ...seen, members: 3 }, failure("refused", 1))._tag, "Alone")
  })

  it("is the member's failure when its session ends five times and a transaction without it does not", () => {
    assert.isUndefined(triesAlone({ name: "ended", tries: 1000 }))
    assert.strictEqual(triesAlone({ name: "ended", tries: 1000, provedAt: 1.5 }), 5)
    // The proof is older than the failedTries.
    assert.isUndefined(triesAlone({ name: "ended", tries: 1000, provedAt: 1 }))
    // A store that says that it is away may well commit what writes nothing.
    assert.isUndefined(triesAlone({ name: "away", tries: 1000, provedAt: 1.5 }))
  })

  it("asks for that proof when there is nothing else to compare with, and only then", () => {
    const asks = (name: Name, begun: number, form: CommitRecovery.Form, committedAt = -1, provedAt = -1) =>
      CommitRecovery.needsProof({
        form,
        members: 1,
        savepoints: true,
        together: false,
        failedTries: { tries: begun, begun, since: begun === 0 ? undefined : 1 },
        committedAt,
        provedAt,
        renewedAt: -1
      }, failure(name, 10))
    assert.isTrue(asks("ended", 4, "whole"))
    assert.isTrue(asks("ended", 4, "alone"))
    assert.isTrue(asks("ended", 4, "alone", 1, 1))
    assert.isFalse(asks("ended", 3, "alone"))
    assert.isFalse(asks("ended", 4, "alone", 5))
    assert.isFalse(asks("ended", 4, "alone", -1, 5))
    for (const name of names) if (name !== "ended") assert.isFalse(asks(name, 4, "alone"), name)
  })

  it("is a wait without an end for a store that is away, while nothing proves that it is the message", () => {
    for (const name of ["away", "unknown"] as const) {
      assert.isUndefined(triesAlone({ name, tries: 1000 }))
      assert.strictEqual(triesAlone({ name, tries: 1000, committedAt: 1.5 }), 5)
      // They were committed before the failedTries began.
      assert.isUndefined(triesAlone({ name, tries: 1000, committedAt: 1 }))
    }
  })

  it("counts no try whose body never began", () => {
    for (const name of ["conflict", "refused", "ended", "away", "unknown"] as const) {
      assert.isUndefined(triesAlone({ name, tries: 1000, committedAt: 2, provedAt: 2, began: false }))
    }
  })

  it("is a try of each member alone when leases are renewed and the group does not get through", () => {
    let failedTries = CommitRecovery.none
    for (let n = 1; n <= 5; n++) {
      const move = CommitRecovery.next(
        {
          form: "whole",
          members: 3,
          savepoints: true,
          together: false,
          failedTries,
          committedAt: -1,
          provedAt: -1,
          renewedAt: 2
        },
        failure("away", n)
      )
      assert.strictEqual(tried(move)._tag, n < 5 ? "Whole" : "Alone")
      if (move._tag === "WaitThen") failedTries = move.then.failedTries
    }
  })
})
