/** The terminal of the main job: redrawn blocks, plain lines, and the width of the window. */
import { assert, describe, it } from "vitest"
import { Progress } from "../../examples/main-job/progress.ts"
import * as Report from "../../examples/main-job/report.ts"
import { bar, count, duration, fit, Screen } from "../../examples/main-job/screen.ts"

const screenOf = (options: { readonly isTTY: boolean; readonly columns?: number }, environment = {}) => {
  const written: Array<string> = []
  const screen = new Screen({ ...options, write: (text) => written.push(text) }, environment)
  return { screen, text: () => written.join("") }
}
const visible = (text: string) => text.replaceAll(/\u001b\[[?\d;]*[A-Za-z]/g, "")

describe("the terminal of the main job", () => {
  it("redraws the block in place, and keeps lines above it", () => {
    const { screen, text } = screenOf({ isTTY: true, columns: 80 })
    screen.draw(["one", "two"])
    screen.draw(["three", "four"])
    screen.line("kept")
    screen.clear()
    assert.equal(
      text(),
      "\u001b[?25lone\ntwo\n\u001b[?25l\u001b[2A\r\u001b[Jthree\nfour\n\u001b[2A\r\u001b[Jkept\n\u001b[?25h"
    )
  })

  it("writes plain lines, without any escape, where the output is no terminal", () => {
    const { screen, text } = screenOf({ isTTY: false })
    screen.draw(["never"])
    screen.line(screen.paint("red", "plain"))
    screen.clear()
    assert.equal(text(), "plain\n")
  })

  it("has no colours under NO_COLOR", () => {
    assert.equal(screenOf({ isTTY: true }, { NO_COLOR: "1" }).screen.paint("red", "text"), "text")
    assert.notEqual(screenOf({ isTTY: true }).screen.paint("red", "text"), "text")
  })

  it("draws no line wider than the window, at any width", () => {
    for (const columns of [30, 60, 80, 120, 300]) {
      const { screen, text } = screenOf({ isTTY: true, columns })
      const progress = new Progress(screen, 20_000)
      progress.tally = { retries: 1_234, holds: 230, duplicates: 1_999, dead: 258 }
      progress.note({ sent: 20_000, applied: 19_742, notified: 19_742 })
      screen.draw(progress.block())
      for (const line of visible(text()).split("\n")) assert.isBelow([...line].length, columns, line)
    }
  })

  it("cuts a coloured text by what is seen, and closes its colour", () => {
    assert.equal(fit("\u001b[31mabcdef\u001b[0m", 4), "\u001b[31mabc\u001b[0m…\u001b[0m")
    assert.equal(fit("abcd", 4), "abcd")
  })

  it("shows shares, counts and times in readable form", () => {
    assert.equal(bar(0, 4), "░░░░")
    assert.equal(bar(0.5, 4), "██░░")
    assert.equal(bar(1, 4), "████")
    assert.equal([...bar(0.33, 7)].length, 7)
    assert.equal(count(1_234_567), "1,234,567")
    assert.equal(count(999), "999")
    assert.equal(duration(75_400), "1 min 15 s")
  })

  it("marks the lines of the table that differ", () => {
    const { screen } = screenOf({ isTTY: false })
    const table = Report.table(screen, [
      { name: "lost", expected: 0, found: 0 },
      { name: "applied twice", expected: 0, found: 3 }
    ])
    assert.isTrue(table[1]!.endsWith("0  ok"))
    assert.isTrue(table[2]!.endsWith("3  DIFFERS"))
  })
})
