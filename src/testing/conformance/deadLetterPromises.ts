/**
 * What the dead letters promise: everything kept, nothing buried that was committed, a way back that is taken once.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hold from "../../Hold.ts"
import { graveyard } from "./graveyard.ts"
import { bench, claimOf, failure, ids, type Options, type Tests } from "./kit.ts"

/** Burying and reading. */
const burying = (it: Tests, options: Options) => {
  it.effect("keeps the message and every attempt of a dead letter", () =>
    Effect.gen(function*() {
      const { bury, consumer, letters, publish, receive, subscription } = yield* graveyard(options, "continue")
      yield* publish([{ id: "a", key: "k", payload: "{\"n\":1}", headers: { h: "1" } }])
      const [delivery] = yield* receive(subscription, 1)
      const attempts = [failure(1), { ...failure(2, "TimedOut"), at: 90_000 }]
      const id = yield* bury(delivery!, attempts)
      const letter = yield* letters.get(id!)
      const { changedAt, diedAt: _, ...rest } = letter
      assert.deepStrictEqual(rest, {
        id: id!,
        consumer,
        message: delivery!.message,
        original: undefined,
        tag: "TimedOut",
        reason: "exhausted",
        state: "open",
        parked: false,
        attempts,
        triedMillis: 90_000,
        fingerprint: "TimedOut@commit",
        redriven: 0,
        changedBy: ""
      })
      assert.strictEqual(changedAt, 0)
      assert.deepStrictEqual(yield* letters.list({ consumer }), [letter])
    }))

  it.effect("lists letters newest first, by consumer, state and page", () =>
    Effect.gen(function*() {
      const { buried, consumer, letters } = yield* graveyard(options, "continue")
      const made = []
      for (const id of ["a", "b", "c", "d", "e"]) made.push((yield* buried([{ id }])).letter)
      assert.deepStrictEqual(made, made.toSorted())
      yield* letters.discard(made[1]!, { by: "ann" })
      const list = (query: Parameters<typeof letters.list>[0]) =>
        Effect.map(letters.list({ consumer, ...query }), (found) => found.map(({ message }) => message.id))
      assert.deepStrictEqual(yield* list({}), ["e", "d", "c", "b", "a"])
      assert.deepStrictEqual(yield* list({ state: "open" }), ["e", "d", "c", "a"])
      assert.deepStrictEqual(yield* list({ state: "discarded" }), ["b"])
      assert.deepStrictEqual(yield* list({ limit: 2 }), ["e", "d"])
      assert.deepStrictEqual(yield* list({ limit: 2, before: made[3]! }), ["c", "b"])
      assert.deepStrictEqual(yield* list({ consumer: `${consumer}-other` }), [])
    }))

  it.effect("does not bury what was committed", () =>
    Effect.gen(function*() {
      const { bury, consumer, letters, publish, receive, store, subscription } = yield* graveyard(options, "continue")
      yield* publish([{ id: "a" }])
      const [delivery] = yield* receive(subscription, 1)
      yield* store.transact(store.inbox.claim(consumer, [claimOf(delivery!)]))
      assert.isUndefined(yield* bury(delivery!))
      assert.deepStrictEqual(yield* letters.list({ consumer }), [])
    }))

  it.effect("does not commit what was buried", () =>
    Effect.gen(function*() {
      const { buried, commit, letters, publish, receive, subscription } = yield* graveyard(options, "continue")
      const { letter } = yield* buried([{ id: "a" }])
      yield* publish([{ id: "a" }])
      const [duplicate] = yield* receive(subscription, 1)
      assert.deepStrictEqual(yield* commit(duplicate!), ["duplicate"])
      assert.strictEqual((yield* letters.get(letter)).state, "open")
    }))

  it.effect("keeps a message with other content under a committed id beside the inbox", () =>
    Effect.gen(function*() {
      const { commit, consumer, letters, publish, receive, store, subscription } = yield* graveyard(options, "continue")
      yield* publish([{ id: "a", payload: "1" }])
      yield* commit((yield* receive(subscription, 1))[0]!)
      yield* publish([{ id: "a", payload: "2" }])
      const [other] = yield* receive(subscription, 1)
      const burial = { reason: "rejected" as const, attempts: [failure(1)], fingerprint: "f", parked: false }
      const [letter] = yield* store.transact(Effect.andThen(
        subscription.settleWithin([other!]),
        store.deadLetters.bury(consumer, [{ ...burial, delivery: other!, conflict: true }])
      ))
      assert.strictEqual((yield* letters.get(letter!)).message.payload, "2")
      const claim = store.inbox.claim(consumer, [claimOf({ ...other!, message: { ...other!.message, payload: "1" } })])
      assert.deepStrictEqual(yield* store.transact(claim), ["duplicate"])
    }))

  it.effect("names a letter that does not exist", () =>
    Effect.gen(function*() {
      const { letters } = yield* graveyard(options, "continue")
      for (const letter of ["9999999999999999", "no such letter", ""]) {
        for (
          const ask of [
            letters.get(letter),
            letters.redrive(letter, { by: "ann" }),
            letters.discard(letter, { by: "ann" })
          ]
        ) {
          assert.strictEqual(
            (yield* Effect.flip<unknown, { readonly _tag: string }, never>(ask))._tag,
            "DeadLetterNotFound"
          )
        }
      }
    }))
}

