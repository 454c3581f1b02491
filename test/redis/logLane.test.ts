/** How many entries of a shard are kept in memory: by their number, and by their bytes. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred } from "effect"
import { LogLane } from "../../src/postgres/queue/LogLane.ts"
import type { OwnedLane } from "../../src/postgres/queue/Row.ts"

const owned = { lane: 0, lease: { name: "lane-0", token: 1n, claimedAt: 0n, lost: Deferred.makeUnsafe() } } as OwnedLane

const entries = (from: number, count: number, bytes: number) =>
  Array.from({ length: count }, (_, i) => ({
    position: String(from + i),
    message: {
      id: String(from + i),
      topic: "t",
      key: "hot",
      keyed: true,
      payload: "x".repeat(bytes),
      headers: {},
      version: 1,
      publishedAt: 0
    }
  }))

describe("a lane of a log", () => {
  it("reads no more entries while those that wait have as many bytes as it may keep", () => {
    const lane = new LogLane(owned, "0")
    assert.strictEqual(lane.most(100, 1_000_000), 100)
    lane.add(entries(1, 5, 100_000))
    // All of them wait for one key, so others of the shard are looked for.
    lane.blocked = 5
    assert.strictEqual(lane.most(100, 1_000_000), 5, "as many as fit, if they are as large as the last ones")
    lane.add(entries(6, 5, 100_000))
    lane.blocked = 10
    assert.strictEqual(lane.most(100, 1_000_000), 0)
    for (const entry of lane.entries().slice(0, 5)) lane.set(entry, "out")
    lane.blocked = 5
    assert.strictEqual(lane.most(100, 1_000_000), 5)
    assert.strictEqual(lane.most(100, 100), 0)
    for (const entry of lane.entries().slice(5)) lane.set(entry, "out")
    lane.blocked = 0
    assert.strictEqual(lane.most(100, 100), 1, "a large entry is read alone")
  })

  it("reads more entries again when they are small", () => {
    const lane = new LogLane(owned, "0")
    lane.add(entries(1, 1, 1_000_000))
    lane.blocked = 0
    const sizes = []
    for (let n = 0; n < 12; n++) {
      for (const entry of lane.entries()) lane.set(entry, "out")
      const most = lane.most(100, 1_000_000)
      sizes.push(most)
      lane.add(entries(2 + n * 100, most, 1))
    }
    assert.strictEqual(sizes[0], 1)
    assert.strictEqual(sizes.at(-1), 100)
  })
})
