/**
 * Promises to operators about dead letters. Operators find dead letters, decide once, undo a decision, and decide about
 * exactly the set that they have frozen. Every operator action is recorded.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Action } from "../../Audit.ts"
import * as Hold from "../../Hold.ts"
import type { DeadLetterStore } from "../../Store.ts"
import { deadLetterKit } from "./deadLetterKit.ts"
import { failure, ids, type Options, type Tests } from "./kit.ts"

const ann = { by: "ann" }
const ben = { by: "ben" }

/** Makes dead letters of a consumer with order `continue`: one for each tag, each of a key of its own. */
const declined = Effect.fnUntraced(function*(options: Options, tags: ReadonlyArray<string>) {
  const kit = yield* deadLetterKit(options, "continue")
  const made: Array<string> = []
  for (const [i, tag] of tags.entries()) {
    yield* kit.publish([{ id: `${i}`, key: `k${i}` }])
    const [delivery] = yield* kit.receive(kit.subscription, 1)
    made.push((yield* kit.writeDeadLetter(delivery!, [failure(1, tag)]))!)
  }
  return { ...kit, made }
})

/** Registers the promises about finding dead letters. */
const finding = (it: Tests, options: Options) => {
  it.effect("finds dead letters by each thing that is known of them", () =>
    Effect.gen(function*() {
      const { consumer, deadLetters, made, topic } = yield* declined(options, ["Declined", "TimedOut", "Declined"])
      const found = (filter: Parameters<DeadLetterStore["list"]>[0]) =>
        Effect.map(deadLetters.list({ consumer, ...filter }), (page) => page.map(({ message }) => message.id))
      assert.deepStrictEqual(yield* found({ tag: "Declined" }), ["2", "0"])
      assert.deepStrictEqual(yield* found({ fingerprint: "TimedOut@commit" }), ["1"])
      assert.deepStrictEqual(yield* found({ key: "k1" }), ["1"])
      assert.deepStrictEqual(yield* found({ id: "2" }), ["2"])
      assert.deepStrictEqual(yield* found({ topic }), ["2", "1", "0"])
      assert.deepStrictEqual(yield* found({ reason: "exhausted", tag: "Declined" }), ["2", "0"])
      for (const none of [{ topic: "other" }, { reason: "crashed" }, { tag: "declined" }, { key: "k" }] as const) {
        assert.deepStrictEqual(yield* found(none), [])
      }
      const { diedAt } = yield* deadLetters.get(made[1]!)
      assert.include(yield* found({ since: diedAt, until: diedAt + 1 }), "1")
      assert.deepStrictEqual(yield* found({ until: diedAt - 60_000 }), [])
      assert.deepStrictEqual(yield* found({ since: diedAt + 60_000 }), [])
    }))

  it.effect("neither skips nor repeats a dead letter on later pages while others arrive", () =>
    Effect.gen(function*() {
      const { deadLettered, consumer, deadLetters } = yield* declined(options, ["A", "A", "A", "A"])
      const first = yield* deadLetters.list({ consumer, limit: 2 })
      yield* deadLettered([{ id: "late" }])
      const second = yield* deadLetters.list({ consumer, limit: 2, before: first[1]!.id })
      assert.deepStrictEqual([...first, ...second].map(({ message }) => message.id), ["3", "2", "1", "0"])
    }))

  it.effect("counts open dead letters by their cause, with the first, the last and a sample", () =>
    Effect.gen(function*() {
      const { consumer, deadLetters, made, topic } = yield* declined(options, [
        "Declined",
        "TimedOut",
        "Declined",
        "Gone"
      ])
      yield* deadLetters.discard(made[3]!, ann)
      const groups = yield* deadLetters.groups({ consumer })
      // The group with the newest dead letter comes first.
      assert.deepStrictEqual(
        groups.map(({ consumer: of, fingerprint, deadLetters }) => [of, fingerprint, deadLetters]),
        [
          [consumer, "Declined@commit", { count: 2, more: false }],
          [consumer, "TimedOut@commit", { count: 1, more: false }]
        ]
      )
      const group = groups.find(({ fingerprint }) => fingerprint === "Declined@commit")!
      assert.strictEqual(group.firstAt, (yield* deadLetters.get(made[0]!)).diedAt)
      assert.strictEqual(group.lastAt, (yield* deadLetters.get(made[2]!)).diedAt)
      assert.deepStrictEqual(group.sample, yield* deadLetters.get(made[2]!))
      assert.deepStrictEqual(
        yield* deadLetters.groups({ consumer, tag: "TimedOut" }),
        groups.filter((one) => one !== group)
      )
      assert.deepStrictEqual(yield* deadLetters.groups({ topic }), groups, "of all consumers")
      const given = yield* deadLetters.groups({ consumer, state: "discarded" })
      assert.deepStrictEqual(given.map(({ fingerprint }) => fingerprint), ["Gone@commit"])
      assert.deepStrictEqual(yield* deadLetters.groups({ consumer: `${consumer}-other` }), [])
    }))
}

