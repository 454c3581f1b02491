/** The targets a network away: each form beside the best peer. */
import { assert, describe, it } from "@effect/vitest"
import { compare } from "./away.ts"

const rates = (commitSql: number, commit: number) => [
  { name: "Millrace commitSql", rate: commitSql },
  { name: "Millrace commit", rate: commit },
  { name: "a slow peer", rate: 100 },
  { name: "the best peer", rate: 1000 }
]
const met = (commitSql: number, commit: number) => compare(rates(commitSql, commit)).map(({ isMet }) => isMet)

describe("the targets a network away", () => {
  it("commitSql has at least 4 times the rate of the best peer, and commit 1.5 times", () => {
    assert.deepStrictEqual(met(4000, 1500), [true, true])
    assert.deepStrictEqual(met(3999, 1499), [false, false])
    assert.deepStrictEqual(compare(rates(4000, 1500)).map(({ bestPeer }) => bestPeer), [
      "the best peer",
      "the best peer"
    ])
  })

  it("a form or a peer that did not run misses the target", () => {
    assert.deepStrictEqual(compare([]).map(({ isMet }) => isMet), [false, false])
    assert.deepStrictEqual(compare(rates(4000, 1500).slice(0, 2)).map(({ isMet }) => isMet), [false, false])
    assert.deepStrictEqual(compare(rates(4000, 1500).slice(1)).map(({ isMet }) => isMet), [false, true])
  })
})
