/** The cause of a lag: one of many, in a fixed order, in one sentence. */
import { assert, describe, it } from "@effect/vitest"
import type { Blocker, ConsumerFacts, Fact, Session } from "millrace/ops"
import { explain, type Known } from "../../src/ops/read/LagCauses.ts"

const exact = (value: number): Fact.Count => ({ value, kind: "exact" })

const session: Session = {
  pid: 4711,
  user: "app",
  application: "psql",
  client: "",
  state: "idle in transaction",
  query: { _tag: "Visible", value: "update accounts set cents = 0" },
  transactionMillis: 60_000,
  stateMillis: 50_000
}
const blocker: Blocker = { waits: session, waitsMillis: 12_400, lock: "transactionid", by: session }

const running: Omit<ConsumerFacts, "lag"> = {
  consumer: "ledger",
  topics: ["payments"],
  lanes: 64,
  order: "park",
  registeredAt: 0,
  paused: undefined,
  waiting: exact(600),
  oldestAt: 0,
  rates: { inPerSecond: 10, outPerSecond: 12 },
  delayedKeys: exact(2),
  parkedKeys: exact(1),
  pausedKeys: exact(0),
  deadLetters: exact(1),
  redriving: exact(0),
  workers: 2,
  codeVersions: ["1.4.3"],
  ownedLanes: 64,
  freeLanes: 0
}

const known = (facts: Partial<typeof running> = {}, more: Partial<Known> = {}): Known => ({
  facts: { ...running, ...facts },
  lagMillis: 5_000,
  ready: exact(600),
  blocker: undefined,
  oneKey: undefined,
  ...more
})

/** The counts of a queue whose first 10,000 messages belong to held keys. */
const many: Fact.Count = { value: 10_000, kind: "atLeast" }
const noneOfMany: Fact.Count = { value: 0, kind: "atLeast" }

const paused = { by: "anna", at: 0, note: "the bank is down", until: undefined }
const hot = { key: "acct-77", share: 0.8 }

/** Each cause, in the order in which they are tried. */
const causes: ReadonlyArray<readonly [tag: string, known: Known, sentence: RegExp]> = [
  ["Paused", known({ paused }), /^Paused by anna since 1970-01-01T00:00:00\.000Z \(the bank is down\)\. Resume/],
  ["Empty", known({ waiting: exact(0) }), /^No message waits\.$/],
  ["NoWorker", known({ workers: 0 }), /^No worker of this consumer lives\. Start one\.$/],
  [
    "AllHeld",
    known({}, { ready: exact(0), lagMillis: 0 }),
    /^Every message that waits belongs to a held key: 1 parked, 2/
  ],
  [
    "CommitWaits",
    known({}, { blocker }),
    /^A transaction has waited 12s for a lock \(transactionid\) of process 4711 \(app\)\./
  ],
  ["FreeLanes", known({ freeLanes: 3 }), /^Messages wait in 3 of 64 lanes that no live worker owns\./],
  ["OneKey", known({}, { oneKey: hot }), /^One key, "acct-77", has 80 % of what waits\./],
  ["Growing", known({ rates: { inPerSecond: 220.4, outPerSecond: 0 } }), /^The queue grows by 220 messages a second\./],
  ["Draining", known(), /^The queue is empty in 5m at this rate\.$/],
  ["Waiting", known({ rates: { inPerSecond: undefined, outPerSecond: undefined } }), /^600 messages wait\.$/]
]

describe("the cause of a lag", () => {
  for (const [tag, given, sentence] of causes) {
    it(`is one sentence: ${tag}`, () => {
      const { cause, millis, sentence: said } = explain(given)
      assert.strictEqual(cause._tag, tag)
      assert.match(said, sentence)
      assert.strictEqual(millis, given.lagMillis)
    })
  }

  it("is the first of several that apply", () => {
    const all = known(
      { paused, workers: 0, freeLanes: 3, rates: { inPerSecond: 9, outPerSecond: 0 } },
      { blocker, oneKey: hot }
    )
    assert.strictEqual(explain(all).cause._tag, "Paused")
    const not = (facts: Partial<typeof running>, more: Partial<Known> = {}) =>
      explain({ ...all, ...more, facts: { ...all.facts, ...facts } }).cause._tag
    assert.strictEqual(not({ paused: undefined }), "NoWorker")
    assert.strictEqual(not({ paused: undefined, workers: 1 }), "CommitWaits")
    assert.strictEqual(not({ paused: undefined, workers: 1 }, { blocker: undefined }), "FreeLanes")
  })

  it("is no short wait, no key with less than half, and no time for a queue that is not counted to its end", () => {
    assert.strictEqual(explain(known({}, { blocker: { ...blocker, waitsMillis: 900 } })).cause._tag, "Draining")
    assert.strictEqual(explain(known({}, { oneKey: { key: "a", share: 0.4 } })).cause._tag, "Draining")
    const long = explain(known({ waiting: many }, { ready: many }))
    assert.deepStrictEqual([long.cause._tag, long.sentence], ["Waiting", "10,000+ messages wait."])
  })

  it("is no hold of all keys if a lag shows a message that can be processed behind the counted ones", () => {
    const said = (lagMillis: number) => explain(known({ waiting: many }, { ready: noneOfMany, lagMillis })).sentence
    assert.strictEqual(said(5_000), "10,000+ messages wait.")
    assert.match(said(0), /^Every message that was looked at belongs to a held key: 1 parked, 2 delayed\./)
  })
})