/** Registers the promises about the audit. */
const auditing = (it: Tests, options: Options) => {
  it.effect("records who did what, when and why, newest first", () =>
    Effect.gen(function*() {
      const { consumer, deadLetters, made, store, topic } = yield* declined(options, ["A", "B"])
      yield* deadLetters.discard(made[0]!, { by: "ann", note: "known" })
      yield* deadLetters.restore(made[0]!, ben)
      yield* deadLetters.redrive(made[0]!, ann, { payload: "{\"n\":2}", version: 1 })
      yield* deadLetters.redrive(made[1]!, ben)
      const all = yield* store.audit.list({ consumer })
      const [deadLetterId, other] = made
      assert.deepStrictEqual(
        all.map(({ action, by, key, deadLetterId, note }) => [action, by, deadLetterId, key, note]),
        [
          ["redriven", "ben", other, "k1", ""],
          ["edited", "ann", deadLetterId, "k0", ""],
          ["restored", "ben", deadLetterId, "k0", ""],
          ["discarded", "ann", deadLetterId, "k0", "known"]
        ]
      )
      for (const entry of all) assert.deepStrictEqual([entry.consumer, entry.topic], [consumer, topic])
      assert.isAtLeast(all[0]!.at, all[3]!.at)
      const actions = (query: Parameters<typeof store.audit.list>[0]) =>
        Effect.map(store.audit.list({ consumer, ...query }), (entries) => entries.map(({ action }) => action))
      assert.deepStrictEqual(yield* actions({ deadLetterId: other! }), ["redriven"])
      assert.deepStrictEqual(yield* actions({ by: "ann" }), ["edited", "discarded"])
      assert.deepStrictEqual(yield* actions({ action: "restored" }), ["restored"])
      assert.deepStrictEqual(yield* actions({ before: all[1]!.id, limit: 1 }), ["restored"])
      assert.deepStrictEqual(yield* actions({ about: "consumers" }), [])
      assert.lengthOf(yield* actions({ about: "deadLetters" }), 4)
    }))

  it.effect("records a decision in the transaction that makes it, and nothing that was refused", () =>
    Effect.gen(function*() {
      const { consumer, deadLetters, made, nothing, store, subscription } = yield* declined(options, ["A"])
      const redriven = deadLetters.redrive(made[0]!, ann)
      yield* Effect.flip(store.transact(Effect.andThen(redriven, Effect.fail("no" as const))))
      assert.deepStrictEqual(yield* store.audit.list({ consumer }), [])
      assert.strictEqual((yield* deadLetters.get(made[0]!)).state, "open")
      yield* nothing(subscription)
      yield* store.transact(redriven)
      yield* Effect.flip(deadLetters.discard(made[0]!, ben))
      assert.deepStrictEqual((yield* store.audit.list({ consumer })).map(({ by }) => by), ["ann"])
    }))

  it.effect("names the operator that decided before to the one that comes too late", () =>
    Effect.gen(function*() {
      const { deadLetters, made } = yield* declined(options, ["A", "B"])
      const told = (asked: Effect.Effect<void, { readonly _tag: string }>) =>
        Effect.map(Effect.flip(asked), (error) => {
          assert.strictEqual(error._tag, "DeadLetterConflict")
          const { asked, by, state } = error as unknown as Record<"asked" | "by" | "state", string>
          return [asked, state, by]
        })
      assert.deepStrictEqual(yield* told(deadLetters.restore(made[0]!, ben)), ["restored", "open", ""])
      assert.deepStrictEqual(yield* told(deadLetters.release(made[0]!, ben)), ["released", "not parked", ""])
      yield* deadLetters.discard(made[0]!, ann)
      assert.deepStrictEqual(yield* told(deadLetters.discard(made[0]!, ben)), ["discarded", "discarded", "ann"])
      assert.deepStrictEqual(yield* told(deadLetters.release(made[0]!, ben)), ["released", "discarded", "ann"])
      const edit = { payload: "1", version: 1 }
      assert.deepStrictEqual(yield* told(deadLetters.redrive(made[0]!, ben, edit)), ["redriven", "discarded", "ann"])
    }))
}

