/**
 * The texts at the end of a run: the table of the reconciliation, or what remains after Ctrl-C.
 */
import type { Counts } from "./counts.ts"
import { agrees, type ReconcileLine } from "./reconcile.ts"
import { count, type Screen } from "./screen.ts"

/** Formats the lines as a table. A line is red if its two numbers differ. */
export const table = (screen: Screen, lines: ReadonlyArray<ReconcileLine>): ReadonlyArray<string> => {
  const name = Math.max(...lines.map((line) => line.name.length))
  const row = (title: string, expected: string, found: string) =>
    `  ${title.padEnd(name)}  ${expected.padStart(9)}  ${found.padStart(9)}`
  return [
    screen.paint("dim", row("", "expected", "found")),
    ...lines.map((line) => {
      const text = row(line.name, count(line.expected), count(line.found))
      return agrees(line) ? `${text}  ${screen.paint("green", "ok")}` : screen.paint("red", `${text}  DIFFERS`)
    })
  ]
}

/** Says what a stopped run has done, and what it leaves for the next start. */
export const remaining = (counts: Counts, messages: number, dead: number): ReadonlyArray<string> => {
  const unsent = messages - counts.sent
  const waiting = Math.max(0, counts.sent - counts.applied - dead)
  const unnotified = Math.max(0, counts.applied - counts.notified)
  return [
    `${count(counts.applied)} webhooks are applied, ${count(dead)} are dead letters.`,
    `Remaining: ${count(waiting)} wait in the queue, ${count(unsent)} are not sent yet, ${
      count(unnotified)
    } notifications wait.`
  ]
}