/** The way back. */
const redriving = (it: Tests, options: Options) => {
  it.effect("puts a redriven message at the end, and resolves its letter in its commit", () =>
    Effect.gen(function*() {
      const { buried, commit, letters, publish, receive, settle, subscription } = yield* graveyard(options, "continue")
      const { letter, rest } = yield* buried([{ id: "a", key: "k" }, { id: "b", key: "k" }])
      yield* settle(subscription, rest)
      yield* publish([{ id: "c", key: "k" }])
      yield* letters.redrive(letter, { by: "ann" })
      const [c, a] = yield* receive(subscription, 2)
      assert.deepStrictEqual(ids([c!, a!]), ["c", "a"])
      assert.deepStrictEqual(a!.redrive, { letter, count: 1 })
      const before = yield* letters.get(letter)
      assert.deepStrictEqual([before.state, before.changedBy], ["redriving", "ann"])
      assert.deepStrictEqual(yield* commit(a!), ["fresh"])
      assert.strictEqual((yield* letters.get(letter)).state, "resolved")
      assert.deepStrictEqual(yield* commit(a!), ["duplicate"])
    }))

  it.effect("does not resolve the letter when the commit rolls back", () =>
    Effect.gen(function*() {
      const { buried, consumer, letters, receive, store, subscription } = yield* graveyard(options, "continue")
      const { letter } = yield* buried([{ id: "a" }])
      yield* letters.redrive(letter, { by: "ann" })
      const [a] = yield* receive(subscription, 1)
      const claim = store.inbox.claim(consumer, [claimOf(a!)])
      yield* Effect.flip(store.transact(Effect.andThen(claim, Effect.fail("no" as const))))
      assert.strictEqual((yield* letters.get(letter)).state, "redriving")
      assert.deepStrictEqual(yield* store.transact(claim), ["fresh"])
    }))

  it.effect("returns a redriven message that fails again to its own letter", () =>
    Effect.gen(function*() {
      const { bury, buried, consumer, letters, receive, subscription } = yield* graveyard(options, "continue")
      const { letter } = yield* buried([{ id: "a" }])
      yield* letters.redrive(letter, { by: "ann" })
      const [a] = yield* receive(subscription, 1)
      assert.deepStrictEqual(a!.attempts, [])
      const again = [{ ...failure(1, "Again"), at: 10_000 }, { ...failure(2, "Again"), at: 12_000 }]
      assert.strictEqual(yield* bury(a!, again), letter)
      const [found, ...others] = yield* letters.list({ consumer })
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual([found!.state, found!.redriven], ["open", 1])
      assert.deepStrictEqual(found!.attempts, [failure(1), ...again])
      assert.strictEqual(found!.triedMillis, 2000)
      yield* letters.redrive(letter, { by: "ben" })
      assert.deepStrictEqual((yield* receive(subscription, 1))[0]!.redrive, { letter, count: 2 })
    }))

  it.effect("resolves the letter of a redriven message that fails when its id was committed by another way", () =>
    Effect.gen(function*() {
      const { bury, commit, consumer, letters, publish, receive, settle, store, subscription } = yield* graveyard(
        options,
        "continue"
      )
      yield* publish([{ id: "a", payload: "1" }])
      yield* commit((yield* receive(subscription, 1))[0]!)
      yield* publish([{ id: "a", payload: "2" }])
      const letter = yield* bury((yield* receive(subscription, 1))[0]!)
      yield* letters.redrive(letter!, { by: "ann" }, { payload: "1", version: 1 })
      const [a] = yield* receive(subscription, 1)
      assert.isUndefined(yield* bury(a!))
      assert.deepStrictEqual(yield* settle(subscription, [a!]), [])
      const { changedBy, state } = yield* letters.get(letter!)
      assert.deepStrictEqual([state, changedBy], ["resolved", "ann"])
      assert.strictEqual((yield* store.consumers.get(consumer)).letters.count, 0)
    }))

  it.effect("resolves the letter of a redriven message whose id is not known any more, and no letter of a conflict", () =>
    Effect.gen(function*() {
      const { buried, consumer, letters, store } = yield* graveyard(options, "continue")
      const made: Array<string> = []
      for (const id of ["a", "b", "c"]) made.push((yield* buried([{ id }])).letter)
      for (const letter of made) yield* letters.redrive(letter, { by: "ann" })
      const claim = (id: string, letter: string) => ({ id, fingerprint: "f", letter })
      const ask = (...claims: ReadonlyArray<ReturnType<typeof claim>>) =>
        store.transact(store.inbox.claim(consumer, claims))
      const states = Effect.forEach(made, (id) => Effect.map(letters.get(id), ({ state }) => state))
      const [a, b, c] = made
      assert.deepStrictEqual(yield* ask(claim("fresh", a!)), ["fresh"])
      assert.deepStrictEqual(yield* states, ["resolved", "redriving", "redriving"])
      assert.deepStrictEqual(yield* ask(claim("new", b!), claim("a", c!)), ["fresh", "conflict"])
      assert.deepStrictEqual(yield* states, ["resolved", "resolved", "redriving"])
    }))

  it.effect("lets one of two people decide, and names them to the other", () =>
    Effect.gen(function*() {
      const { buried, letters } = yield* graveyard(options, "continue")
      const first = (yield* buried([{ id: "a" }])).letter
      const second = (yield* buried([{ id: "b" }])).letter
      yield* letters.redrive(first, { by: "ann" })
      for (const ask of [letters.redrive(first, { by: "ben" }), letters.discard(first, { by: "ben" })]) {
        const error = yield* Effect.flip(ask)
        assert.strictEqual(error._tag, "DeadLetterConflict")
        if (error._tag === "DeadLetterConflict") assert.deepStrictEqual([error.state, error.by], ["redriving", "ann"])
      }
      yield* letters.discard(second, { by: "ben" })
      const error = yield* Effect.flip(letters.redrive(second, { by: "ann" }))
      assert.strictEqual(error._tag, "DeadLetterConflict")
      if (error._tag === "DeadLetterConflict") assert.deepStrictEqual([error.state, error.by], ["discarded", "ben"])
    }))

  it.effect("redrives once when two people do so at the same time", () =>
    Effect.gen(function*() {
      const { buried, letters, nothing, receive, subscription } = yield* graveyard(options, "continue")
      const { letter } = yield* buried([{ id: "a" }])
      const asked = ["ann", "ben"].map((by) => Effect.exit(letters.redrive(letter, { by })))
      const exits = yield* Effect.all(asked, { concurrency: "unbounded" })
      assert.deepStrictEqual(exits.map((exit) => exit._tag).toSorted(), ["Failure", "Success"])
      yield* receive(subscription, 1)
      yield* nothing(subscription)
    }))
}

