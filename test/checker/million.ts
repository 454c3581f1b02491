/**
 * How fast the checker is: a history of a million messages with faults, in memory and from a file.
 *
 *     node --max-old-space-size=12000 --conditions=millrace-source test/testing/million.ts [messages]
 */
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Checker from "./Checker.ts"
import type * as History from "./History.ts"
import { Model } from "./model.ts"

const messages = Number(process.argv[2] ?? 1_000_000)

/** Wall and CPU time: on a busy machine they differ. */
const stopwatch = () => {
  const start = performance.now()
  const cpu = process.cpuUsage()
  return () => {
    const { system, user } = process.cpuUsage(cpu)
    return `${((performance.now() - start) / 1e3).toFixed(2)} s (CPU ${((system + user) / 1e6).toFixed(2)} s)`
  }
}

const timed = <A>(what: string, work: () => A): A => {
  const elapsed = stopwatch()
  const result = work()
  console.log(`${what}: ${elapsed()}`)
  return result
}

const write = (file: string, entries: ReadonlyArray<History.Entry>) => {
  const descriptor = openSync(file, "w")
  for (let at = 0; at < entries.length; at += 10_000) {
    writeSync(descriptor, entries.slice(at, at + 10_000).map((entry) => `${JSON.stringify(entry)}\n`).join(""))
  }
  closeSync(descriptor)
}

const folder = mkdtempSync(join(tmpdir(), "millrace-million-"))
const file = join(folder, "history.jsonl")
try {
  // In a function of its own, so that the entries are gone before the file is read.
  const inMemory = () => {
    const entries = timed(
      "a correct history made",
      () => new Model({ seed: 1, messages, keys: Math.ceil(messages / 50), harm: 0.05 }).run()
    )
    const report = timed(`checked in memory (${entries.length} entries)`, () => Checker.check(entries))
    console.log(Checker.render(report))
    const broken = [...entries, entries.findLast((entry) => entry._tag === "Committed")!]
    const verdict = timed("checked and explained with one commit doubled", () => Checker.check(broken))
    console.log(`violations ${JSON.stringify(verdict.found)}`)
    timed("written", () => write(file, entries))
  }
  inMemory()
  console.log(`file: ${(statSync(file).size / 1e6).toFixed(0)} MB`)
  const elapsed = stopwatch()
  const report = await Effect.runPromise(Effect.provide(Checker.checkFiles([file]), NodeServices.layer))
  console.log(`read, validated and checked from the file: ${elapsed()}, ok ${report.ok}`)
  console.log(`memory at most ${(process.resourceUsage().maxRSS / 1e6).toFixed(1)} GB`)
} finally {
  rmSync(folder, { recursive: true })
}
