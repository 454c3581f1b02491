/**
 * Interleavings that random stress seldom meets, one by one, each with its expected order. Two readers are broken on
 * purpose, and these scenarios must catch them.
 */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import type { Delivery } from "millrace"
import { type Port, type Stage, stage } from "./readerStage.ts"

/** Trusts the snapshot's list of running transactions alone. */
const listedOnly = (port: Port): Port => ({
  ...port,
  poll: (poll) => port.poll({ ...poll, xmax: "9000000000000000000" })
})
/** Says that it lowered what it did not. */
const notLowered = (port: Port): Port => ({
  ...port,
  lower: (from) => Effect.succeed([...from.keys()].map((key) => ({ key })))
})

const scenario = (
  name: string,
  expected: string,
  play: (s: Stage) => Effect.Effect<unknown, unknown, import("effect").Scope.Scope>,
  broken: (port: Port) => Port = (port) => port
) =>
  it.live(name, () =>
    Effect.scoped(Effect.gen(function*() {
      const s = yield* stage(broken)
      yield* play(s)
      yield* s.read
      assert.strictEqual(s.seen.map((delivery) => delivery.message.id).join(" "), expected)
    })).pipe(Effect.provide(Reactivity.layer)))

scenario("hands a late commit out before its successor", "other m1 m3", (s) =>
  Effect.gen(function*() {
    const a = yield* s.begin
    yield* a.put("m1") // draws its number, stays open
    yield* s.put("other", "o")
    yield* Effect.andThen(s.read, s.read) // the mark goes past it
    yield* a.commit
    yield* s.put("m3") // begins after m1 committed
  }))

const unlisted = (s: Stage) =>
  Effect.gen(function*() {
    const first = yield* s.begin
    yield* first.put("x", "x")
    const second = yield* s.begin
    yield* second.put("m1") // younger than anything that has completed: in no snapshot's list
    yield* first.put("y", "x")
    yield* first.commit // completes, with a higher number than m1's
    yield* s.read
    yield* second.commit
    yield* s.put("m3")
  })
// Other tests' transactions on the same server may end in between, and list it after all: the wrong reader needs quiet.
scenario("finds a running transaction that no snapshot lists", "x y m1 m3", unlisted)

const below = (s: Stage) =>
  Effect.gen(function*() {
    const a = yield* s.begin
    yield* a.put("m1")
    yield* s.put("m2")
    yield* Effect.andThen(s.read, s.read)
    yield* s.hold(s.seen[0]!) // m2 fails; the hold begins at its number
    yield* a.commit
    yield* s.read // m1 turns up below the hold
    yield* s.put("m3")
    yield* s.read
    yield* s.release
    yield* Effect.andThen(s.read, s.read)
  })
scenario(
  "hands out what a redrive has put at the place of a message that is in flight",
  "m1 m1 m2",
  (s) =>
    Effect.gen(function*() {
      yield* s.put("m1")
      yield* s.read
      yield* s.redrive(s.seen[0]!)
      yield* s.put("m2")
    })
)

scenario("hides a late row below its key's hold, and hands it out first", "m2 m1 m2 m3", below)

/** As above, but another transaction has locked the hold when the late row appears. */
const locked = (s: Stage, due: boolean) =>
  Effect.gen(function*() {
    const a = yield* s.begin
    yield* a.put("m1")
    yield* s.put("m2")
    yield* Effect.andThen(s.read, s.read)
    yield* s.hold(s.seen[0]!)
    if (due) yield* s.release
    const unlock = yield* s.lockHolds
    yield* a.commit
    yield* s.put("other", "o")
    // None of these polls waits for the lock, or reads again and again.
    yield* Effect.timeout(Effect.andThen(s.read, s.read), "3 seconds")
    yield* unlock
  })
scenario(
  "lowers a hold that another transaction had locked as soon as it can, and reads other keys meanwhile",
  "m2 other m1 m2 m3",
  (s) =>
    Effect.gen(function*() {
      yield* locked(s, false)
      const before = yield* s.heldFrom
      yield* s.read
      assert.isBelow(Number(yield* s.heldFrom), Number(before))
      yield* s.put("m3")
      yield* s.release
      yield* Effect.andThen(s.read, s.read)
    })
)
scenario(
  "ends a due hold that another transaction had locked as soon as it can, from its key's late row on",
  "m2 other m1 m2 m3",
  (s) =>
    Effect.gen(function*() {
      yield* locked(s, true)
      yield* s.put("m3")
      yield* Effect.andThen(s.read, s.read)
    })
)
scenario("catches: a hold that is not lowered loses the late row", "m2 m2 m3", below, notLowered)

scenario("lets an operator park a key that is in memory", "m1 m2 m3", (s) =>
  Effect.gen(function*() {
    yield* s.put("m1")
    yield* s.put("m2")
    yield* s.read
    yield* s.park("k")
    yield* s.put("m3")
    yield* s.read
    yield* s.release
    yield* Effect.andThen(s.read, s.read)
  }))