/** Parked keys. */
const parking = (it: Tests, options: Options) => {
  const three = ["a", "b", "c"].map((id) => ({ id, key: "k" }))

  it.effect("makes the successors of a parked letter wait, and lets other keys go on", () =>
    Effect.gen(function*() {
      const { buried, nothing, publish, receive, subscription } = yield* graveyard(options, "park")
      yield* buried(three)
      yield* publish([{ id: "d", key: "k" }, { id: "other", key: "other" }])
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["other"])
      yield* nothing(subscription)
    }))

  it.effect("redrives a parked letter first, then its successors in order", () =>
    Effect.gen(function*() {
      const { buried, commit, letters, publish, receive, settle, subscription } = yield* graveyard(options, "park")
      const { letter } = yield* buried(three)
      yield* publish([{ id: "d", key: "k" }])
      yield* letters.redrive(letter, { by: "ann" })
      const got = yield* receive(subscription, 4)
      assert.deepStrictEqual(ids(got), ["a", "b", "c", "d"])
      assert.deepStrictEqual(got.map((delivery) => delivery.redrive?.letter), [letter, undefined, undefined, undefined])
      assert.deepStrictEqual(yield* commit(got[0]!), ["fresh"])
      assert.strictEqual((yield* letters.get(letter)).state, "resolved")
      assert.deepStrictEqual(ids(yield* settle(subscription, got.slice(1))), ["b", "c", "d"])
    }))

  it.effect("parks the key again when a redriven message fails again", () =>
    Effect.gen(function*() {
      const { bury, buried, letters, nothing, receive, subscription } = yield* graveyard(options, "park")
      const { letter } = yield* buried(three)
      yield* letters.redrive(letter, { by: "ann" })
      const [a] = yield* receive(subscription, 3)
      assert.strictEqual(yield* bury(a!), letter)
      yield* nothing(subscription)
      yield* letters.redrive(letter, { by: "ann" })
      assert.deepStrictEqual(ids(yield* receive(subscription, 3)), ["a", "b", "c"])
    }))

  it.effect("lets the successors go on in order when a parked letter is discarded", () =>
    Effect.gen(function*() {
      const { buried, letters, nothing, receive, subscription } = yield* graveyard(options, "park")
      const { letter } = yield* buried(three)
      yield* letters.discard(letter, { by: "ann" })
      assert.deepStrictEqual(ids(yield* receive(subscription, 2)), ["b", "c"])
      yield* nothing(subscription)
      const found = yield* letters.get(letter)
      assert.deepStrictEqual([found.state, found.changedBy], ["discarded", "ann"])
    }))

  it.effect("keeps a key parked for its next owner", () =>
    Effect.gen(function*() {
      const { buried, expire, letters, nothing, open, receive } = yield* graveyard(options, "park")
      const { letter } = yield* buried(three)
      yield* expire
      const second = yield* open()
      yield* nothing(second)
      yield* letters.redrive(letter, { by: "ann" })
      const got = yield* receive(second, 3)
      assert.deepStrictEqual(ids(got), ["a", "b", "c"])
      assert.deepStrictEqual(got.map((delivery) => delivery.received), [0, 0, 0])
    }))
}

