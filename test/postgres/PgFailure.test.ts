import { assert, describe, it } from "@effect/vitest"
import { Cause } from "effect"
import { SqlError } from "effect/sql"
import * as PgFailure from "../../src/postgres/session/PgFailure.ts"

const sqlError = (code: string) =>
  new SqlError.SqlError({
    reason: new SqlError.UnknownError({ cause: Object.assign(new Error("said by the server"), { code }) })
  })

const seen: PgFailure.Seen = {
  began: true,
  finished: false,
  code: "",
  lost: false,
  interrupted: false,
  rolledBack: false,
  repaired: false,
  detail: "d"
}

/** The class of a failure, in a few words. */
const classOf = (change: Partial<PgFailure.Seen>, cause: Cause.Cause<unknown> = Cause.fail("the step's")) => {
  const failure = PgFailure.classify(cause, { ...seen, ...change })
  return failure === undefined ? "step" : failure._tag === "TransientFailure" ? failure.kind : failure._tag
}

const conflicts = ["40001", "40P01", "55P03"]
const outages = ["08000", "08003", "08006", "08P01", "53100", "53200", "53300", "57P01", "57P02", "57P03", "57P04"]
  .concat("57P05", "25006", "25P03", "25P04", "58030")
const mistakes = [
  "22001",
  "22P02",
  "23502",
  "23503",
  "23505",
  "23514",
  "42601",
  "42P01",
  "42501",
  "57014",
  "P0001",
  "XX000"
]

describe("the class of a failed transaction", () => {
  it.each(conflicts)("is a conflict that passes, for %s in the body and at COMMIT", (code) => {
    assert.strictEqual(classOf({ code }), "conflict")
    assert.strictEqual(classOf({ code, finished: true }), "conflict")
    assert.strictEqual(classOf({ code, finished: true, rolledBack: true }), "conflict")
  })
  it.each(outages)("is an outage that passes, for %s in the body", (code) => {
    assert.strictEqual(classOf({ code }), "unavailable")
  })
  it.each(mistakes)("is the step's own failure, for %s in the body, and a refused COMMIT at COMMIT", (code) => {
    assert.strictEqual(classOf({ code }), "step")
    assert.strictEqual(classOf({ code, finished: true }), "CommitRejected")
  })
  it.each(["08006", "57P01", "57P02", "40003", ""])("is an unknown outcome, for \"%s\" at COMMIT", (code) => {
    assert.strictEqual(classOf({ code, finished: true, lost: true }), "UnknownOutcome")
  })
  it.each(["53100", "25006"])("is an outage, for %s at COMMIT: the server is there and says no", (code) => {
    assert.strictEqual(classOf({ code, finished: true }), "unavailable")
  })
  it("is an aborted transaction, when an error was caught: found in the next statement or at COMMIT", () => {
    assert.strictEqual(classOf({ code: "25P02" }), "TransactionAborted")
    assert.strictEqual(classOf({ code: "23505", finished: true, rolledBack: true }), "TransactionAborted")
  })
  it("is the step's own failure, when a savepoint undid a conflict and nothing of it is in what came out", () => {
    const own = new Error("busy")
    assert.strictEqual(classOf({ code: "55P03", repaired: true }, Cause.fail(own)), "step")
    assert.strictEqual(classOf({ code: "55P03", repaired: true }, Cause.fail(sqlError("55P03"))), "conflict")
    const wrapped = new Error("busy", { cause: new Error("ledger", { cause: sqlError("55P03") }) })
    assert.strictEqual(classOf({ code: "55P03", repaired: true }, Cause.fail(wrapped)), "conflict")
    const ofStep = { _tag: "StepFailed", cause: Cause.fail(sqlError("55P03")) }
    assert.strictEqual(classOf({ code: "55P03", repaired: true }, Cause.fail(ofStep)), "conflict")
    assert.strictEqual(
      classOf({ code: "55P03", repaired: true }, Cause.fail({ ...ofStep, cause: Cause.fail(own) })),
      "step"
    )
    assert.strictEqual(classOf({ code: "55P03" }, Cause.fail(own)), "conflict")
  })
  it("is an outage, when the connection died in the body, though the driver tells it as a defect", () => {
    assert.strictEqual(classOf({ lost: true }, Cause.die(sqlError("")) as Cause.Cause<unknown>), "unavailable")
  })
  it("is an outage, when there was no connection to begin with", () => {
    assert.strictEqual(classOf({ began: false }, Cause.fail(sqlError("53300"))), "unavailable")
    assert.strictEqual(classOf({ began: false }, Cause.die(sqlError("57P03"))), "unavailable")
  })
  it("is a conflict, when our own late cancel request hit a statement; the user's statement timeout is the user's", () => {
    assert.strictEqual(classOf({ code: "57014", interrupted: true }), "conflict")
    assert.strictEqual(classOf({ code: "57014" }), "step")
  })
  it("is nothing, when we were interrupted", () => {
    assert.strictEqual(classOf({ code: "40001" }, Cause.interrupt(1)), "step")
  })
})

describe("a session", () => {
  it("is of no more use when its server was demoted, ends, or lost the thread; not for what a statement did", () => {
    for (const code of ["25006", "08P01", "08006", "57P01", "57P05"]) assert.isTrue(PgFailure.isUnusable(code), code)
    for (const code of [...mistakes, ...conflicts, "53100", ""]) assert.isFalse(PgFailure.isUnusable(code), code)
  })
  it("is on a standby, when an unlogged table cannot be read: that is no statement of its own fault", () => {
    const said = (routine: string) =>
      PgFailure.codeOf(
        new SqlError.SqlError({
          reason: new SqlError.UnknownError({ cause: Object.assign(new Error("no"), { code: "0A000", routine }) })
        })
      )
    assert.strictEqual(said("get_relation_info"), "25006")
    assert.strictEqual(said("transformLockingClause"), "0A000")
  })
})

describe("a failure outside of a transaction", () => {
  it("tells outages, timeouts and refusals apart, with the fix", () => {
    const kind = (code: string) => PgFailure.storeFailure("publish")(sqlError(code)).kind
    assert.deepStrictEqual(["57P01", "40P01", "57014", "42P01", "42501"].map(kind), [
      "unavailable",
      "timeout",
      "timeout",
      "refused",
      "refused"
    ])
    assert.include(PgFailure.storeFailure("publish")(sqlError("42P01")).message, "migrate \"auto\"")
  })
  it("stops a worker only where it does not pass", () => {
    const kind = (code: string) => PgFailure.transportError("read messages")(sqlError(code)).kind
    assert.deepStrictEqual(["57P01", "53300", "40001", "42P01", "3F000"].map(kind), [
      "temporary",
      "temporary",
      "temporary",
      "permanent",
      "permanent"
    ])
  })
})
