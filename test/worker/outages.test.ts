// Transactions that do not get through for long: whose fault it is, who waits for whom, and what a stop makes of it.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Errors } from "millrace"
import { emitting, eventually, groups, order, Orders, publish, receipts, settle, start } from "./support.ts"

const away = new Errors.Hiccup({ kind: "unavailable", code: "57P01", detail: "terminated" })
const accounts = Array.from({ length: 20 }, (_, i) => `k${i}-`)

describe("a committer whose transactions cannot even begin", () => {
  it.effect("counts no attempt, whatever the others commit meanwhile", () => {
    // Of one committer, which is told by its fiber, nothing gets a connection for a while.
    const starved: { fiber: number | undefined; left: number; others: number } = {
      fiber: undefined,
      left: 20,
      others: 0
    }
    return Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, accounts.map((account) => order(account, 1)))
      yield* start(pipeline, { committers: 2, lanes: 4 })
      for (let n = 2; starved.left > 0; n++) {
        yield* publish(Orders, accounts.map((account) => order(account, n)))
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.isBelow(n, 100)
      }
      yield* eventually("all are done", () => starved.others > 20)
      yield* TestClock.adjust("5 seconds")
      yield* settle
      assert.deepStrictEqual(new Set(stepped.attempts), new Set([1]))
      assert.lengthOf(yield* receipts(), stepped.size)
    }).pipe(Effect.provide(groups((body, transact) =>
      Effect.withFiber((fiber) => {
        starved.fiber ??= fiber.id
        if (fiber.id === starved.fiber && starved.left-- > 0) return Effect.fail(away)
        starved.others++
        return transact(body)
      })
    )))
  })
})
