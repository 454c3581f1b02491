/** The next move of a redrive run, from its counts alone. */
import { assert, describe, it } from "@effect/vitest"
import {
  counted,
  inFlight,
  mostInFlight,
  next,
  type RunOutcome,
  type RunProgress,
  type RunRules
} from "../../src/postgres/maintenance/RunProgress.ts"

const begun: RunProgress = {
  stage: 0,
  inStage: 0,
  stageFailed: 0,
  exhausted: false,
  redriven: 0,
  committed: 0,
  failed: 0,
  duplicate: 0,
  recent: []
}
const rules: RunRules = { rate: 100, stages: [1, 10], asks: false, inARow: 3, ofRecent: 5 }
const ok: RunOutcome = { outcome: "committed", fingerprint: "", judged: true }
const again = (fingerprint: string, judged = true): RunOutcome => ({ outcome: "failed", fingerprint, judged })
const redriven = (progress: RunProgress, n: number): RunProgress => ({
  ...progress,
  redriven: progress.redriven + n,
  inStage: progress.inStage + n
})
const stopOf = (...outcomes: ReadonlyArray<RunOutcome>) => counted(begun, outcomes, rules).stop

/** Plays a run whose messages all end as given, and returns the sizes of its redrives. */
const play = (total: number, outcome: (nth: number) => RunOutcome, given: RunRules = rules) => {
  let progress = begun
  const sizes: Array<number> = []
  for (let i = 0; i < 1_000; i++) {
    const { move, progress: now } = next(progress, given)
    progress = now
    if (move._tag === "Redrive") {
      const n = Math.min(move.most, total - progress.redriven)
      sizes.push(n)
      progress = { ...redriven(progress, n), exhausted: n < move.most }
    } else if (move._tag === "Wait") {
      const settled = progress.redriven - inFlight(progress)
      const found = counted(progress, [outcome(settled)], given)
      progress = found.progress
      if (found.stop !== undefined) return { end: found.stop.by, sizes, progress }
    } else return { end: move._tag === "Stop" ? move.stop.by : move._tag, sizes, progress }
  }
  return { end: "never", sizes, progress }
}

describe("a redrive run", () => {
  it("redrives one message, then 10, then the rest, each stage after the outcomes of the one before", () => {
    assert.deepStrictEqual(play(40, () => ok).sizes.slice(0, 2), [1, 10])
    assert.deepInclude(play(40, () => ok), { end: "Finish" })
    const first = next(redriven(begun, 1), rules)
    assert.strictEqual(first.move._tag, "Wait")
    assert.strictEqual(next(counted(redriven(begun, 1), [ok], rules).progress, rules).progress.stage, 1)
  })

  it("stops after its first message if that one fails again", () => {
    const { end, progress } = play(10_000, () => again("Declined"))
    assert.deepStrictEqual([end, progress.redriven, progress.failed], ["stage", 1, 1])
  })

  it("stops when three in a row fail again with one failure group", () => {
    assert.deepStrictEqual(stopOf(again("a"), again("a"), again("a")), { by: "inARow", fingerprint: "a" })
    assert.isUndefined(stopOf(again("a"), again("a"), again("b")))
    assert.isUndefined(stopOf(again("a"), ok, again("a"), again("a"), ok))
  })

  it("stops when 5 of the last 20 fail again with one failure group", () => {
    const mixed = [again("a"), ok, again("a"), ok, again("a"), ok, again("a"), ok]
    assert.isUndefined(stopOf(...mixed))
    assert.deepStrictEqual(stopOf(...mixed, again("a")), { by: "ofRecent", fingerprint: "a" })
    const spread = Array.from({ length: 40 }, (_, i) => i % 5 === 0 ? again("a") : ok)
    assert.isUndefined(stopOf(...spread))
  })

  it("counts every outcome, also those behind the reason to stop, and does not judge those from before", () => {
    const { progress, stop } = counted(begun, [again("a"), again("a"), again("a"), ok, ok], rules)
    assert.deepStrictEqual([stop?.by, progress.committed, progress.failed], ["inARow", 2, 3])
    const old = counted(begun, [again("a", false), again("a", false), again("a", false)], rules)
    assert.deepStrictEqual([old.stop, old.progress.failed, old.progress.recent], [undefined, 3, []])
  })

  it("asks after its first stage, if it is to ask", () => {
    const { end, progress } = play(40, () => ok, { ...rules, asks: true })
    assert.deepStrictEqual([end, progress.redriven, progress.stage], ["Ask", 1, 1])
  })

  it("finishes when the set ends within a stage, and not before the outcomes are known", () => {
    assert.deepInclude(play(1, () => ok), { end: "Finish" })
    assert.deepInclude(play(5, () => ok), { end: "Finish" })
    const exhausted = { ...redriven(begun, 1), exhausted: true }
    assert.strictEqual(next(exhausted, rules).move._tag, "Wait")
  })

  it("lets no more messages wait than those of five seconds, and 20 at least", () => {
    assert.deepStrictEqual([mostInFlight(1), mostInFlight(100)], [20, 500])
    const rest: RunProgress = { ...begun, stage: 2, redriven: 500, inStage: 489 }
    assert.strictEqual(next(rest, rules).move._tag, "Wait")
    assert.deepStrictEqual(next({ ...rest, committed: 5 }, rules).move, { _tag: "Redrive", most: 5 })
  })
})