/** Registers the promises about undoing, releasing and editing. */
const deciding = (it: Tests, options: Options) => {
  const three = ["a", "b", "c"].map((id) => ({ id, key: "k" }))

  it.effect("opens a discarded dead letter again, and its message can be committed once", () =>
    Effect.gen(function*() {
      const { commit, deadLetters, made, publish, receive, subscription } = yield* declined(options, ["A"])
      yield* deadLetters.discard(made[0]!, ann)
      yield* deadLetters.restore(made[0]!, ben)
      const restored = yield* deadLetters.get(made[0]!)
      assert.deepStrictEqual([restored.state, restored.changedBy], ["open", "ben"])
      yield* deadLetters.redrive(made[0]!, ann)
      const [again] = yield* receive(subscription, 1)
      assert.deepStrictEqual(yield* commit(again!), ["fresh"])
      assert.strictEqual((yield* deadLetters.get(made[0]!)).state, "resolved")
      yield* publish([{ id: "0", key: "k0" }])
      assert.deepStrictEqual(yield* commit((yield* receive(subscription, 1))[0]!), ["duplicate"])
    }))

  it.effect("keeps the key of a restored dead letter parked when the retry of a successor in flight is due", () =>
    Effect.gen(function*() {
      const { deadLettered, deadLetters, nothing, receive, store, subscription } = yield* deadLetterKit(options, "park")
      const { deadLetterId, rest: [b] } = yield* deadLettered(three)
      yield* deadLetters.discard(deadLetterId, ann)
      const [again] = yield* receive(subscription, 2)
      assert.strictEqual(again!.message.id, b!.message.id)
      yield* deadLetters.restore(deadLetterId, ben)
      const hold = subscription.hold(again!, [failure(1)], Hold.delayed(Duration.millis(100)))
      yield* subscription.whileNotReading(again!, store.transact(hold))
      yield* options.elapse(Duration.millis(200))
      yield* nothing(subscription)
      yield* deadLetters.redrive(deadLetterId, ann)
      const got = yield* receive(subscription, 3)
      assert.deepStrictEqual(ids(got), ["a", "b", "c"])
      assert.deepStrictEqual(got.map((delivery) => delivery.attempts.length), [0, 1, 0])
    }))

  it.effect("parks the key of a restored dead letter again, until the last parked dead letter of the key is decided", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, deadLettered, deadLetters, nothing, receive, subscription } = yield* deadLetterKit(
        options,
        "park"
      )
      const { deadLetterId: a } = yield* deadLettered(three)
      yield* deadLetters.discard(a, ann)
      const [second] = yield* receive(subscription, 2)
      const b = (yield* writeDeadLetter(second!))!
      yield* deadLetters.restore(a, ben)
      yield* deadLetters.redrive(b, ann)
      yield* nothing(subscription)
      yield* deadLetters.redrive(a, ann)
      assert.deepStrictEqual(ids(yield* receive(subscription, 3)), ["a", "b", "c"])
    }))

  it.effect("lets the successors of a parked dead letter go on while it stays open", () =>
    Effect.gen(function*() {
      const { deadLettered, deadLetters, nothing, receive, settle, subscription } = yield* deadLetterKit(
        options,
        "park"
      )
      const { deadLetterId } = yield* deadLettered(three)
      yield* deadLetters.release(deadLetterId, ann)
      const rest = yield* receive(subscription, 2)
      assert.deepStrictEqual(ids(rest), ["b", "c"])
      const released = yield* deadLetters.get(deadLetterId)
      assert.deepStrictEqual([released.state, released.parked, released.changedBy], ["open", false, "ann"])
      yield* settle(subscription, rest)
      yield* nothing(subscription)
      yield* deadLetters.redrive(deadLetterId, ben)
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["a"])
    }))

  it.effect("redrives an edited payload under the same id and key, and keeps the one that was published", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, commit, deadLetters, made, publish, receive, subscription } = yield* declined(options, [
        "A"
      ])
      const edit = (payload: string) => deadLetters.redrive(made[0]!, ann, { payload, version: 3 })
      yield* edit("{\"n\":2}")
      const [edited] = yield* receive(subscription, 1)
      const { id, key, payload, version } = edited!.message
      assert.deepStrictEqual([id, key, payload, version], ["0", "k0", "{\"n\":2}", 3])
      assert.strictEqual(yield* writeDeadLetter(edited!), made[0])
      yield* edit("{\"n\":3}")
      const deadLetter = yield* deadLetters.get(made[0]!)
      assert.deepStrictEqual([deadLetter.original, deadLetter.message.payload, deadLetter.redriven], [
        "{}",
        "{\"n\":3}",
        2
      ])
      assert.deepStrictEqual(yield* commit((yield* receive(subscription, 1))[0]!), ["fresh"])
      // The publisher repeats its publish, without the edit. That is still the same message.
      yield* publish([{ id: "0", key: "k0" }])
      assert.deepStrictEqual(yield* commit((yield* receive(subscription, 1))[0]!), ["duplicate"])
    }))
}

