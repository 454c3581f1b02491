/** Limits of waits follow the speed of the machine, within bounds. */
import { assert, describe, it } from "vitest"
import { factorOf, limit, slowness } from "./patience.ts"

describe("a limit", () => {
  it("is as written on a quiet machine, and never shorter", () => {
    assert.strictEqual(factorOf(12, 0.2), 1)
    assert.strictEqual(factorOf(3, 0), 1)
  })

  it("grows with a slow processor, and with the processes that wait for each processor", () => {
    assert.strictEqual(factorOf(36, 0.5), 3)
    assert.strictEqual(factorOf(12, 7.5), 7.5)
  })

  it("grows tenfold at most", () => {
    assert.strictEqual(factorOf(100_000, 1), 10)
    assert.strictEqual(factorOf(12, 400), 10)
  })

  it("is measured here", () => {
    assert.isAtLeast(slowness(), 1)
    assert.isAtLeast(limit(1000), 1000)
    assert.isAtMost(limit(1000), 10_000)
  })
})
