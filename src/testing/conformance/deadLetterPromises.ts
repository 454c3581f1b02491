/**
 * Promises of dead letters: the message and its failures are kept, no committed message is dead-lettered, and each
 * redrive happens once.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { deadLetterKit } from "./deadLetterKit.ts"
import { claimOf, failure, ids, type Options, type Tests } from "./kit.ts"

/** Registers the promises about writing and reading dead letters. */
const records = (it: Tests, options: Options) => {
  it.effect("keeps the message and every attempt of a dead letter", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, consumer, deadLetters, publish, receive, subscription } = yield* deadLetterKit(
        options,
        "continue"
      )
      yield* publish([{ id: "a", key: "k", payload: "{\"n\":1}", headers: { h: "1" } }])
      const [delivery] = yield* receive(subscription, 1)
      const attempts = [failure(1), { ...failure(2, "TimedOut"), at: 90_000 }]
      const id = yield* writeDeadLetter(delivery!, attempts)
      const deadLetter = yield* deadLetters.get(id!)
      const { changedAt, diedAt: _, ...rest } = deadLetter
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
        retriedMillis: 90_000,
        fingerprint: "TimedOut@commit",
        redriven: 0,
        changedBy: ""
      })
      assert.strictEqual(changedAt, 0)
      assert.deepStrictEqual(yield* deadLetters.list({ consumer }), [deadLetter])
    }))

  it.effect("lists dead letters newest first, by consumer, state and page", () =>
    Effect.gen(function*() {
      const { deadLettered, consumer, deadLetters } = yield* deadLetterKit(options, "continue")
      const made = []
      for (const id of ["a", "b", "c", "d", "e"]) made.push((yield* deadLettered([{ id }])).deadLetterId)
      assert.deepStrictEqual(made, made.toSorted())
      yield* deadLetters.discard(made[1]!, { by: "ann" })
      const list = (query: Parameters<typeof deadLetters.list>[0]) =>
        Effect.map(deadLetters.list({ consumer, ...query }), (found) => found.map(({ message }) => message.id))
      assert.deepStrictEqual(yield* list({}), ["e", "d", "c", "b", "a"])
      assert.deepStrictEqual(yield* list({ state: "open" }), ["e", "d", "c", "a"])
      assert.deepStrictEqual(yield* list({ state: "discarded" }), ["b"])
      assert.deepStrictEqual(yield* list({ limit: 2 }), ["e", "d"])
      assert.deepStrictEqual(yield* list({ limit: 2, before: made[3]! }), ["c", "b"])
      assert.deepStrictEqual(yield* list({ consumer: `${consumer}-other` }), [])
    }))

  it.effect("does not dead-letter what was committed", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, consumer, deadLetters, publish, receive, store, subscription } = yield* deadLetterKit(
        options,
        "continue"
      )
      yield* publish([{ id: "a" }])
      const [delivery] = yield* receive(subscription, 1)
      yield* store.transact(store.inbox.claim(consumer, [claimOf(delivery!)]))
      assert.isUndefined(yield* writeDeadLetter(delivery!))
      assert.deepStrictEqual(yield* deadLetters.list({ consumer }), [])
    }))

  it.effect("does not commit what was dead-lettered", () =>
    Effect.gen(function*() {
      const { deadLettered, commit, deadLetters, publish, receive, subscription } = yield* deadLetterKit(
        options,
        "continue"
      )
      const { deadLetterId } = yield* deadLettered([{ id: "a" }])
      yield* publish([{ id: "a" }])
      const [duplicate] = yield* receive(subscription, 1)
      assert.deepStrictEqual(yield* commit(duplicate!), ["duplicate"])
      assert.strictEqual((yield* deadLetters.get(deadLetterId)).state, "open")
    }))

  it.effect("keeps a message with other content under a committed id beside the inbox", () =>
    Effect.gen(function*() {
      const { commit, consumer, deadLetters, publish, receive, store, subscription } = yield* deadLetterKit(
        options,
        "continue"
      )
      yield* publish([{ id: "a", payload: "1" }])
      yield* commit((yield* receive(subscription, 1))[0]!)
      yield* publish([{ id: "a", payload: "2" }])
      const [other] = yield* receive(subscription, 1)
      const entry = { reason: "rejected" as const, attempts: [failure(1)], fingerprint: "f", parked: false }
      const [deadLetterId] = yield* store.transact(Effect.andThen(
        subscription.removeInTransaction([other!]),
        store.deadLetters.add(consumer, [{ ...entry, delivery: other!, conflict: true }])
      ))
      assert.strictEqual((yield* deadLetters.get(deadLetterId!)).message.payload, "2")
      const claim = store.inbox.claim(consumer, [claimOf({ ...other!, message: { ...other!.message, payload: "1" } })])
      assert.deepStrictEqual(yield* store.transact(claim), ["duplicate"])
    }))

  it.effect("names a dead letter that does not exist", () =>
    Effect.gen(function*() {
      const { deadLetters } = yield* deadLetterKit(options, "continue")
      for (const deadLetterId of ["9999999999999999", "no such dead letter", ""]) {
        for (
          const ask of [
            deadLetters.get(deadLetterId),
            deadLetters.redrive(deadLetterId, { by: "ann" }),
            deadLetters.discard(deadLetterId, { by: "ann" })
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

/** Registers the promises about redriving dead letters. */
const redriving = (it: Tests, options: Options) => {
  it.effect("puts a redriven message at the end, and resolves its dead letter in its commit", () =>
    Effect.gen(function*() {
      const { deadLettered, commit, deadLetters, publish, receive, settle, subscription } = yield* deadLetterKit(
        options,
        "continue"
      )
      const { deadLetterId, rest } = yield* deadLettered([{ id: "a", key: "k" }, { id: "b", key: "k" }])
      yield* settle(subscription, rest)
      yield* publish([{ id: "c", key: "k" }])
      yield* deadLetters.redrive(deadLetterId, { by: "ann" })
      const [c, a] = yield* receive(subscription, 2)
      assert.deepStrictEqual(ids([c!, a!]), ["c", "a"])
      assert.deepStrictEqual(a!.redrive, { deadLetterId, count: 1 })
      const before = yield* deadLetters.get(deadLetterId)
      assert.deepStrictEqual([before.state, before.changedBy], ["redriving", "ann"])
      assert.deepStrictEqual(yield* commit(a!), ["fresh"])
      assert.strictEqual((yield* deadLetters.get(deadLetterId)).state, "resolved")
      assert.deepStrictEqual(yield* commit(a!), ["duplicate"])
    }))

  it.effect("does not resolve the dead letter when the commit rolls back", () =>
    Effect.gen(function*() {
      const { deadLettered, consumer, deadLetters, receive, store, subscription } = yield* deadLetterKit(
        options,
        "continue"
      )
      const { deadLetterId } = yield* deadLettered([{ id: "a" }])
      yield* deadLetters.redrive(deadLetterId, { by: "ann" })
      const [a] = yield* receive(subscription, 1)
      const claim = store.inbox.claim(consumer, [claimOf(a!)])
      yield* Effect.flip(store.transact(Effect.andThen(claim, Effect.fail("no" as const))))
      assert.strictEqual((yield* deadLetters.get(deadLetterId)).state, "redriving")
      assert.deepStrictEqual(yield* store.transact(claim), ["fresh"])
    }))

  it.effect("returns a redriven message that fails again to its own dead letter", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, deadLettered, consumer, deadLetters, receive, subscription } = yield* deadLetterKit(
        options,
        "continue"
      )
      const { deadLetterId } = yield* deadLettered([{ id: "a" }])
      yield* deadLetters.redrive(deadLetterId, { by: "ann" })
      const [a] = yield* receive(subscription, 1)
      assert.deepStrictEqual(a!.attempts, [])
      const again = [{ ...failure(1, "Again"), at: 10_000 }, { ...failure(2, "Again"), at: 12_000 }]
      assert.strictEqual(yield* writeDeadLetter(a!, again), deadLetterId)
      const [found, ...others] = yield* deadLetters.list({ consumer })
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual([found!.state, found!.redriven], ["open", 1])
      assert.deepStrictEqual(found!.attempts, [failure(1), ...again])
      assert.strictEqual(found!.retriedMillis, 2000)
      yield* deadLetters.redrive(deadLetterId, { by: "ben" })
      assert.deepStrictEqual((yield* receive(subscription, 1))[0]!.redrive, { deadLetterId, count: 2 })
    }))

  it.effect("resolves the dead letter of a redriven message that fails when its id was committed by another way", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, commit, consumer, deadLetters, publish, receive, settle, store, subscription } =
        yield* deadLetterKit(
          options,
          "continue"
        )
      yield* publish([{ id: "a", payload: "1" }])
      yield* commit((yield* receive(subscription, 1))[0]!)
      yield* publish([{ id: "a", payload: "2" }])
      const deadLetterId = yield* writeDeadLetter((yield* receive(subscription, 1))[0]!)
      yield* deadLetters.redrive(deadLetterId!, { by: "ann" }, { payload: "1", version: 1 })
      const [a] = yield* receive(subscription, 1)
      assert.isUndefined(yield* writeDeadLetter(a!))
      assert.deepStrictEqual(yield* settle(subscription, [a!]), [])
      const { changedBy, state } = yield* deadLetters.get(deadLetterId!)
      assert.deepStrictEqual([state, changedBy], ["resolved", "ann"])
      assert.strictEqual((yield* store.consumers.get(consumer)).deadLetters.count, 0)
    }))

  it.effect("resolves the dead letter of a redriven message whose id is not known any more, and no dead letter of a conflict", () =>
    Effect.gen(function*() {
      const { deadLettered, consumer, deadLetters, store } = yield* deadLetterKit(options, "continue")
      const made: Array<string> = []
      for (const id of ["a", "b", "c"]) made.push((yield* deadLettered([{ id }])).deadLetterId)
      for (const deadLetterId of made) yield* deadLetters.redrive(deadLetterId, { by: "ann" })
      const claim = (id: string, deadLetterId: string) => ({ id, fingerprint: "f", deadLetterId })
      const ask = (...claims: ReadonlyArray<ReturnType<typeof claim>>) =>
        store.transact(store.inbox.claim(consumer, claims))
      const states = Effect.forEach(made, (id) => Effect.map(deadLetters.get(id), ({ state }) => state))
      const [a, b, c] = made
      assert.deepStrictEqual(yield* ask(claim("fresh", a!)), ["fresh"])
      assert.deepStrictEqual(yield* states, ["resolved", "redriving", "redriving"])
      assert.deepStrictEqual(yield* ask(claim("new", b!), claim("a", c!)), ["fresh", "conflict"])
      assert.deepStrictEqual(yield* states, ["resolved", "resolved", "redriving"])
    }))

  it.effect("lets one of two operators decide, and names that one to the other", () =>
    Effect.gen(function*() {
      const { deadLettered, deadLetters } = yield* deadLetterKit(options, "continue")
      const first = (yield* deadLettered([{ id: "a" }])).deadLetterId
      const second = (yield* deadLettered([{ id: "b" }])).deadLetterId
      yield* deadLetters.redrive(first, { by: "ann" })
      for (const ask of [deadLetters.redrive(first, { by: "ben" }), deadLetters.discard(first, { by: "ben" })]) {
        const error = yield* Effect.flip(ask)
        assert.strictEqual(error._tag, "DeadLetterConflict")
        if (error._tag === "DeadLetterConflict") assert.deepStrictEqual([error.state, error.by], ["redriving", "ann"])
      }
      yield* deadLetters.discard(second, { by: "ben" })
      const error = yield* Effect.flip(deadLetters.redrive(second, { by: "ann" }))
      assert.strictEqual(error._tag, "DeadLetterConflict")
      if (error._tag === "DeadLetterConflict") assert.deepStrictEqual([error.state, error.by], ["discarded", "ben"])
    }))

  it.effect("redrives once when two operators do so at the same time", () =>
    Effect.gen(function*() {
      const { deadLettered, deadLetters, nothing, receive, subscription } = yield* deadLetterKit(options, "continue")
      const { deadLetterId } = yield* deadLettered([{ id: "a" }])
      const asked = ["ann", "ben"].map((by) => Effect.exit(deadLetters.redrive(deadLetterId, { by })))
      const exits = yield* Effect.all(asked, { concurrency: "unbounded" })
      assert.deepStrictEqual(exits.map((exit) => exit._tag).toSorted(), ["Failure", "Success"])
      yield* receive(subscription, 1)
      yield* nothing(subscription)
    }))
}

