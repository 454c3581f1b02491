// The dead letter names the value that a promise threw, not the wrapper of `Effect.tryPromise` without a `catch`.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Memory, Pipeline, Retry } from "millrace"
import { deadLetters, drain, order, Orders, publish } from "./support.ts"

const refused = () =>
  new TypeError("fetch failed", {
    cause: Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" })
  })

const cyclic = () => {
  const error: Error & { cause?: unknown } = new Error("round")
  error.cause = error
  return error
}

const cases = [
  {
    what: "an error with a cause",
    thrown: refused,
    message: "TypeError: fetch failed, caused by Error: connect ECONNREFUSED 127.0.0.1:1",
    fingerprint: "UnknownError@steps TypeError ECONNREFUSED refused thrown.test.ts"
  },
  { what: "a text", thrown: () => "no", message: "no", fingerprint: "UnknownError@steps string" },
  {
    what: "an object",
    thrown: () => ({ status: 500 }),
    message: "{\"status\":500}",
    fingerprint: "UnknownError@steps object"
  },
  {
    what: "nothing",
    thrown: () => undefined,
    message: "An error occurred in Effect.tryPromise",
    fingerprint: "UnknownError@steps"
  },
  {
    what: "an error that is its own cause",
    thrown: cyclic,
    message: Array.from({ length: 5 }, () => "Error: round").join(", caused by "),
    fingerprint: "UnknownError@steps Error cyclic thrown.test.ts"
  }
]

describe("the value that a promise threw", () => {
  it.effect.each(cases)(
    "is named by the dead letter, with its causes: $what",
    ({ fingerprint, message, thrown }) =>
      Effect.gen(function*() {
        yield* publish(Orders, [order("a", 1)])
        yield* drain(
          Pipeline.from(Orders, { consumer: "ledger" }).pipe(
            Pipeline.mapEffect(() => Effect.tryPromise(() => Promise.reject(thrown() as Error))),
            Pipeline.retry(Retry.exponential("100 millis", { attempts: 1 }))
          )
        )
        const [deadLetter] = yield* deadLetters("ledger")
        assert.strictEqual(deadLetter!.attempts[0]!.message, message)
        assert.strictEqual(deadLetter!.fingerprint, fingerprint)
      }).pipe(Effect.provide(Memory.layer))
  )

  it.effect("is in the stack and in the error of the failure, as far down as it goes", () =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.mapEffect(() => Effect.tryPromise(() => Promise.reject(refused()))),
          Pipeline.retry(Retry.exponential("100 millis", { attempts: 1 }))
        )
      )
      const [failure] = (yield* deadLetters("ledger"))[0]!.attempts
      assert.include(failure!.stack, "Caused by: TypeError: fetch failed")
      assert.include(failure!.stack, "Caused by: Error: connect ECONNREFUSED")
      assert.deepInclude(failure!.error, {
        cause: {
          name: "TypeError",
          message: "fetch failed",
          cause: { name: "Error", message: "connect ECONNREFUSED 127.0.0.1:1", code: "ECONNREFUSED" }
        }
      })
    }).pipe(Effect.provide(Memory.layer)))
})
