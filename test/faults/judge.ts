/** Judges a run: the checker gets the histories of all its processes, together with the database's facts. */
import { Cause, Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Checker from "../checker/Checker.ts"
import type { Entry } from "../checker/History.ts"
import type { World } from "./world.ts"

export type Expectations = Checker.Expectations
type Report = Checker.Report

/** A process that was killed may have left the last line of its history torn. */
const entriesOf = (file: string): ReadonlyArray<Entry> => {
  const lines = read(file).split("\n")
  const torn = lines.pop()
  if (torn !== undefined && torn !== "") lines.push(...complete(torn))
  return lines.map((line) => JSON.parse(line) as Entry)
}

const read = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return "" // it was killed before it opened its file
  }
}

const complete = (line: string): ReadonlyArray<string> => {
  try {
    JSON.parse(line)
    return [line]
  } catch {
    return []
  }
}

/** The ids of the messages that handlers have begun so far. */
export const started = (world: World): ReadonlySet<string> =>
  new Set(
    world.files.flatMap((file) =>
      [...read(file).matchAll(/"HandlerStarted"[^\n]*?"id":"([^"]+)"/g)].map((one) => one[1]!)
    )
  )

/** The messages whose handler a process has begun and not ended, as far as its history says. */
export const unfinished = (world: World, process: string): ReadonlyArray<string> => {
  const open = new Set<string>()
  for (const entry of entriesOf(join(world.directory, `${process}.jsonl`))) {
    if (entry._tag === "HandlerStarted") open.add(entry.id)
    if (entry._tag === "HandlerEnded") open.delete(entry.id)
  }
  return [...open]
}

/** The file in which a relay lists the messages that its broker has confirmed. */
export const publishedFile = (world: World, process: string): string => join(world.directory, `${process}.published`)

/** The messages that a broker has confirmed to a relay. */
export const published = (world: World, process: string): ReadonlyArray<string> =>
  read(publishedFile(world, process)).split("\n").filter((id) => id !== "")

/** How many messages a broker has confirmed to its relays more than once. */
export const publishedAgain = (world: World): number => {
  const ids = world.children.flatMap(({ name }) => published(world, name))
  return ids.length - new Set(ids).size
}

/** All that is known of a run, the facts of the database last. */
export const history = (world: World): ReadonlyArray<Entry> => [
  ...world.files.flatMap(entriesOf),
  ...world.entries
]

/** Each violation as a text, with the life line of its message. */
export const judge = (world: World, expects: Expectations): Effect.Effect<ReadonlyArray<string>> =>
  Effect.sync(() => {
    const report = Checker.check(history(world), { keep: 5, ...expects })
    world.report = report
    if (report.ok) return []
    const texts = report.violations.map(({ lifeLine, rule, sentence }) =>
      [`[${rule}] ${sentence}`, ...lifeLine.map((line) => `    ${line}`)].join("\n")
    )
    const more = Object.values(report.found).reduce((sum, n) => sum + n, 0) - texts.length
    return more > 0 ? [...texts, ...Array<string>(more).fill("one more of these")] : texts
  })

/** The counts that a reader of a run wants to see. */
export const tally = ({ found, occurred }: Report): string => {
  const count = (rule: Checker.RuleName, what: string) => occurred[rule][what] ?? 0
  return [
    `handled ${count("notVacuous", "started")}`,
    `committed ${count("effectivelyOnce", "committed")}`,
    `handed over again ${count("notVacuous", "redelivered")}`,
    `dead letters ${count("deadLetters", "deadLetters")}`,
    `lost ${found.noLoss}`,
    `applied twice ${found.effectivelyOnce}`,
    `out of order ${found.keyOrder}`
  ].join(", ")
}

/** An unexpected failure, in full. */
export const text = (cause: Cause.Cause<unknown>): string => Cause.pretty(cause)