/** Registers the promises about parked keys. */
const parking = (it: Tests, options: Options) => {
  const three = ["a", "b", "c"].map((id) => ({ id, key: "k" }))

  it.effect("makes the successors of a parked dead letter wait, and lets other keys go on", () =>
    Effect.gen(function*() {
      const { deadLettered, nothing, publish, receive, subscription } = yield* deadLetterKit(options, "park")
      yield* deadLettered(three)
      yield* publish([{ id: "d", key: "k" }, { id: "other", key: "other" }])
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["other"])
      yield* nothing(subscription)
    }))

  it.effect("redrives a parked dead letter first, then its successors in order", () =>
    Effect.gen(function*() {
      const { deadLettered, commit, deadLetters, publish, receive, settle, subscription } = yield* deadLetterKit(
        options,
        "park"
      )
      const { deadLetterId } = yield* deadLettered(three)
      yield* publish([{ id: "d", key: "k" }])
      yield* deadLetters.redrive(deadLetterId, { by: "ann" })
      const got = yield* receive(subscription, 4)
      assert.deepStrictEqual(ids(got), ["a", "b", "c", "d"])
      assert.deepStrictEqual(got.map((delivery) => delivery.redrive?.deadLetterId), [
        deadLetterId,
        undefined,
        undefined,
        undefined
      ])
      assert.deepStrictEqual(yield* commit(got[0]!), ["fresh"])
      assert.strictEqual((yield* deadLetters.get(deadLetterId)).state, "resolved")
      assert.deepStrictEqual(ids(yield* settle(subscription, got.slice(1))), ["b", "c", "d"])
    }))

  it.effect("parks the key again when a redriven message fails again", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, deadLettered, deadLetters, nothing, receive, subscription } = yield* deadLetterKit(
        options,
        "park"
      )
      const { deadLetterId } = yield* deadLettered(three)
      yield* deadLetters.redrive(deadLetterId, { by: "ann" })
      const [a] = yield* receive(subscription, 3)
      assert.strictEqual(yield* writeDeadLetter(a!), deadLetterId)
      yield* nothing(subscription)
      yield* deadLetters.redrive(deadLetterId, { by: "ann" })
      assert.deepStrictEqual(ids(yield* receive(subscription, 3)), ["a", "b", "c"])
    }))

  it.effect("lets the successors go on in order when a parked dead letter is discarded", () =>
    Effect.gen(function*() {
      const { deadLettered, deadLetters, nothing, receive, subscription } = yield* deadLetterKit(options, "park")
      const { deadLetterId } = yield* deadLettered(three)
      yield* deadLetters.discard(deadLetterId, { by: "ann" })
      assert.deepStrictEqual(ids(yield* receive(subscription, 2)), ["b", "c"])
      yield* nothing(subscription)
      const found = yield* deadLetters.get(deadLetterId)
      assert.deepStrictEqual([found.state, found.changedBy], ["discarded", "ann"])
    }))

  it.effect("keeps a key parked for its next owner", () =>
    Effect.gen(function*() {
      const { deadLettered, expire, deadLetters, nothing, open, receive } = yield* deadLetterKit(options, "park")
      const { deadLetterId } = yield* deadLettered(three)
      yield* expire
      const second = yield* open()
      yield* nothing(second)
      yield* deadLetters.redrive(deadLetterId, { by: "ann" })
      const got = yield* receive(second, 3)
      assert.deepStrictEqual(ids(got), ["a", "b", "c"])
      assert.deepStrictEqual(got.map((delivery) => delivery.crashCount), [0, 0, 0])
    }))
}

export const deadLetterPromises = (it: Tests, options: Options): void => {
  records(it, options)
  redriving(it, options)
  parking(it, options)
}
