/** The ledger of a run with real processes shows messages that are lost, twice, or out of order. */
import { assert, describe, it } from "vitest"
import { violations } from "./ledgerHistory.ts"

const piece = (key: string, position: number) => ({ id: `${key}:${position}`, key, position })
const row = (key: string, position: number) => ({ ...piece(key, position), worker: "w", attempt: 1 })
const published = [piece("a", 0), piece("a", 1), piece("b", 0)]

describe("a ledger", () => {
  it("with each message once and each key in order has no violations", () => {
    assert.deepStrictEqual(violations([row("a", 0), row("b", 0), row("a", 1)], published), [])
  })

  it.each([
    ["a lost message", [row("a", 0), row("a", 1)], /lost/],
    ["a message that was committed twice", [row("a", 0), row("a", 0), row("a", 1), row("b", 0)], /twice|again|2 times/],
    ["a key out of order", [row("a", 1), row("a", 0), row("b", 0)], /order|before|after/],
    ["a message that was never published", [row("a", 0), row("a", 1), row("b", 0), row("c", 0)], /c:0/]
  ])("shows %s", (_, rows, sentence) => {
    assert.match(violations(rows, published).join("\n"), sentence)
  })
})
