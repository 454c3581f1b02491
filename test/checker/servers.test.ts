/**
 * Losses with a server are counted apart from losses after it: histories of servers that lose data, and their reports.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Checker from "./Checker.ts"
import type * as History from "./History.ts"

const calm: Checker.Expectations = { settles: false, redelivered: 0, losesServers: true }
const consumer = "books"
const key = "k"

/** One short story, in which `run` publishes and reads servers, and `w` works. */
const story = (...entries: ReadonlyArray<History.Entry>): ReadonlyArray<History.Entry> => [
  { _tag: "ConsumerRegistered", consumer, topics: ["payments"], order: "park" },
  ...published("witness", 0),
  committed("witness", 0, 1),
  ...entries
]

const published = (id: string, position: number, durable = true): ReadonlyArray<History.Entry> => [
  { _tag: "PublishTried", process: "run", id, topic: "payments", key, position },
  { _tag: "PublishAnswered", process: "run", id, answer: "acknowledged", ...(durable ? {} : { durable }) }
]

const started = (id: string, draw: number, token = 1, process = "w"): History.Entry => ({
  _tag: "HandlerStarted",
  process,
  consumer,
  id,
  key,
  attempt: 1,
  lane: 0,
  token,
  draw
})

const ended = (id: string, draw: number, outcome: "done" | "interrupted" = "done", process = "w"): History.Entry => ({
  _tag: "HandlerEnded",
  process,
  consumer,
  id,
  key,
  outcome,
  draw
})

const committed = (id: string, position: number, draw: number, token = 1, worker = "w"): History.Entry => ({
  _tag: "Committed",
  consumer,
  id,
  key,
  position,
  worker,
  attempt: 1,
  lane: 0,
  token,
  draw
})

const holds = (
  id: string,
  server: number,
  as: History.ServerHolds["as"] = "waiting",
  durable = true
): History.Entry => ({
  _tag: "ServerHolds",
  process: "run",
  server,
  consumer,
  id,
  key,
  as,
  ...(durable ? {} : { durable })
})

/** The server of this number is up, with the witness and what is given. */
const returned = (server: number, ...held: ReadonlyArray<History.Entry>): ReadonlyArray<History.Entry> => [
  holds("witness", server, "committed"),
  ...held,
  { _tag: "ServerReturned", process: "run", server, draw: server * 1000 }
]

const durable: History.Entry = { _tag: "Durable", process: "run" }

const passes = (history: ReadonlyArray<History.Entry>, expectations = calm) => {
  const report = Checker.check(history, expectations)
  assert.isTrue(report.ok, Checker.render(report))
  return report.occurred.noLoss
}

const caught = (rule: Checker.RuleName, words: string, history: ReadonlyArray<History.Entry>, expectations = calm) => {
  const report = Checker.check(history, expectations)
  const found = report.violations.filter((one) => one.rule === rule)
  assert.lengthOf(report.violations, 1, Checker.render(report))
  assert.include(found[0]?.sentence, words, Checker.render(report))
}

describe("a message that a server takes along", () => {
  it("may be lost if its publisher did not wait until it was safe; it is counted, in runs that lose servers only", () => {
    const history = story(...published("m", 1, false), started("m", 5), ended("m", 6), ...returned(2))
    const counts = passes(history)
    assert.containsSubset(counts, {
      "servers lost": 1,
      "messages lost with a server": 1,
      "effects lost with a server": 0
    })
    caught("noLoss", "not one that loses servers", history, { ...calm, losesServers: false })
  })

  it("must not be lost if it was safe: acknowledged so, said so later, or held by an earlier server when that came up", () => {
    const words = "Message m was safe from a crash"
    caught("noLoss", words, story(...published("m", 1), ...returned(2)))
    caught("noLoss", words, story(...published("m", 1, false), durable, ...returned(2)))
    caught("noLoss", words, story(...published("m", 1, false), ...returned(2, holds("m", 2)), ...returned(3)))
    assert.strictEqual(
      passes(story(durable, ...published("m", 1, false), ...returned(2)))["messages lost with a server"],
      1
    )
  })

  it("stays lost: what one server handed out is not committed by another", () => {
    const handed = [...published("m", 1, false), started("m", 5)]
    caught("noLoss", "handled it all the same", story(...handed, ...returned(2), committed("m", 1, 2001, 1, "other")))
  })

  it("is a message like any other once it is published again", () => {
    const again = [...published("m", 1, false), ...returned(2), ...published("m", 1)]
    passes(story(...again, started("m", 2001), ended("m", 2002), committed("m", 1, 2003)))
    caught("noLoss", "Message m (key k, position 1) is lost", story(...again))
  })
})

