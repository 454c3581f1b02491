/**
 * What people are promised who work on dead letters: to find them, to decide once, to undo, to act on exactly the set they looked at,
 * and that nothing is done without a record.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Action } from "../../Audit.ts"
import * as Hold from "../../Hold.ts"
import type { DeadLetterStore } from "../../Store.ts"
import { graveyard } from "./graveyard.ts"
import { failure, ids, type Options, type Tests } from "./kit.ts"

const ann = { by: "ann" }
const ben = { by: "ben" }

/** Letters of a consumer with order `continue`: one a tag, each of a key of its own. */
const declined = Effect.fnUntraced(function*(options: Options, tags: ReadonlyArray<string>) {
  const yard = yield* graveyard(options, "continue")
  const made: Array<string> = []
  for (const [i, tag] of tags.entries()) {
    yield* yard.publish([{ id: `${i}`, key: `k${i}` }])
    const [delivery] = yield* yard.receive(yard.subscription, 1)
    made.push((yield* yard.bury(delivery!, [failure(1, tag)]))!)
  }
  return { ...yard, made }
})

/** Finding letters. */
const finding = (it: Tests, options: Options) => {
  it.effect("finds letters by each thing that is known of them", () =>
    Effect.gen(function*() {
      const { consumer, letters, made, topic } = yield* declined(options, ["Declined", "TimedOut", "Declined"])
      const found = (filter: Parameters<DeadLetterStore["list"]>[0]) =>
        Effect.map(letters.list({ consumer, ...filter }), (page) => page.map(({ message }) => message.id))
      assert.deepStrictEqual(yield* found({ tag: "Declined" }), ["2", "0"])
      assert.deepStrictEqual(yield* found({ fingerprint: "TimedOut@commit" }), ["1"])
      assert.deepStrictEqual(yield* found({ key: "k1" }), ["1"])
      assert.deepStrictEqual(yield* found({ id: "2" }), ["2"])
      assert.deepStrictEqual(yield* found({ topic }), ["2", "1", "0"])
      assert.deepStrictEqual(yield* found({ reason: "exhausted", tag: "Declined" }), ["2", "0"])
      for (const none of [{ topic: "other" }, { reason: "crashed" }, { tag: "declined" }, { key: "k" }] as const) {
        assert.deepStrictEqual(yield* found(none), [])
      }
      const { diedAt } = yield* letters.get(made[1]!)
      assert.include(yield* found({ since: diedAt, until: diedAt + 1 }), "1")
      assert.deepStrictEqual(yield* found({ until: diedAt - 60_000 }), [])
      assert.deepStrictEqual(yield* found({ since: diedAt + 60_000 }), [])
    }))

  it.effect("neither skips nor repeats a letter on later pages while others arrive", () =>
    Effect.gen(function*() {
      const { buried, consumer, letters } = yield* declined(options, ["A", "A", "A", "A"])
      const first = yield* letters.list({ consumer, limit: 2 })
      yield* buried([{ id: "late" }])
      const second = yield* letters.list({ consumer, limit: 2, before: first[1]!.id })
      assert.deepStrictEqual([...first, ...second].map(({ message }) => message.id), ["3", "2", "1", "0"])
    }))

  it.effect("counts open letters by their cause, with the first, the last and a sample", () =>
    Effect.gen(function*() {
      const { consumer, letters, made, topic } = yield* declined(options, ["Declined", "TimedOut", "Declined", "Gone"])
      yield* letters.discard(made[3]!, ann)
      const groups = yield* letters.groups({ consumer })
      // The one that failed last comes first.
      assert.deepStrictEqual(groups.map(({ consumer: of, fingerprint, letters }) => [of, fingerprint, letters]), [
        [consumer, "Declined@commit", { count: 2, more: false }],
        [consumer, "TimedOut@commit", { count: 1, more: false }]
      ])
      const group = groups.find(({ fingerprint }) => fingerprint === "Declined@commit")!
      assert.strictEqual(group.firstAt, (yield* letters.get(made[0]!)).diedAt)
      assert.strictEqual(group.lastAt, (yield* letters.get(made[2]!)).diedAt)
      assert.deepStrictEqual(group.sample, yield* letters.get(made[2]!))
      assert.deepStrictEqual(
        yield* letters.groups({ consumer, tag: "TimedOut" }),
        groups.filter((one) => one !== group)
      )
      assert.deepStrictEqual(yield* letters.groups({ topic }), groups, "of all consumers")
      const given = yield* letters.groups({ consumer, state: "discarded" })
      assert.deepStrictEqual(given.map(({ fingerprint }) => fingerprint), ["Gone@commit"])
      assert.deepStrictEqual(yield* letters.groups({ consumer: `${consumer}-other` }), [])
    }))
}

