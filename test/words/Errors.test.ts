// The texts of errors, and the fingerprint that failures of one cause share.
import { assert, describe, it } from "@effect/vitest"
import { DeadLetter, type Delivery, Errors } from "millrace"

/** One of each, as it can happen. */
const samples: { readonly [Name in keyof typeof Errors]: ReadonlyArray<InstanceType<(typeof Errors)[Name]>> } = {
  InvalidMessage: [
    new Errors.InvalidMessage({ topic: "t", id: "m1", field: "key", problem: "is empty", hint: "Return a key." })
  ],
  EncodeFailed: [new Errors.EncodeFailed({ topic: "t", issue: "Expected string at [\"id\"]" })],
  DecodeFailed: [
    new Errors.DecodeFailed({ topic: "t", id: "m1", version: 2, issue: "Expected string", where: "$.a InvalidType" })
  ],
  InvalidName: [
    new Errors.InvalidName({ kind: "topic", got: "a b", problem: "has other characters" }),
    new Errors.InvalidName({ kind: "schema", got: "a b", problem: "has other characters" })
  ],
  InvalidSetting: [new Errors.InvalidSetting({ setting: "lanes", got: "0", expected: "a whole number is needed" })],
  InvalidConfig: [
    new Errors.InvalidConfig({
      variable: "MILLRACE_LEASE",
      got: "nothing",
      expected: "a duration",
      example: "30 seconds"
    })
  ],
  ConsumerConflict: [
    new Errors.ConsumerConflict({ consumer: "ledger", setting: "lanes", registered: "64", asked: "32" })
  ],
  Unsupported: [new Errors.Unsupported({ engine: "sqs", asked: "order", because: "it has none", instead: "use FIFO" })],
  StatementRefused: [
    new Errors.StatementRefused({ command: "ROLLBACK", inTransaction: true }),
    new Errors.StatementRefused({ command: "BEGIN", inTransaction: false })
  ],
  StoreFailure: [
    new Errors.StoreFailure({
      operation: "publish",
      kind: "unavailable",
      code: "57P01",
      detail: "down",
      hint: "Wait."
    }),
    new Errors.StoreFailure({ operation: "publish", kind: "refused", code: "", detail: "no", hint: "Change it." })
  ],
  TransportError: [
    new Errors.TransportError({ engine: "kafka", operation: "read", kind: "temporary", detail: "no broker" }),
    new Errors.TransportError({ engine: "kafka", operation: "read", kind: "permanent", detail: "no such topic" })
  ],
  PublishFailed: [
    new Errors.PublishFailed({
      engine: "sqs",
      failed: [{ id: "p-1", outcome: "refused", detail: "its payload has a character that SQS refuses" }]
    })
  ],
  SubscriptionLost: [new Errors.SubscriptionLost({ consumer: "ledger", reason: "its server was replaced" })],
  LeaseLost: [new Errors.LeaseLost({ lease: "lane-3", token: "7", reason: "another worker took it over" })],
  LeaseTaken: [new Errors.LeaseTaken({ lease: "leader", holder: "host:1#ab", remainingMillis: 900.4 })],
  TransientFailure: [
    new Errors.TransientFailure({ kind: "conflict", code: "40001", detail: "serialization failure" }),
    new Errors.TransientFailure({ kind: "unavailable", code: "", detail: "connection refused" })
  ],
  TransactionAborted: [new Errors.TransactionAborted({ detail: "duplicate key" })],
  CommitRejected: [new Errors.CommitRejected({ code: "23503", detail: "deferred foreign key" })],
  UnknownOutcome: [new Errors.UnknownOutcome({ detail: "no answer in 5 s" })],
  StepTimeout: [
    new Errors.StepTimeout({ phase: "steps", millis: 10 }),
    new Errors.StepTimeout({ phase: "commit", millis: 10 })
  ],
  Defect: [new Errors.Defect({ detail: "TypeError: x is not a function" })],
  IdempotencyConflict: [new Errors.IdempotencyConflict({ consumer: "ledger", id: "m1" })],
  InvalidId: [new Errors.InvalidId({ consumer: "orders", id: "k\0", problem: "contains a NUL character" })],
  InProgress: [new Errors.InProgress({ consumer: "orders", id: "k1", waitedMillis: 10 })],
  ResultUnavailable: [
    new Errors.ResultUnavailable({ consumer: "orders", id: "k1", reason: "undecodable", detail: "Expected string" }),
    new Errors.ResultUnavailable({ consumer: "orders", id: "k1", reason: "none", detail: "" }),
    new Errors.ResultUnavailable({ consumer: "orders", id: "k1", reason: "dead", detail: "0000000000000001" })
  ],
  ResultRefused: [
    new Errors.ResultRefused({ consumer: "orders", id: "k1", problem: "has 2000000 bytes", rolledBack: true }),
    new Errors.ResultRefused({ consumer: "orders", id: "k1", problem: "has 2000000 bytes", rolledBack: false })
  ],
  UnreadableMessage: [
    new Errors.UnreadableMessage({
      brokerId: "0-1",
      field: "payload",
      problem: "is no text",
      hint: "Give it a mapping."
    })
  ],
  RelayRefused: [new Errors.RelayRefused({ engine: "sqs", topic: "orders", id: "o1", detail: "it is too large" })],
  ClaimLost: [
    new Errors.ClaimLost({ consumer: "mails", id: "m1", effect: "interrupted", reason: "it could not be renewed" }),
    new Errors.ClaimLost({ consumer: "mails", id: "m1", effect: "happened", reason: "another call has claimed the id" })
  ],
  AwaitTimeout: [new Errors.AwaitTimeout({ consumer: "orders", id: "k1", waitedMillis: 30_000 })],
  WorkerCrashed: [new Errors.WorkerCrashed({ crashCount: 3 })],
  ForeignSqlClient: [
    new Errors.ForeignSqlClient({ consumer: "ledger", engine: "postgres" }),
    new Errors.ForeignSqlClient({ consumer: "ledger", engine: "memory" })
  ],
  DataInUse: [
    new Errors.DataInUse({ dataDir: "d", pid: 7, host: "", same: false, certain: true, at: 0, file: "d/claim" }),
    new Errors.DataInUse({ dataDir: "d", pid: 7, host: "", same: true, certain: true, at: 0, file: "d/claim" }),
    new Errors.DataInUse({ dataDir: "d", pid: 7, host: "box", same: false, certain: false, at: 0, file: "d/claim" })
  ],
  SchemaTooNew: [new Errors.SchemaTooNew({ schema: "millrace", found: 9, supported: 3 })],
  SchemaOutdated: [new Errors.SchemaOutdated({ schema: "millrace", found: 0, needed: 3 })],
  DeadLetterNotFound: [new Errors.DeadLetterNotFound({ deadLetterId: "0001" })],
  EditRefused: [new Errors.EditRefused({ deadLetterId: "0001", field: "key", kept: "a", edited: "b" })],
  EditUndecodable: [
    new Errors.EditUndecodable({ deadLetterId: "0001", topic: "t", issue: "Expected string", where: "$.a InvalidType" })
  ],
  InvalidOperatorAction: [new Errors.InvalidOperatorAction({ field: "by", problem: "is empty" })],
  WorkerNotFound: [new Errors.WorkerNotFound({ consumer: "c", worker: "w" })],
  ConsumerNotFound: [new Errors.ConsumerNotFound({ consumer: "c" })],
  InvalidDeadLetter: [new Errors.InvalidDeadLetter({ problem: "Expected string at [\"id\"]" })],
  DeadLetterExists: [new Errors.DeadLetterExists({ consumer: "c", messageId: "m1" })],
  QueueChanged: [new Errors.QueueChanged({ consumer: "c", expected: 5, found: 4 })],
  ConsumerBusy: [new Errors.ConsumerBusy({ consumer: "c", asked: "removed", workers: 1, waiting: 2, deadLetters: 3 })],
  ConsumerRemoved: [new Errors.ConsumerRemoved({ consumer: "c" })],
  PauseConflict: [
    new Errors.PauseConflict({ consumer: "c", key: "", asked: "resumed", by: "", at: 0 }),
    new Errors.PauseConflict({ consumer: "c", key: "k", asked: "paused", by: "anna", at: 0 })
  ],
  NotSubscribed: [new Errors.NotSubscribed({ consumer: "c", topic: "t" })],
  RedriveRunNotFound: [new Errors.RedriveRunNotFound({ redriveRunId: "7" })],
  RedriveRunning: [
    new Errors.RedriveRunning({
      consumer: "ledger",
      redriveRunId: "0000000000000007",
      state: "paused",
      by: "anna",
      at: 0
    })
  ],
  RedriveRunConflict: [
    new Errors.RedriveRunConflict({
      redriveRunId: "0000000000000007",
      asked: "continued",
      state: "cancelled",
      revision: 3,
      by: "ben",
      at: 0
    }),
    new Errors.RedriveRunConflict({
      redriveRunId: "0000000000000007",
      asked: "paused",
      state: "finished",
      revision: 3,
      by: "",
      at: 0
    })
  ],
  MessageNotWaiting: [new Errors.MessageNotWaiting({ consumer: "ledger", id: "m1", key: "a-7" })],
  NothingToAdvance: [
    new Errors.NothingToAdvance({ consumer: "ledger", key: "a-7", held: true }),
    new Errors.NothingToAdvance({ consumer: "ledger", key: "a-7", held: false })
  ],
  NothingToRedrive: [new Errors.NothingToRedrive({ consumer: "ledger" })],
  DeadLetterConflict: [
    new Errors.DeadLetterConflict({ deadLetterId: "0001", asked: "redriven", state: "resolved", by: "anna", at: 0 }),
    new Errors.DeadLetterConflict({ deadLetterId: "0001", asked: "redriven", state: "resolved", by: "", at: 0 })
  ]
}

