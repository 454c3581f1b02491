/** The judgement of a soak: each target is met by a good run, and missed by a run that breaks it. */
import { assert, describe, it } from "@effect/vitest"
import { type Ending, judge, sixth, throughput } from "./soakJudge.ts"
import type { Sample } from "./soakSamples.ts"

const space = (megabytes: number, deadRows = 0) => ({
  tableBytes: megabytes * 0.6e6,
  indexBytes: megabytes * 0.4e6,
  deadRows
})

/** The sample n of an hour at 1,000 a second. Rows die while the snapshot is open, and their space stays. */
const sample = (n: number): Sample => {
  const isSnapshotOpen = n >= 90 && n < 270
  const kept = n < 90 ? 0 : Math.min(n - 90, 180)
  return {
    from: n * 10,
    to: n * 10 + 10,
    isSnapshotOpen,
    published: (n + 1) * 10_000,
    committed: (n + 1) * 10_000,
    backlog: 0,
    rate: 1000,
    p50: 5,
    p99: 20,
    walBytes: n,
    heapBytes: 1,
    rssBytes: 1,
    load: 1,
    tables: {
      messages: space(10 + kept, isSnapshotOpen ? kept * 10_000 : 500),
      inbox: space(50 + kept),
      lanes: space(1),
      ledger: space(n)
    }
  }
}
const hour = Array.from({ length: 360 }, (_, n) => sample(n))
const all = 3_600_000
const ending: Ending = { published: all, rows: all, applied: all, inbox: 360_000, keptSeconds: 420 }

const changed = (from: number, change: (one: Sample, n: number) => Partial<Sample>): ReadonlyArray<Sample> =>
  hour.map((one, n) => n < from ? one : { ...one, ...change(one, n - from) })
const missed = (samples: ReadonlyArray<Sample>, end: Partial<Ending> = {}) =>
  judge(samples, { ...ending, ...end }).filter(({ isMet }) => !isMet).map(({ target }) => target.split(":")[0])

/** The last sixth at this rate, with 0.95 of the first as the target. */
const slower = (rate: number) =>
  changed(300, (_, n) => ({ rate, committed: 3_000_000 + (n + 1) * 10 * rate, published: 4_000_000 }))

describe("the judgement of a soak", () => {
  it("a steady hour meets every target", () => {
    assert.deepStrictEqual(missed(hour), [])
    assert.strictEqual(judge(hour, ending).length, 8)
  })

  it("a sixth is ten minutes of an hour, and its throughput counts all of its commits", () => {
    assert.deepStrictEqual([sixth(hour, 0).length, sixth(hour, 5)[0]?.from, sixth(hour, 5).at(-1)?.to], [
      60,
      3000,
      3600
    ])
    assert.strictEqual(throughput(sixth(hour, 5)), 1000)
    assert.strictEqual(throughput(sixth(slower(400), 5)), 400)
    assert.strictEqual(throughput([]), 0)
  })

  it("throughput under 0.95 of the first sixth is a miss", () => {
    assert.deepStrictEqual(missed(slower(960)), [])
    assert.deepStrictEqual(missed(slower(940)), ["throughput of the last sixth / first sixth"])
  })

  it("a table that grows in the last sixth is a miss, and the ledger may grow", () => {
    const grows = (table: string, from: number, by: number) =>
      changed(300, ({ tables }, n) => ({ tables: { ...tables, [table]: space(from + n * by) } }))
    assert.deepStrictEqual(missed(grows("messages", 190, 0.1)), [])
    assert.deepStrictEqual(missed(grows("messages", 190, 0.3)), ["messages bounded"])
    assert.deepStrictEqual(missed(grows("inbox", 230, 0.3)), ["inbox bounded"])
    assert.deepStrictEqual(missed(grows("lanes", 1, 0.3)), ["the other tables bounded"])
    assert.deepStrictEqual(missed(grows("ledger", 300, 9)), [])
  })

  it("dead rows that stay after the snapshot are a miss", () => {
    const stay = changed(300, ({ tables }) => ({ tables: { ...tables, messages: space(190, 1_000_000) } }))
    assert.deepStrictEqual(missed(stay), ["dead rows removed after the snapshot"])
  })

  it("an inbox with ids beyond the window and two rounds is a miss", () => {
    assert.deepStrictEqual(missed(hour, { inbox: 420_000 }), [])
    assert.deepStrictEqual(missed(hour, { inbox: 420_001 }), ["retention keeps up"])
  })

  it("a lost message is a miss, and so is one that was applied twice", () => {
    assert.deepStrictEqual(missed(hour, { rows: all - 1, applied: all - 1 }), ["lost messages"])
    assert.deepStrictEqual(missed(hour, { rows: all + 1 }), ["messages applied twice"])
  })
})
