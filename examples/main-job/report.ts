/**
 * What is said when a run ends: the table of the reckoning, or what remains after Ctrl-C.
 */
import { agrees, type Line } from "./reconcile.ts"
import { count, type Screen } from "./screen.ts"
import type { Standing } from "./standing.ts"

/** The table: a line each, red where the two numbers differ. */
export const table = (screen: Screen, lines: ReadonlyArray<Line>): ReadonlyArray<string> => {
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

/** What a run that was stopped has done, and what it leaves for the next start. */
export const remaining = (standing: Standing, messages: number, dead: number): ReadonlyArray<string> => {
  const unsent = messages - standing.sent
  const waiting = Math.max(0, standing.sent - standing.applied - dead)
  const untold = Math.max(0, standing.applied - standing.notified)
  return [
    `${count(standing.applied)} webhooks are applied, ${count(dead)} are dead letters.`,
    `What remains: ${count(waiting)} wait in the queue, ${count(unsent)} are not sent yet, ${
      count(untold)
    } notifications wait.`
  ]
}