/** Registers the promises about decisions on frozen sets. */
const sets = (it: Tests, options: Options) => {
  it.effect("redrives exactly the dead letters that were open when the set was frozen", () =>
    Effect.gen(function*() {
      const kit = yield* declined(options, ["A", "A", "B", "A", "A"])
      const { deadLettered, writeDeadLetter, consumer, deadLetters, made, receive, store, subscription } = kit
      yield* deadLetters.discard(made[3]!, ann)
      yield* deadLetters.redrive(made[4]!, ann)
      const [again] = yield* receive(subscription, 1)
      const frozen = yield* deadLetters.freeze({ consumer, tag: "A" })
      assert.deepStrictEqual(frozen.deadLetters, { count: 2, more: false })
      // After the set was frozen, one message dies, one dies again, and one dead letter is opened again.
      yield* deadLettered([{ id: "late" }])
      yield* writeDeadLetter(again!, [failure(1, "A")])
      yield* deadLetters.restore(made[3]!, ann)
      const next = (after: string) => deadLetters.decideSome("redriven", frozen, { action: ben, after, most: 1 })
      const first = yield* next("")
      assert.deepStrictEqual(first, { deadLetterIds: [made[0]!], more: true })
      // A redriven message dies again while the set is processed.
      yield* writeDeadLetter((yield* receive(subscription, 1))[0]!, [failure(1, "A")])
      assert.deepStrictEqual(
        (yield* deadLetters.decideSome("redriven", frozen, { action: ben, after: "", most: 9 })).deadLetterIds,
        [
          made[1]!
        ]
      )
      assert.deepStrictEqual(yield* next(made[1]!), { deadLetterIds: [], more: false })
      const states = yield* Effect.forEach(made, (id) => Effect.map(deadLetters.get(id), ({ state }) => state))
      assert.deepStrictEqual(states, ["open", "redriving", "open", "open", "open"])
      const done = yield* store.audit.list({ consumer, by: "ben" })
      assert.deepStrictEqual(done.map(({ action, deadLetterId }): [Action, string] => [action, deadLetterId]), [
        ["redriven", made[1]!],
        ["redriven", made[0]!]
      ])
    }))

  it.effect("passes over dead letters of a set that another operator has decided about", () =>
    Effect.gen(function*() {
      const { consumer, deadLetters, made } = yield* declined(options, ["A", "A", "A"])
      const frozen = yield* deadLetters.freeze({ consumer })
      yield* deadLetters.redrive(made[1]!, ben)
      const done = yield* deadLetters.decideSome("discarded", frozen, { action: ann, after: "", most: 10 })
      assert.deepStrictEqual(done, { deadLetterIds: [made[0]!, made[2]!], more: false })
      const others = yield* Effect.forEach(made, (id) => Effect.map(deadLetters.get(id), ({ changedBy }) => changedBy))
      assert.deepStrictEqual(others, ["ann", "ben", "ann"])
    }))

  it.effect("freezes a set within a transaction", () =>
    Effect.gen(function*() {
      const { consumer, deadLetters, made, store } = yield* declined(options, ["A", "A"])
      const frozen = yield* store.transact(deadLetters.freeze({ consumer }))
      assert.deepStrictEqual(frozen.deadLetters, { count: 2, more: false })
      const done = yield* deadLetters.decideSome("discarded", frozen, { action: ann, after: "", most: 10 })
      assert.deepStrictEqual(done.deadLetterIds, made)
    }))

  it.effect("puts a set back in the order in which it died", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, consumer, deadLetters, publish, receive, subscription } = yield* declined(options, [])
      yield* publish(["a", "b", "c", "d"].map((id) => ({ id, key: "k" })))
      for (const delivery of yield* receive(subscription, 4)) yield* writeDeadLetter(delivery)
      const frozen = yield* deadLetters.freeze({ consumer })
      yield* deadLetters.decideSome("redriven", frozen, { action: ann, after: "", most: 10 })
      assert.deepStrictEqual(ids(yield* receive(subscription, 4)), ["a", "b", "c", "d"])
    }))
}

/** Registers the promises about decisions of operators. */
export const decisionPromises = (it: Tests, options: Options): void => {
  finding(it, options)
  auditing(it, options)
  deciding(it, options)
  sets(it, options)
}