const safe = new RegExp(
  [
    "Nothing (was|of this|more)",
    "The effect has happened",
    "nothing was",
    "No message was lost",
    "had no effect",
    "payload is kept",
    "It may have happened",
    "It is not tried again",
    "nothing can be|nothing more can be"
  ].join("|"),
  "i"
)
const hint = new RegExp(
  "\\b(publish|return|deploy|redrive|use|change|set|instead|wait|fix|start|look|wrap|check|repeats|runs? it again|tried again|"
    + "speed|move|make|build|list|correct|give)\\b",
  "i"
)

describe("every error", () => {
  it("has a sample here", () => {
    assert.deepStrictEqual(Object.keys(samples).toSorted(), Object.keys(Errors).toSorted())
  })

  it.each(
    Object.entries(samples).flatMap(([name, errors]) => errors.map((error) => ({ name, error: error as Error })))
  )(
    "says what happened, what is safe, and what to do: $name",
    ({ error, name }) => {
      const { message } = error
      assert.strictEqual((error as Error & { _tag: string })._tag, name)
      assert.strictEqual(error.name, `millrace/${name}`, "no field shadows what a log prints before the message")
      assert.isAtLeast(message.split(/[.:;] /).length, 2, message)
      assert.match(message, safe)
      assert.match(message, hint)
      assert.notMatch(message, /undefined|null|NaN|\[object|\(SQLSTATE \)|"" |  /)
      assert.match(message, /^["A-Z0-9]|^[a-z]+ could|^[a-z]+ cannot|^kafka|^sqs/)
    }
  )

  it("keeps its fields where a program can branch on them, and survives JSON", () => {
    const error = new Errors.ConsumerConflict({ consumer: "c", setting: "lanes", registered: "64", asked: "32" })
    assert.deepInclude(JSON.parse(JSON.stringify(error)), { _tag: "ConsumerConflict", setting: "lanes", asked: "32" })
  })

  it("names the operator and the time where another operator decided about a dead letter", () => {
    const [by, none] = samples.DeadLetterConflict
    assert.include(by!.message, "by anna at 1970-01-01T00:00:00.000Z")
    assert.notInclude(none!.message, "1970")
  })
})

describe("failures of one cause", () => {
  const failure: Delivery.Failure = {
    attempt: 1,
    at: 0,
    tag: "PaymentDeclined",
    error: null,
    message: "declined",
    stack: "",
    step: "steps",
    frame: "post ledger.ts",
    worker: "w",
    codeVersion: ""
  }

  it("have one fingerprint, for every message, attempt, time and worker", () => {
    const other = {
      ...failure,
      attempt: 7,
      at: 9,
      message: "declined: 42",
      worker: "v",
      codeVersion: "2",
      error: { a: 1 }
    }
    assert.strictEqual(DeadLetter.fingerprint(other), DeadLetter.fingerprint(failure))
  })

  it("differ by tag, step and place", () => {
    const others = [{ tag: "Defect" }, { step: "commit" }, { frame: "undo ledger.ts" }, { frame: "" }]
    const prints = [failure, ...others.map((other) => ({ ...failure, ...other }))].map(DeadLetter.fingerprint)
    assert.strictEqual(new Set(prints).size, prints.length)
    assert.strictEqual(DeadLetter.fingerprint({ ...failure, frame: "" }), "PaymentDeclined@steps")
  })
})
