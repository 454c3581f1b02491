/**
 * The checker accepts the histories of correct runs, and rejects every broken one with a reason that a reader can
 * follow.
 */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, FileSystem, Path } from "effect"
import { mutants } from "./brokenHistories.ts"
import * as Checker from "./Checker.ts"
import * as History from "./History.ts"
import { Model } from "./model.ts"
import { dice, type Options } from "./modelParts.ts"

const runs = new Map<string, ReadonlyArray<History.Entry>>()

/** Histories are only read, so one seed is one history. */
const run = (seed: number, more?: Partial<Options>): ReadonlyArray<History.Entry> => {
  const options = { seed, messages: 500, keys: 12, ...more }
  const name = JSON.stringify(options)
  const entries = runs.get(name) ?? new Model(options).run()
  runs.set(name, entries)
  return entries
}

const explained = (report: Checker.Report) => Checker.render({ ...report, violations: report.violations.slice(0, 3) })

const passes = (report: Checker.Report) => assert.isTrue(report.ok, explained(report))

const caughtBy = (rule: Checker.RuleName, report: Checker.Report) => {
  const violation = report.violations.find((one) => one.rule === rule)
  assert.isDefined(violation, `${rule} found nothing:\n${explained(report)}`)
  return violation
}

const rules = [
  "noLoss",
  "effectivelyOnce",
  "keyOrder",
  "oneOwner",
  "deadLetters",
  "outbox",
  "nothingStuck",
  "bounded",
  "notVacuous"
] as const

describe("a correct history", () => {
  it("passes with each of 200 seeds, and every rule had something to compare", () => {
    const occurred = new Map<string, number>()
    for (let seed = 1; seed <= 200; seed++) {
      const report = Checker.check(run(seed))
      passes(report)
      for (const [rule, counts] of Object.entries(report.occurred)) {
        for (const [what, n] of Object.entries(counts)) {
          occurred.set(`${rule}: ${what}`, (occurred.get(`${rule}: ${what}`) ?? 0) + n)
        }
      }
    }
    const never = ["effectivelyOnce: committed again", "keyOrder: overlaps in a process"]
    assert.deepStrictEqual([...occurred].filter(([, n]) => n === 0).map(([what]) => what), never)
  })

  it("of 20,000 messages passes", () => passes(Checker.check(run(1, { messages: 20_000, keys: 500, harm: 0.2 }))))

  it("passes in every mixture of the entries of its processes", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const entries = run(seed)
      const facts = ["Committed", "DeadLettered", "Waiting", "Outgoing"]
      const processOf = (entry: History.Entry) =>
        facts.includes(entry._tag) ? "~facts" : "process" in entry ? entry.process : "database"
      const apart = [...Map.groupBy(entries, processOf)].sort(([one], [other]) => one < other ? -1 : 1)
      const report = Checker.check(apart.flatMap(([, group]) => group))
      passes(report)
      const { "committed and redelivered": _, ...rest } = report.occurred.effectivelyOnce
      assert.containsSubset(Checker.check(entries).occurred.effectivelyOnce, rest)
    }
  })

  it("passes without draws and chains, and its counts say what was not compared", () => {
    const bare = run(3).map((entry) => ({ ...entry, draw: undefined, previous: undefined, chain: undefined }))
    const report = Checker.check(bare as ReadonlyArray<History.Entry>)
    passes(report)
    assert.strictEqual(report.occurred.keyOrder["starts compared"], 0)
    assert.strictEqual(report.occurred.keyOrder["chain links"], 0)
  })
})