/** The record of what was done. */
const auditing = (it: Tests, options: Options) => {
  it.effect("records who did what, when and why, newest first", () =>
    Effect.gen(function*() {
      const { consumer, letters, made, store, topic } = yield* declined(options, ["A", "B"])
      yield* letters.discard(made[0]!, { by: "ann", note: "known" })
      yield* letters.restore(made[0]!, ben)
      yield* letters.redrive(made[0]!, ann, { payload: "{\"n\":2}", version: 1 })
      yield* letters.redrive(made[1]!, ben)
      const all = yield* store.audit.list({ consumer })
      const [letter, other] = made
      assert.deepStrictEqual(all.map(({ action, by, key, letter, note }) => [action, by, letter, key, note]), [
        ["redriven", "ben", other, "k1", ""],
        ["edited", "ann", letter, "k0", ""],
        ["restored", "ben", letter, "k0", ""],
        ["discarded", "ann", letter, "k0", "known"]
      ])
      for (const entry of all) assert.deepStrictEqual([entry.consumer, entry.topic], [consumer, topic])
      assert.isAtLeast(all[0]!.at, all[3]!.at)
      const actions = (query: Parameters<typeof store.audit.list>[0]) =>
        Effect.map(store.audit.list({ consumer, ...query }), (entries) => entries.map(({ action }) => action))
      assert.deepStrictEqual(yield* actions({ letter: other! }), ["redriven"])
      assert.deepStrictEqual(yield* actions({ by: "ann" }), ["edited", "discarded"])
      assert.deepStrictEqual(yield* actions({ action: "restored" }), ["restored"])
      assert.deepStrictEqual(yield* actions({ before: all[1]!.id, limit: 1 }), ["restored"])
      assert.deepStrictEqual(yield* actions({ about: "consumers" }), [])
      assert.lengthOf(yield* actions({ about: "letters" }), 4)
    }))

  it.effect("records a decision in the transaction that makes it, and nothing that was refused", () =>
    Effect.gen(function*() {
      const { consumer, letters, made, nothing, store, subscription } = yield* declined(options, ["A"])
      const redriven = letters.redrive(made[0]!, ann)
      yield* Effect.flip(store.transact(Effect.andThen(redriven, Effect.fail("no" as const))))
      assert.deepStrictEqual(yield* store.audit.list({ consumer }), [])
      assert.strictEqual((yield* letters.get(made[0]!)).state, "open")
      yield* nothing(subscription)
      yield* store.transact(redriven)
      yield* Effect.flip(letters.discard(made[0]!, ben))
      assert.deepStrictEqual((yield* store.audit.list({ consumer })).map(({ by }) => by), ["ann"])
    }))

  it.effect("names who was there before to whoever cannot decide any more", () =>
    Effect.gen(function*() {
      const { letters, made } = yield* declined(options, ["A", "B"])
      const told = (asked: Effect.Effect<void, { readonly _tag: string }>) =>
        Effect.map(Effect.flip(asked), (error) => {
          assert.strictEqual(error._tag, "DeadLetterConflict")
          const { asked, by, state } = error as unknown as Record<"asked" | "by" | "state", string>
          return [asked, state, by]
        })
      assert.deepStrictEqual(yield* told(letters.restore(made[0]!, ben)), ["restored", "open", ""])
      assert.deepStrictEqual(yield* told(letters.release(made[0]!, ben)), ["released", "not parked", ""])
      yield* letters.discard(made[0]!, ann)
      assert.deepStrictEqual(yield* told(letters.discard(made[0]!, ben)), ["discarded", "discarded", "ann"])
      assert.deepStrictEqual(yield* told(letters.release(made[0]!, ben)), ["released", "discarded", "ann"])
      const edit = { payload: "1", version: 1 }
      assert.deepStrictEqual(yield* told(letters.redrive(made[0]!, ben, edit)), ["redriven", "discarded", "ann"])
    }))
}