const many = Array.from({ length: 300 }, (_, i) => `m${i}`)
scenario(
  "reads a late transaction that is larger than every limit",
  ["o", ...many, "last"].join(" "),
  (s) =>
    Effect.gen(function*() {
      const a = yield* s.begin
      for (const id of many) yield* a.put(id)
      yield* s.put("o", "o")
      yield* Effect.andThen(s.read, s.read)
      yield* a.commit
      yield* s.put("last")
      for (let i = 0; i < 40; i++) yield* Effect.andThen(s.read, s.settleAll)
    })
)

const ids = (prefix: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `${prefix}${from + i}`)

scenario(
  "reads a long publish that turns up late as if it had been there, and what is in flight once",
  ["o", ...ids("m", 0, 5000), "last"].join(" "),
  (s) =>
    Effect.gen(function*() {
      const a = yield* s.begin
      yield* a.putMany(0, 5000, 1000)
      yield* s.put("o", "k1")
      yield* Effect.andThen(s.read, s.read)
      yield* a.commit
      yield* s.put("last", "k1")
      s.polls.length = 0
      yield* s.work()
      // 50 a poll; not as many keys as are waiting, neither in an answer nor in memory.
      assert.isAtMost(s.polls.length, 5002 / 50 + 3)
      assert.isAtMost(Math.max(...s.polls.map(({ rows }) => rows)), 200)
      assert.isAtMost(Math.max(...s.polls.map(({ lagging }) => lagging)), 100)
    })
)

/**
 * Finds late rows below rows of their key in flight, which are then read again. Meanwhile another lagging key has
 * many rows.
 */
const lateBelowInFlight = (s: Stage, again: (delivery: Delivery.Delivery) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    for (const id of ids("h", 0, 100)) yield* s.put(id, "hot")
    const a = yield* s.begin
    yield* a.putMany(0, 300, 1000)
    yield* s.put("s41", "k41")
    yield* s.put("s42", "k42")
    yield* Effect.andThen(s.read, s.read)
    yield* a.commit
    const [first, of41] = [s.seen.slice(0, 20), s.seen[20]!]
    yield* s.settle(first)
    yield* s.poll() // finds them
    yield* again(of41)
    yield* s.work()
  })
const lateBelowOrder = [
  ...ids("h", 0, 20),
  "s41",
  "s42",
  ...ids("h", 20, 40),
  ...ids("m", 0, 30),
  ...ids("h", 40, 60),
  ...ids("m", 30, 60),
  ...ids("h", 60, 80),
  ...ids("m", 60, 90),
  ...ids("h", 80, 100),
  ...ids("m", 90, 300),
  "s41"
].join(" ")
scenario(
  "hands late rows out before a message of their key whose hold ends meanwhile",
  lateBelowOrder,
  (s) => lateBelowInFlight(s, (delivery) => Effect.andThen(s.hold(delivery), s.release))
)
scenario(
  "hands late rows out before a message of their key that is read again",
  lateBelowOrder,
  (s) => lateBelowInFlight(s, (delivery) => s.readAgain(delivery))
)

/** Late transactions that end one by one, while there is room for one message; then everything is handed out, once. */
const manyLate = (transactions: number, rows: number, keys: number) =>
  Effect.gen(function*() {
    const s = yield* stage((port) => port)
    const open = yield* Effect.forEach(ids("", 0, transactions), () => s.begin)
    for (const [i, a] of open.entries()) yield* a.putMany(i * rows, i * rows + rows, keys)
    yield* s.put("o", "o")
    yield* Effect.andThen(s.read, s.read)
    for (const a of open) yield* Effect.andThen(a.commit, s.poll(1))
    yield* s.settleAll
    yield* s.work()
    const seen = s.seen.map((delivery) => delivery.message.id)
    assert.deepStrictEqual([...seen].sort(), ["o", ...ids("m", 0, transactions * rows)].sort())
    return s
  })
it.live("remembers no more keys than a limit of many publishes that turn up late", () =>
  Effect.scoped(Effect.gen(function*() {
    const s = yield* manyLate(8, 90, 1000)
    assert.isAbove(s.stats.putBack, 0)
    assert.isAtMost(Math.max(...s.polls.map(({ lagging }) => lagging)), 500)
  })).pipe(Effect.provide(Reactivity.layer)))
it.live("reads on without a pause while keys lag that a poll did not ask for", () =>
  Effect.scoped(Effect.asVoid(manyLate(8, 120, 60))).pipe(Effect.provide(Reactivity.layer)))

scenario(
  "keeps order when a transaction that began early publishes after another committed",
  "m1 m2 z",
  (s) =>
    Effect.gen(function*() {
      const a = yield* s.begin
      yield* a.put("z", "z")
      yield* s.put("m1")
      yield* a.put("m2")
      yield* s.read
      yield* a.commit
      yield* s.read
    })
)

it.live("catches: a reader that trusts the list of running transactions alone loses one that no snapshot lists", () =>
  Effect.scoped(Effect.gen(function*() {
    const s = yield* stage(listedOnly)
    // Any other commit on the server in these milliseconds may make it listed. So it is tried until there is none.
    for (let i = 0; i < 1000; i++) {
      yield* unlisted(s)
      yield* s.read
      if (!s.seen.some((delivery) => delivery.message.id === "m1")) return
      yield* s.settleAll
      s.seen.length = 0
    }
    assert.fail("it was never lost")
  })).pipe(Effect.provide(Reactivity.layer)))