/** How a queue stands. */
const standing = (it: Tests, options: Options) => {
  it.effect("says how a queue stands: what waits and for how long, which keys are held, what is dead", () =>
    Effect.gen(function*() {
      const { bury, consumer, publish, receive, store, subscription } = yield* graveyard(options, "park")
      const status = store.consumers.status(consumer)
      const none = { waiting: 0, lagMillis: 0, delayedKeys: 0, parkedKeys: 0, parkedMillis: 0, deadLetters: 0 }
      const empty = { ...none, paused: false, freeLanes: 0, oldestMillis: 0, pipeline: "" }
      assert.deepStrictEqual(yield* status, empty)
      yield* publish([
        { id: "parked", key: "p" },
        { id: "behind", key: "p" },
        { id: "delayed", key: "d" },
        { id: "waits", key: "w" }
      ])
      const got = yield* receive(subscription, 4)
      const of = (id: string) => got.find(({ message }) => message.id === id)!
      yield* options.elapse(Duration.millis(200))
      const inHand = yield* status
      assert.isTrue(inHand.waiting === 4 && inHand.oldestMillis >= 200, "in hand is not settled")
      yield* bury(of("parked"))
      const hold = subscription.hold(of("delayed"), [failure(1)], Hold.delayed(Duration.hours(1)))
      yield* subscription.undisturbed(of("delayed"), store.transact(hold))
      yield* options.elapse(Duration.millis(200))
      const { freeLanes: _, lagMillis, oldestMillis, parkedMillis, paused, pipeline: __, ...counts } = yield* status
      // The successors of a parked key do not wait for a worker, and nobody is late.
      assert.deepStrictEqual(counts, { waiting: 1, delayedKeys: 1, parkedKeys: 1, deadLetters: 1 })
      assert.isTrue(lagMillis >= 200 && lagMillis < 60_000 && parkedMillis >= 200 && parkedMillis < 60_000)
      assert.isTrue(!paused && oldestMillis >= 200 && oldestMillis < 60_000)
      // What nobody is late for is old nevertheless: the successor of a parked letter; then the letter, which is younger.
      const settle = (...ids: ReadonlyArray<string>) =>
        Effect.flatMap(store.transact(subscription.settleWithin(ids.map(of))), subscription.settleAfter)
      yield* settle("waits", "delayed")
      const behind = yield* status
      assert.isTrue(behind.lagMillis === 0 && behind.oldestMillis >= 400)
      yield* settle("behind")
      const letter = yield* status
      assert.isTrue(letter.oldestMillis >= 200 && letter.oldestMillis <= letter.parkedMillis + 1000)
      yield* store.consumers.pause(consumer, { by: "ann" })
      assert.isTrue((yield* status).paused)
      yield* publish([{ id: "later", key: "w" }])
      yield* subscription.renew(subscription.held())
      assert.strictEqual((yield* status).freeLanes, 0)
      yield* subscription.release(subscription.held())
      assert.isAbove((yield* status).freeLanes, 0)
    }))

  it.effect("does not know how a queue stands that nobody registered", () =>
    Effect.gen(function*() {
      const { store } = yield* bench(options)
      yield* Effect.andThen(store.ping("publisher"), store.ping("worker"))
      assert.strictEqual((yield* Effect.flip(store.consumers.status("nobody"))).kind, "refused")
    }))
}

/** Registers the promises about dead letters. */
export const deadLetterPromises = (it: Tests, options: Options): void => {
  burying(it, options)
  redriving(it, options)
  parking(it, options)
  standing(it, options)
}