/** Undoing, releasing, editing. */
const deciding = (it: Tests, options: Options) => {
  const three = ["a", "b", "c"].map((id) => ({ id, key: "k" }))

  it.effect("opens a discarded letter again, and its message can be committed once", () =>
    Effect.gen(function*() {
      const { commit, letters, made, publish, receive, subscription } = yield* declined(options, ["A"])
      yield* letters.discard(made[0]!, ann)
      yield* letters.restore(made[0]!, ben)
      const restored = yield* letters.get(made[0]!)
      assert.deepStrictEqual([restored.state, restored.changedBy], ["open", "ben"])
      yield* letters.redrive(made[0]!, ann)
      const [again] = yield* receive(subscription, 1)
      assert.deepStrictEqual(yield* commit(again!), ["fresh"])
      assert.strictEqual((yield* letters.get(made[0]!)).state, "resolved")
      yield* publish([{ id: "0", key: "k0" }])
      assert.deepStrictEqual(yield* commit((yield* receive(subscription, 1))[0]!), ["duplicate"])
    }))

  it.effect("keeps the key of a restored letter parked when the retry of a successor in hand is due", () =>
    Effect.gen(function*() {
      const { buried, letters, nothing, receive, store, subscription } = yield* graveyard(options, "park")
      const { letter, rest: [b] } = yield* buried(three)
      yield* letters.discard(letter, ann)
      const [again] = yield* receive(subscription, 2)
      assert.strictEqual(again!.message.id, b!.message.id)
      yield* letters.restore(letter, ben)
      const hold = subscription.hold(again!, [failure(1)], Hold.delayed(Duration.millis(100)))
      yield* subscription.undisturbed(again!, store.transact(hold))
      yield* options.elapse(Duration.millis(200))
      yield* nothing(subscription)
      yield* letters.redrive(letter, ann)
      const got = yield* receive(subscription, 3)
      assert.deepStrictEqual(ids(got), ["a", "b", "c"])
      assert.deepStrictEqual(got.map((delivery) => delivery.attempts.length), [0, 1, 0])
    }))

  it.effect("parks the key of a restored letter again, until the last parked letter of the key is decided", () =>
    Effect.gen(function*() {
      const { bury, buried, letters, nothing, receive, subscription } = yield* graveyard(options, "park")
      const { letter: a } = yield* buried(three)
      yield* letters.discard(a, ann)
      const [second] = yield* receive(subscription, 2)
      const b = (yield* bury(second!))!
      yield* letters.restore(a, ben)
      yield* letters.redrive(b, ann)
      yield* nothing(subscription)
      yield* letters.redrive(a, ann)
      assert.deepStrictEqual(ids(yield* receive(subscription, 3)), ["a", "b", "c"])
    }))

  it.effect("lets the successors of a parked letter go on while it stays open", () =>
    Effect.gen(function*() {
      const { buried, letters, nothing, receive, settle, subscription } = yield* graveyard(options, "park")
      const { letter } = yield* buried(three)
      yield* letters.release(letter, ann)
      const rest = yield* receive(subscription, 2)
      assert.deepStrictEqual(ids(rest), ["b", "c"])
      const released = yield* letters.get(letter)
      assert.deepStrictEqual([released.state, released.parked, released.changedBy], ["open", false, "ann"])
      yield* settle(subscription, rest)
      yield* nothing(subscription)
      yield* letters.redrive(letter, ben)
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["a"])
    }))

  it.effect("redrives an edited payload under the same id and key, and keeps the one that was published", () =>
    Effect.gen(function*() {
      const { bury, commit, letters, made, publish, receive, subscription } = yield* declined(options, ["A"])
      const edit = (payload: string) => letters.redrive(made[0]!, ann, { payload, version: 3 })
      yield* edit("{\"n\":2}")
      const [edited] = yield* receive(subscription, 1)
      const { id, key, payload, version } = edited!.message
      assert.deepStrictEqual([id, key, payload, version], ["0", "k0", "{\"n\":2}", 3])
      assert.strictEqual(yield* bury(edited!), made[0])
      yield* edit("{\"n\":3}")
      const letter = yield* letters.get(made[0]!)
      assert.deepStrictEqual([letter.original, letter.message.payload, letter.redriven], ["{}", "{\"n\":3}", 2])
      assert.deepStrictEqual(yield* commit((yield* receive(subscription, 1))[0]!), ["fresh"])
      // What the sender sends again is still the same message.
      yield* publish([{ id: "0", key: "k0" }])
      assert.deepStrictEqual(yield* commit((yield* receive(subscription, 1))[0]!), ["duplicate"])
    }))
}