describe("a broken history is caught and explained", () => {
  for (const rule of rules.slice(0, -1)) {
    const broken = mutants.filter((one) => one.rule === rule)
    it(`${rule} has at least two breaks to show what it catches`, () => assert.isAtLeast(broken.length, 2))
    for (const { apply, name } of broken) {
      it(`catches: ${name}`, () => {
        let tried = 0
        for (let seed = 1; seed <= 40; seed++) {
          const entries = apply(run(seed, { messages: 250 }), dice(seed))
          if (entries === undefined) continue
          tried++
          const violation = caughtBy(rule, Checker.check(entries))
          assert.match(violation.sentence, /^[A-Z\w"].{40,}\.$/)
          assert.isTrue(violation.ids.length === 0 || violation.lifeLine.length > 0, violation.sentence)
        }
        assert.isAtLeast(tried, 5)
      })
    }
  }

  it("catches: a promised fault never happened", () => {
    const report = Checker.check(run(1), { faults: { SIGKILL: 1, "backend terminated": 20 } })
    assert.include(caughtBy("notVacuous", report).sentence, "\"backend terminated\" happens 20 times: it never did")
  })

  it("catches: a promised crash window was hit too seldom", () => {
    const report = Checker.check(run(1), { windows: { "handle: after begin": 30 } })
    assert.match(caughtBy("notVacuous", report).sentence, /"handle: after begin" is hit 30 times: it did \d+ times/)
  })

  it("catches: nothing was ever redelivered", () => {
    caughtBy("notVacuous", Checker.check(run(1, { harm: 0 })))
    passes(Checker.check(run(1, { harm: 0 }), { redelivered: 0 }))
  })

  it("catches: a rule had less to look at than was promised", () => {
    const occurred = { "keyOrder: starts compared": 1_000_000, "keyOrder: chain links": 10 }
    const report = Checker.check(run(1), { occurred })
    assert.strictEqual(report.found.notVacuous, 1)
    assert.include(caughtBy("notVacuous", report).sentence, "keyOrder: starts compared")
  })

  it("catches: an empty history", () => caughtBy("notVacuous", Checker.check([])))
})

const both = (id: string, consumers: ReadonlyArray<string>): ReadonlyArray<History.Entry> => [
  { _tag: "ConsumerRegistered", consumer: "books", topics: ["payments"], order: "park" },
  { _tag: "ConsumerRegistered", consumer: "mails", topics: ["payments"], order: "park" },
  { _tag: "PublishTried", process: "p", id, topic: "payments", key: "k", position: 0 },
  ...consumers.map((consumer) =>
    ({ _tag: "Committed", consumer, id, key: "k", position: 0, worker: "w", attempt: 1 }) as const
  )
]
const calm: Checker.Expectations = { settles: false, redelivered: 0 }

describe("a consumer without order", () => {
  const unordered = { unordered: ["books"] }
  const byName = (name: string) => mutants.find((one) => one.name === name)!

  it("passes where messages of a key commit, start, overlap or are parked in another order, and only with the flag", () => {
    const names = [
      "two of a key commit in the wrong order",
      "two of a key commit in the wrong order, chained accordingly",
      "n+1 starts before n is settled, in another process",
      "n+1 starts while n runs, in one process",
      "a parked key continues",
      "outgoing messages of a key change places"
    ]
    for (const name of names) {
      let tried = 0
      for (let seed = 1; seed <= 40; seed++) {
        const { apply, rule } = byName(name)
        const entries = apply(run(seed, { messages: 250 }), dice(seed))
        if (entries === undefined) continue
        tried++
        caughtBy(rule, Checker.check(entries))
        assert.strictEqual(Checker.check(entries, unordered).found[rule], 0, name)
      }
      assert.isAtLeast(tried, 5, name)
    }
  })

  it("has its lost and doubled messages, and its stale owners, caught as any other one", () => {
    for (
      const name of [
        "a commit is lost",
        "no inbox: a redelivery commits again",
        "an outgoing message is lost",
        "a message is left waiting",
        "no fence: a commit under an older token"
      ]
    ) {
      const { apply, rule } = byName(name)
      for (let seed = 1; seed <= 10; seed++) {
        const entries = apply(run(seed, { messages: 250 }), dice(seed))
        if (entries !== undefined) caughtBy(rule, Checker.check(entries, unordered))
      }
    }
  })

  it("does not take the order of other consumers away", () => {
    const { apply, rule } = byName("two of a key commit in the wrong order")
    const entries = apply(run(1, { messages: 250 }), dice(1))!
    caughtBy(rule, Checker.check(entries, { unordered: ["mails"] }))
  })
})

describe("a parked key", () => {
  const deadLetter: History.Entry = {
    _tag: "DeadLettered",
    consumer: "books",
    id: "m",
    key: "k",
    reason: "rejected",
    state: "open",
    parked: true,
    redriven: 0,
    attempts: [{ attempt: 1, tag: "Refused" }],
    draw: 5
  }
  const entries = both("m", []).map((one) =>
    one._tag === "PublishTried" ? { ...one, poison: { reason: "rejected" } as const } : one
  )
  const successor = both("n", ["books", "mails"]).map((one) =>
    "position" in one ? { ...one, position: 1, draw: 9 } : one
  )
  const release: History.Entry = { _tag: "OperatorActed", process: "p", action: "release", consumer: "books", key: "k" }
  const mails = { ...deadLetter, consumer: "mails", parked: false }

  it("continues when an operator releases it from its dead letter, and not when only an operator's hold ends", () => {
    passes(Checker.check([...entries, ...successor, { ...release, id: "m" }, deadLetter, mails], calm))
    caughtBy("deadLetters", Checker.check([...entries, ...successor, deadLetter, mails], calm))
    caughtBy("deadLetters", Checker.check([...entries, ...successor, release, deadLetter, mails], calm))
  })
})

describe("several consumers", () => {
  it("each get every message of their topics", () => {
    const answer: History.Entry = { _tag: "PublishAnswered", process: "p", id: "m", answer: "acknowledged" }
    passes(Checker.check([...both("m", ["books", "mails"]), answer], calm))
    const violation = caughtBy("noLoss", Checker.check([...both("m", ["books"]), answer], calm))
    assert.include(violation.sentence, "lost for consumer \"mails\"")
  })

  it("get a message of unknown outcome all or none", () => {
    passes(Checker.check([...both("m", []), ...both("n", ["books", "mails"])], calm))
    assert.include(caughtBy("noLoss", Checker.check(both("m", ["books"]), calm)).sentence, "but not mails")
  })
})

describe("a report", () => {
  it("shows whether the run passed, the seed, the counts, and the message's life line", () => {
    const entries = mutants.find((one) => one.name.startsWith("no inbox"))!.apply(run(7), dice(7))!
    const text = Checker.render(Checker.check(entries))
    for (
      const part of [
        "VIOLATED",
        "repeat: model --seed 7",
        "faults: SIG",
        "effectivelyOnce: 1 violations",
        "tries to publish",
        "is told about",
        "starts attempt 1",
        "ledger: w"
      ]
    ) assert.include(text, part)
  })

  it("keeps a few violations of each rule and counts the others", () => {
    const report = Checker.check(run(1).filter((one) => one._tag !== "Committed"), { keep: 3 })
    assert.isAbove(report.found.noLoss, 100)
    assert.strictEqual(report.violations.filter((one) => one.rule === "noLoss").length, 3)
    assert.match(Checker.render(report), /and \d+ more violations/)
  })
})

layer(NodeServices.layer)("history files", (it) => {
  const written = Effect.fnUntraced(function*(text: string) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const file = path.join(yield* fs.makeTempDirectoryScoped(), "history.jsonl")
    yield* fs.writeFileString(file, text)
    return file
  })
  const textOf = (entries: ReadonlyArray<History.Entry>) => {
    let text = ""
    const recorder = History.recorder((line) => {
      text += line
    })
    for (const entry of entries) recorder.record(entry)
    return text
  }

  it.effect("say the same as the history in memory", () =>
    Effect.gen(function*() {
      for (const entries of [run(5), mutants[0]!.apply(run(5), dice(5))!]) {
        const file = yield* written(textOf(entries))
        assert.deepStrictEqual(yield* Checker.checkFiles([file]), Checker.check(entries))
        assert.deepEqual(yield* History.read([file]), JSON.parse(JSON.stringify(entries)))
      }
    }))

  it.effect("are refused at the first line that is no entry, with its number and what is wrong", () =>
    Effect.gen(function*() {
      const good = textOf(run(5).slice(0, 3))
      const lines: ReadonlyArray<readonly [string, string]> = [
        ["{\"_tag\":", "not JSON"],
        ["{\"_tag\":\"Job\"}", "\"Job\" is no kind of entry"],
        ["null", "is no kind of entry"],
        ["{\"_tag\":\"PublishTried\",\"process\":\"p\",\"id\":7}", "at [\"id\"]"]
      ]
      for (const [line, problem] of lines) {
        const file = yield* written(`${good}${line}\n${good}`)
        const error = yield* Effect.flip(Checker.checkFiles([file]))
        assert.strictEqual(error._tag, "HistoryUnreadable")
        assert.include(error.message, `Line 4 of ${file}`)
        assert.include(error.message, problem)
      }
    }))

  it.effect("may end in a torn line, as a killed writer leaves it, where that is said", () =>
    Effect.gen(function*() {
      const file = yield* written(textOf(run(5)).slice(0, -9))
      assert.include((yield* Effect.flip(History.read([file]))).message, "tornEnd")
      const entries = yield* History.read([file], { tornEnd: "drop" })
      assert.strictEqual(entries.length, run(5).length - 1)
    }))
})
