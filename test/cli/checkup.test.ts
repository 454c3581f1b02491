/** The checks of `doctor` on facts that no test can provoke on its server: each one says what to do about bad ones. */
import { assert, describe, it } from "@effect/vitest"
import {
  defaultWindow,
  ofQueues,
  ofServer,
  ofSession,
  ofTimer,
  ofVersionAndClock
} from "../../src/cli/setup/Checkup.ts"

const count = (value: number) => ({ value, kind: "exact" as const })

const good = {
  fsync: "on",
  synchronous_commit: "on",
  autovacuum: "on",
  idle: "10min",
  statement_millis: 0,
  standby: false
}

const quiet: Parameters<typeof ofQueues>[0] = {
  oldest: { _tag: "Visible", value: undefined },
  blockers: [],
  tables: [],
  consumers: [],
  unrouted: [],
  ages: [{ consumer: "a", oldestMillis: 6 * 86_400_000 }],
  window: defaultWindow
}

const session = {
  pid: 1,
  user: "u",
  application: "psql",
  client: "",
  state: "idle in transaction",
  query: { _tag: "Visible" as const, value: "select 1" },
  transactionMillis: 4_000_000,
  stateMillis: 1
}

const snapshot = { kind: "session", name: "1", session, transactionsAgo: 9, millis: 3_700_000 } as const
const table = { table: "messages", bytes: 1, rows: count(10), deadRows: count(100_001), vacuumedAt: undefined }
const vacuum = (name: string) => `vacuum ${name}`

const queues = (facts: Partial<typeof quiet>) => ofQueues({ ...quiet, ...facts }, vacuum)

/** The check by name, its state, and the checks of bad facts that contain it. */
const cases = [
  ["server", "fail", ofVersionAndClock(140_000, 0, false)],
  ["clock", "warn", ofVersionAndClock(180_000, 5_001, false)],
  ["standby", "fail", ofServer({ ...good, standby: true })],
  ["fsync", "fail", ofServer({ ...good, fsync: "off" })],
  ["autovacuum", "warn", ofServer({ ...good, autovacuum: "off" })],
  ["idle transactions", "warn", ofServer({ ...good, idle: "0" })],
  ["statement_timeout", "warn", ofServer({ ...good, statement_millis: 9_999 })],
  ["sessions", "warn", ofSession(false, true)],
  ["notifications", "warn", ofSession(true, false)],
  ["event loop", "warn", [ofTimer(201)]],
  ["oldest snapshot", "warn", queues({ oldest: { _tag: "Visible", value: snapshot } })],
  ["locks", "warn", queues({ blockers: [{ waits: session, waitsMillis: 1, lock: "relation", by: session }] })],
  ["dead rows", "warn", queues({ tables: [table] })],
  ["deduplication window", "warn", queues({ ages: [{ consumer: "a", oldestMillis: 7 * 86_400_000 + 1 }] })]
] as const

const right = [
  ...ofVersionAndClock(150_000, 5_000, true),
  ...ofServer(good),
  ...ofSession(true, true),
  ofTimer(200),
  ...queues({ tables: [{ ...table, deadRows: count(100_000) }] })
]

describe("doctor", () => {
  it("finds nothing wrong with facts that are right", () => {
    assert.deepStrictEqual(right.filter(({ remedy, state }) => state !== "ok" || remedy !== ""), [])
  })

  for (const [name, state, checks] of cases) {
    it(`says what to do about: ${name}`, () => {
      const wrong = checks.filter((one) => one.state !== "ok")
      assert.deepStrictEqual(wrong.map(({ check, state }) => [check, state]), [[name, state]])
      assert.isAbove(wrong[0]!.remedy.length, 20)
    })
  }

  it("names the deduplication window that it compared with, and takes that of the operator", () => {
    const ages = [{ consumer: "a", oldestMillis: 10 * 86_400_000 }]
    const found = (window: typeof defaultWindow) =>
      queues({ ages, window }).flatMap(({ check, found, state }) =>
        check === "deduplication window" ? [[state, found]] : []
      )
    assert.deepStrictEqual(found(defaultWindow), [
      ["warn", "older than the window (7d, the default of retention.inbox): a 10d"]
    ])
    assert.deepStrictEqual(found({ millis: 30 * 86_400_000, from: "given" }), [
      ["ok", "no message or dead letter is older than the window (30d, as given)"]
    ])
    assert.deepStrictEqual(found({ millis: 9 * 86_400_000, from: "given" }), [
      ["warn", "older than the window (9d, as given): a 10d"]
    ])
  })

  it("repairs dead rows, and nothing that needs a decision", () => {
    const repaired = cases.flatMap(([name, , checks]) =>
      checks.flatMap(({ repairs = [] }) => repairs.map((repair) => [name, repair]))
    )
    assert.deepStrictEqual(repaired, [["dead rows", "vacuum messages"]])
  })
})
