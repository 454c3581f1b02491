/** Medians and percentiles of measured numbers. */
import { assert, describe, it } from "@effect/vitest"
import { median, percentile } from "./figures.ts"

describe("figures", () => {
  it("the median is the middle number, or the mean of the two in the middle", () => {
    assert.strictEqual(median([9, 1, 5]), 5)
    assert.strictEqual(median([4, 1, 3, 2]), 2.5)
    assert.strictEqual(median([]), 0)
  })

  it("a percentile is the least number that this part does not exceed", () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)
    assert.deepStrictEqual([0, 0.5, 0.99, 1].map((part) => percentile(hundred, part)), [1, 50, 99, 100])
    assert.strictEqual(percentile([7], 0.99), 7)
    assert.isNaN(percentile([], 0.5))
  })
})