/** Sets. */
const sets = (it: Tests, options: Options) => {
  it.effect("acts on exactly the letters that were open when the set was frozen", () =>
    Effect.gen(function*() {
      const yard = yield* declined(options, ["A", "A", "B", "A", "A"])
      const { buried, bury, consumer, letters, made, receive, store, subscription } = yard
      yield* letters.discard(made[3]!, ann)
      yield* letters.redrive(made[4]!, ann)
      const [again] = yield* receive(subscription, 1)
      const frozen = yield* letters.freeze({ consumer, tag: "A" })
      assert.deepStrictEqual(frozen.letters, { count: 2, more: false })
      // One dies later, one dies again, one is opened again.
      yield* buried([{ id: "late" }])
      yield* bury(again!, [failure(1, "A")])
      yield* letters.restore(made[3]!, ann)
      const next = (after: string) => letters.decideSome("redriven", frozen, { act: ben, after, most: 1 })
      const first = yield* next("")
      assert.deepStrictEqual(first, { letters: [made[0]!], more: true })
      // What was redriven dies again while the set is worked off.
      yield* bury((yield* receive(subscription, 1))[0]!, [failure(1, "A")])
      assert.deepStrictEqual(
        (yield* letters.decideSome("redriven", frozen, { act: ben, after: "", most: 9 })).letters,
        [
          made[1]!
        ]
      )
      assert.deepStrictEqual(yield* next(made[1]!), { letters: [], more: false })
      const states = yield* Effect.forEach(made, (id) => Effect.map(letters.get(id), ({ state }) => state))
      assert.deepStrictEqual(states, ["open", "redriving", "open", "open", "open"])
      const done = yield* store.audit.list({ consumer, by: "ben" })
      assert.deepStrictEqual(done.map(({ action, letter }): [Action, string] => [action, letter]), [
        ["redriven", made[1]!],
        ["redriven", made[0]!]
      ])
    }))

  it.effect("passes over letters of a set that somebody else has decided about", () =>
    Effect.gen(function*() {
      const { consumer, letters, made } = yield* declined(options, ["A", "A", "A"])
      const frozen = yield* letters.freeze({ consumer })
      yield* letters.redrive(made[1]!, ben)
      const done = yield* letters.decideSome("discarded", frozen, { act: ann, after: "", most: 10 })
      assert.deepStrictEqual(done, { letters: [made[0]!, made[2]!], more: false })
      const others = yield* Effect.forEach(made, (id) => Effect.map(letters.get(id), ({ changedBy }) => changedBy))
      assert.deepStrictEqual(others, ["ann", "ben", "ann"])
    }))

  it.effect("freezes a set within a transaction", () =>
    Effect.gen(function*() {
      const { consumer, letters, made, store } = yield* declined(options, ["A", "A"])
      const frozen = yield* store.transact(letters.freeze({ consumer }))
      assert.deepStrictEqual(frozen.letters, { count: 2, more: false })
      const done = yield* letters.decideSome("discarded", frozen, { act: ann, after: "", most: 10 })
      assert.deepStrictEqual(done.letters, made)
    }))

  it.effect("puts a set back in the order in which it died", () =>
    Effect.gen(function*() {
      const { bury, consumer, letters, publish, receive, subscription } = yield* declined(options, [])
      yield* publish(["a", "b", "c", "d"].map((id) => ({ id, key: "k" })))
      for (const delivery of yield* receive(subscription, 4)) yield* bury(delivery)
      const frozen = yield* letters.freeze({ consumer })
      yield* letters.decideSome("redriven", frozen, { act: ann, after: "", most: 10 })
      assert.deepStrictEqual(ids(yield* receive(subscription, 4)), ["a", "b", "c", "d"])
    }))
}

/** Registers the promises about what people decide. */
export const decisionPromises = (it: Tests, options: Options): void => {
  finding(it, options)
  auditing(it, options)
  deciding(it, options)
  sets(it, options)
}