describe("a message that a server brings along", () => {
  it("must be there at the end, also if its publisher was never told that it was stored", () => {
    const unknown: ReadonlyArray<History.Entry> = published("m", 1).slice(0, 1)
    passes(story(...unknown, ...returned(2)))
    passes(
      story(...unknown, ...returned(2, holds("m", 2)), started("m", 2001), ended("m", 2002), committed("m", 1, 2003))
    )
    caught("noLoss", "Message m (key k, position 1) is lost", story(...unknown, ...returned(2, holds("m", 2))))
    caught("noLoss", "is lost", story(...published("m", 1, false), ...returned(2, holds("m", 2))))
  })
})

describe("an effect", () => {
  const first = [...published("m", 1), started("m", 5), ended("m", 6)]
  const again = [started("m", 2001, 2), ended("m", 2002), committed("m", 1, 2003, 2)]

  it("may be lost with the server that had it, and happens again then", () => {
    const counts = passes(story(...first, holds("m", 1, "committed", false), ...returned(2, holds("m", 2)), ...again))
    assert.containsSubset(counts, { "messages lost with a server": 0, "effects lost with a server": 1 })
  })

  it("must not be lost if it was safe", () => {
    const words = "The effect of message m was safe from a crash"
    caught("noLoss", words, story(...first, holds("m", 1, "committed"), ...returned(2, holds("m", 2)), ...again))
    const loose = holds("m", 1, "committed", false)
    caught("noLoss", words, story(...first, loose, durable, ...returned(2, holds("m", 2)), ...again))
  })

  it("that came along must not happen again, and must be there at the end", () => {
    const kept = [...first, ...returned(2, holds("m", 2, "committed"))]
    passes(story(...kept, committed("m", 1, 7)))
    caught(
      "effectivelyOnce",
      "committed 2 times",
      story(...kept, started("m", 2001), committed("m", 1, 7), committed("m", 1, 2003))
    )
    const report = Checker.check(story(...kept), calm)
    assert.include(report.violations[0]?.sentence, "was in the ledger of server 2")
  })

  it("is committed by the server that handed its message out, and by no other", () => {
    const held = [...first, ...returned(2, holds("m", 2))]
    passes(story(...held, ...again))
    caught("oneOwner", "was handed it by server 1", story(...held, committed("m", 1, 2003)))
    // The process was handed it again, under a new token, and commits for the old one.
    const late = Checker.check(story(...held, started("m", 2001, 2), committed("m", 1, 2003)), calm)
    assert.isTrue(
      late.violations.some((one) => one.sentence.includes("was handed it by server 1")),
      Checker.render(late)
    )
  })
})

describe("what is compared", () => {
  const two = [...published("m", 1), ...published("n", 2)]
  const back = returned(2, holds("m", 2), holds("n", 2))
  const inOrder = [
    started("m", 2001, 2, "v"),
    ended("m", 2002, "done", "v"),
    started("n", 2004, 2, "v"),
    ended("n", 2005, "done", "v"),
    committed("m", 1, 2003, 2, "v"),
    committed("n", 2, 2006, 2, "v")
  ]

  it("is a start with what its own server settled: the other one forgot that the message before was done", () => {
    passes(story(...two, started("m", 5), ended("m", 6), started("n", 8), ended("n", 9), ...back, ...inOrder))
    const early = started("n", 2000, 2, "v")
    const report = Checker.check(story(...two, ...back, early, ended("n", 2001, "interrupted", "v"), ...inOrder), calm)
    assert.isAbove(report.found.keyOrder, 0, Checker.render(report))
  })

  it("is not the owner of one server with the owner of another", () => {
    // The first owner's claim was lost with the server, and its handler learns later that its work failed.
    const open = [...two, started("m", 5), ...back, ...inOrder, ended("m", 2010, "interrupted")]
    passes(story(...open))
    // The same by one server is a second owner.
    const without = story(...open).filter((one) => one._tag !== "ServerReturned" && one._tag !== "ServerHolds")
    assert.isAbove(Checker.check(without, calm).found.oneOwner, 0)
  })
})
