/**
 * Promises to operators that pause, unsubscribe and remove consumers, and evict workers. A pause loses no message, and
 * a removal happens completely or not at all. Of two operators, the second one is refused with the name of the first.
 * Every operator action is recorded.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Hold from "../../Hold.ts"
import { deadLetterKit } from "./deadLetterKit.ts"
import { bench, claimOf, fresh, ids, makeMessage, type Options, type Tests } from "./kit.ts"

const ann = { by: "ann" }
const ben = { by: "ben" }

/** Registers the promises about pausing. */
const pausing = (it: Tests, options: Options) => {
  it.effect("hands out nothing of a paused consumer, and all of it in order when it is resumed", () =>
    Effect.gen(function*() {
      const { consumer, nothing, open, publish, receive, settle, store } = yield* bench(options)
      const subscription = yield* open()
      yield* publish([{ id: "a", key: "k" }])
      const had = yield* receive(subscription, 1)
      yield* store.consumers.pause(consumer, { by: "ann", note: "the bank is down" })
      yield* publish([{ id: "b", key: "k" }, { id: "c", key: "k" }])
      yield* nothing(subscription)
      assert.isTrue(subscription.paused())
      // During the pause, messages that were in flight before it can still be committed.
      assert.deepStrictEqual(ids(yield* settle(subscription, had)), ["a"])
      yield* publish([{ id: "d", key: "k" }])
      yield* nothing(subscription)
      const { paused, waiting } = yield* store.consumers.get(consumer)
      assert.deepStrictEqual([paused?.by, paused?.note, waiting.count], ["ann", "the bank is down", 3])
      yield* store.consumers.resume(consumer, ben)
      assert.deepStrictEqual(ids(yield* receive(subscription, 3)), ["b", "c", "d"])
      assert.isFalse(subscription.paused())
      assert.isUndefined((yield* store.consumers.get(consumer)).paused)
      const audit = yield* store.audit.list({ consumer, about: "consumers" })
      assert.deepStrictEqual(audit.map(({ action, by, note }) => [action, by, note]), [
        ["resumed", "ben", ""],
        ["paused", "ann", "the bank is down"]
      ])
    }))

  it.effect("ends a pause by itself when its time is over, and records that", () =>
    Effect.gen(function*() {
      const { consumer, nothing, open, publish, receive, store } = yield* bench(options)
      // While no worker runs, a pause whose time is over stays. The operator that resumes is not refused.
      yield* store.consumers.pause(consumer, { by: "ann", millis: 1 })
      yield* options.elapse(Duration.millis(100))
      yield* store.consumers.resume(consumer, ben)
      const subscription = yield* open()
      // Longer than the polls that find nothing, also on a slow machine.
      const millis = 3 * Duration.toMillis(Duration.fromInputUnsafe(options.idlePoll)) + 4_000
      yield* store.consumers.pause(consumer, { by: "ann", note: "bank", millis })
      yield* publish([{ id: "a", key: "k" }])
      yield* nothing(subscription)
      const { paused } = yield* store.consumers.get(consumer)
      assert.strictEqual(paused!.until! - paused!.at, millis)
      yield* options.elapse(Duration.millis(millis))
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["a"])
      assert.isFalse(subscription.paused())
      assert.isUndefined((yield* store.consumers.get(consumer)).paused)
      // A pause whose time is over does not refuse the next pause, which ends it first.
      yield* store.consumers.pause(consumer, { by: "ann", millis: 1 })
      yield* options.elapse(Duration.millis(100))
      yield* store.consumers.pause(consumer, { by: "ben", millis: 60_000 })
      yield* store.consumers.resumeDue(consumer)
      assert.strictEqual((yield* store.consumers.get(consumer)).paused?.by, "ben")
      yield* store.consumers.resume(consumer, ben)
      const audit = yield* store.audit.list({ consumer, about: "consumers" })
      const known = audit.map(({ action, by, detail }) => [action, by, detail.replace(/\d{4}-\S+Z$/, "T")])
      assert.deepStrictEqual(known.toReversed(), [
        ["paused", "ann", "until T"],
        ["resumed", "ben", ""],
        ["paused", "ann", "until T"],
        ["resumed", "millrace", "the pause of ann lasted until T"],
        ["paused", "ann", "until T"],
        ["resumed", "millrace", "the pause of ann lasted until T"],
        ["paused", "ben", "until T"],
        ["resumed", "ben", ""]
      ])
    }))

  it.effect("keeps a consumer paused for workers that start later, and other consumers running", () =>
    Effect.gen(function*() {
      const { consumer, lanes, nothing, open, publish, receive, store, topic } = yield* bench(options)
      const other = fresh("consumer")
      yield* store.consumers.register({ consumer: other, topics: [topic], lanes, order: "park" })
      yield* store.consumers.pause(consumer, ann)
      yield* store.consumers.register({ consumer, topics: [topic], lanes, order: "park" })
      yield* publish([{ id: "a" }])
      yield* nothing(yield* open())
      assert.deepStrictEqual(ids(yield* receive(yield* open({ consumer: other }), 1)), ["a"])
    }))

  it.effect("refuses to pause what is paused, and to resume what is not, and names who paused it", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      const { consumers } = store
      const told = (asked: Effect.Effect<void, { readonly _tag: string }>) =>
        Effect.map(Effect.flip(asked), (error) => {
          const { asked, by, key } = error as unknown as Record<"asked" | "by" | "key", string>
          return [error._tag, key, asked, by]
        })
      assert.deepStrictEqual(yield* told(consumers.resume(consumer, ben)), ["PauseConflict", "", "resumed", ""])
      yield* consumers.pause(consumer, ann)
      assert.deepStrictEqual(yield* told(consumers.pause(consumer, ben)), ["PauseConflict", "", "paused", "ann"])
      const key = (action: "pauseKey" | "resumeKey", by: string) => consumers[action](consumer, "k", { by })
      assert.deepStrictEqual(yield* told(key("resumeKey", "ben")), ["PauseConflict", "k", "resumed", ""])
      yield* key("pauseKey", "ann")
      assert.deepStrictEqual(yield* told(key("pauseKey", "ben")), ["PauseConflict", "k", "paused", "ann"])
      const unknown = fresh("unknown")
      for (const asked of [consumers.get(unknown), consumers.pause(unknown, ann), consumers.remove(unknown, ann)]) {
        assert.strictEqual(
          (yield* Effect.flip<unknown, { readonly _tag: string }, never>(asked))._tag,
          "ConsumerNotFound"
        )
      }
      assert.lengthOf(yield* store.audit.list({ consumer }), 2)
    }))

  it.effect("holds a key that an operator has paused, in order, while others continue", () =>
    Effect.gen(function*() {
      const { consumer, nothing, open, publish, receive, store } = yield* bench(options)
      const subscription = yield* open()
      yield* store.consumers.pauseKey(consumer, "k", ann)
      yield* publish([{ id: "a", key: "k" }, { id: "other", key: "other" }, { id: "b", key: "k" }])
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["other"])
      yield* nothing(subscription)
      assert.strictEqual((yield* store.consumers.get(consumer)).heldKeys.count, 1)
      yield* store.consumers.resumeKey(consumer, "k", ben)
      assert.deepStrictEqual(ids(yield* receive(subscription, 2)), ["a", "b"])
      const audit = yield* store.audit.list({ consumer })
      assert.deepStrictEqual(audit.map(({ action, key }) => [action, key]), [["resumed", "k"], ["paused", "k"]])
    }))

  it.effect("shows which keys are held, page by page: for a retry, behind a dead letter, by whom", () =>
    Effect.gen(function*() {
      const kit = yield* deadLetterKit(options, "park")
      const { deadLettered, consumer, publish, receive, store, subscription } = kit
      const { heldKeys, pauseKey, resumeKey } = store.consumers
      assert.deepStrictEqual(yield* heldKeys(consumer, {}), [])
      yield* deadLettered([{ id: "a", key: "parked" }])
      yield* publish([{ id: "b", key: "delayed" }])
      const [delivery] = yield* receive(subscription, 1)
      yield* store.transact(subscription.hold(delivery!, [], Hold.delayed(Duration.hours(1))))
      yield* pauseKey(consumer, "paused", ann)
      yield* pauseKey(consumer, "parked", ben)
      const held = yield* heldKeys(consumer, {})
      assert.deepStrictEqual(held.map(({ key, parked, paused }) => [key, parked, paused?.by]), [
        ["delayed", false, undefined],
        ["parked", true, "ben"],
        ["paused", false, "ann"]
      ])
      const [delayed, parked, paused] = held
      assert.deepStrictEqual([parked!.retryAt, paused!.retryAt], [undefined, undefined])
      // Both times are on the store's clock, so they can be compared.
      assert.approximately(delayed!.retryAt! - paused!.paused!.at, Duration.toMillis("1 hour"), 60_000)
      assert.deepStrictEqual(yield* heldKeys(consumer, { limit: 1 }), held.slice(0, 1))
      assert.deepStrictEqual(yield* heldKeys(consumer, { after: "delayed", limit: 1 }), held.slice(1, 2))
      assert.deepStrictEqual(yield* heldKeys(consumer, { after: "paused" }), [])
      yield* resumeKey(consumer, "parked", ann)
      assert.deepStrictEqual((yield* heldKeys(consumer, { after: "delayed", limit: 1 })).map((key) => key.paused), [
        undefined
      ])
      assert.strictEqual((yield* Effect.flip(heldKeys(fresh("unknown"), {})))._tag, "ConsumerNotFound")
    }))

  it.effect("frees a key that is parked behind no open dead letter when it is resumed, and none behind an open one", () =>
    Effect.gen(function*() {
      const { consumer, deadLetters, nothing, publish, receive, settle, store, subscription, deadLettered } =
        yield* deadLetterKit(
          options,
          "park"
        )
      const { heldKeys, pauseKey, resumeKey } = store.consumers
      const parked = Effect.map(heldKeys(consumer, {}), (keys) => keys.map(({ key, parked }) => [key, parked]))
      yield* publish([{ id: "a", key: "k" }, { id: "b", key: "k" }])
      const [delivery] = yield* receive(subscription, 2)
      // This parks the key directly, without a dead letter. So no redrive or discard can free the key, and only
      // `resumeKey` can.
      yield* subscription.whileNotReading(delivery!, store.transact(subscription.hold(delivery!, [], Hold.parked)))
      assert.deepStrictEqual(yield* parked, [["k", true]])
      assert.deepStrictEqual(yield* deadLetters.list({ consumer }), [])
      yield* nothing(subscription)
      yield* resumeKey(consumer, "k", ann)
      const got = yield* receive(subscription, 2)
      assert.deepStrictEqual(ids(got), ["a", "b"])
      yield* settle(subscription, got)
      const { deadLetterId } = yield* deadLettered([{ id: "c", key: "l" }, { id: "d", key: "l" }])
      assert.strictEqual((yield* Effect.flip(resumeKey(consumer, "l", ann)))._tag, "PauseConflict")
      yield* pauseKey(consumer, "l", ann)
      yield* resumeKey(consumer, "l", ann)
      assert.deepStrictEqual(yield* parked, [["l", true]])
      yield* nothing(subscription)
      yield* deadLetters.discard(deadLetterId, ben)
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["d"])
    }))

  it.effect("keeps a key held until both its parked dead letter and the operator that paused it release it", () =>
    Effect.gen(function*() {
      const { deadLettered, consumer, deadLetters, nothing, receive, store, subscription } = yield* deadLetterKit(
        options,
        "park"
      )
      const { deadLetterId } = yield* deadLettered([{ id: "a", key: "k" }, { id: "b", key: "k" }])
      yield* store.consumers.pauseKey(consumer, "k", ann)
      yield* store.consumers.resumeKey(consumer, "k", ann)
      yield* nothing(subscription)
      yield* store.consumers.pauseKey(consumer, "k", ann)
      yield* deadLetters.redrive(deadLetterId, ben)
      yield* nothing(subscription)
      yield* store.consumers.resumeKey(consumer, "k", ann)
      assert.deepStrictEqual(ids(yield* receive(subscription, 2)), ["a", "b"])
    }))
}

/** Registers the promises about unsubscribing and removing consumers. */
const removing = (it: Tests, options: Options) => {
  it.effect("shows a consumer with its settings and what waits for it", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, consumer, lanes, open, publish, receive, store, subscription, topic } =
        yield* deadLetterKit(
          options,
          "park"
        )
      const also = fresh("topic")
      yield* store.consumers.register({ consumer, topics: [also], lanes, order: "park" })
      yield* publish([{ id: "a", key: "k" }, { id: "b", key: "k" }])
      yield* writeDeadLetter((yield* receive(subscription, 2))[0]!)
      yield* open()
      const shown = yield* store.consumers.get(consumer)
      const { registeredAt, workers, ...rest } = shown
      assert.isAbove(registeredAt + 1, 0)
      assert.isAtLeast(workers, 1)
      assert.deepStrictEqual(rest, {
        consumer,
        topics: [also, topic].toSorted(),
        lanes,
        order: "park",
        paused: undefined,
        waiting: { count: 1, more: false },
        heldKeys: { count: 1, more: false },
        deadLetters: { count: 1, more: false }
      })
      const named = (yield* store.consumers.list).map((one) => one.consumer)
      assert.include(named, consumer)
      assert.deepStrictEqual(named, named.toSorted())
    }))

  it.effect("refuses to remove a consumer while workers live or something waits, and changes nothing", () =>
    Effect.gen(function*() {
      const { consumer, open, publish, receive, store } = yield* bench(options)
      const { remove } = store.consumers
      const scope = yield* Scope.make()
      yield* publish([{ id: "a" }])
      const subscription = yield* Scope.provide(open(), scope)
      yield* receive(subscription, 1)
      const told = (action: Parameters<typeof remove>[1]) =>
        Effect.map(Effect.flip(remove(consumer, action)), (error) => {
          assert.strictEqual(error._tag, "ConsumerBusy")
          return error._tag === "ConsumerBusy" ? [error.workers, error.waiting, error.deadLetters] : []
        })
      assert.deepStrictEqual(yield* told(ann), [1, 1, 0])
      assert.deepStrictEqual(yield* told({ by: "ann", force: { messages: true } }), [1, 1, 0])
      assert.deepStrictEqual(yield* told({ by: "ann", force: { workers: true } }), [1, 1, 0])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* told(ann), [0, 1, 0])
      assert.deepStrictEqual(yield* store.audit.list({ consumer }), [])
      assert.deepStrictEqual(ids(yield* receive(yield* open(), 1)), ["a"])
    }))

  it.effect("removes a consumer with its queue, its ids and its dead letters; a running worker commits nothing and fails", () =>
    Effect.gen(function*() {
      const kit = yield* deadLetterKit(options, "park")
      const { commit, consumer, lanes, deadLetters, open, publish, receive, settle, store, subscription, topic } = kit
      yield* publish([{ id: "done" }])
      yield* commit((yield* receive(subscription, 1))[0]!)
      const { deadLetterId } = yield* kit.deadLettered([{ id: "dead", key: "k" }])
      yield* publish([{ id: "waits", key: "k" }, { id: "runs", key: "other" }])
      const running = yield* receive(subscription, 1)
      yield* store.consumers.remove(consumer, { by: "ann", note: "moved", force: { workers: true, messages: true } })
      assert.deepStrictEqual(yield* settle(subscription, running), [])
      const heard = yield* Effect.flip(Effect.repeat(kit.takeOnce(subscription), { times: 40 }))
      assert.strictEqual(heard._tag, "ConsumerRemoved")
      assert.strictEqual((yield* Effect.flip(store.consumers.get(consumer)))._tag, "ConsumerNotFound")
      assert.strictEqual((yield* Effect.flip(deadLetters.get(deadLetterId)))._tag, "DeadLetterNotFound")
      assert.strictEqual((yield* Effect.flip(deadLetters.redrive(deadLetterId, ben)))._tag, "DeadLetterNotFound")
      const [entry] = yield* store.audit.list({ consumer, about: "consumers" })
      assert.deepStrictEqual(
        [entry!.action, entry!.by, entry!.note, entry!.detail],
        ["removed", "ann", "moved", "2 waiting, 1 dead letters"]
      )
      // A new consumer of the same name has no messages or ids of the removed one. It gets the messages that were
      // published in between.
      yield* publish([{ id: "done" }])
      yield* store.consumers.register({ consumer, topics: [topic], lanes, order: "continue" })
      const reopened = yield* open()
      const got = yield* receive(reopened, 1)
      assert.deepStrictEqual(ids(got), ["done"])
      const claim = store.inbox.claim(consumer, [claimOf(got[0]!)])
      assert.deepStrictEqual(yield* store.transact(Effect.andThen(reopened.removeInTransaction(got), claim)), ["fresh"])
    }))

  it.effect("ends one subscription, and makes dead letters of what waits only if told so", () =>
    Effect.gen(function*() {
      const kit = yield* deadLetterKit(options, "continue")
      const { commit, consumer, lanes, deadLetters, nothing, publish, receive, store, subscription, topic } = kit
      const ended = fresh("topic")
      const register = store.consumers.register({ consumer, topics: [ended], lanes, order: "continue" })
      const { unsubscribe } = store.consumers
      assert.strictEqual((yield* Effect.flip(unsubscribe(consumer, ended, ann)))._tag, "NotSubscribed")
      yield* register
      yield* store.consumers.pause(consumer, ann)
      const again = [{ topic: ended, id: "once", key: "l" }, { topic: ended, id: "a", key: "k" }]
      yield* publish([...again, { id: "b", key: "k" }, { topic: ended, id: "a", key: "k" }])
      const refused = yield* Effect.flip(unsubscribe(consumer, ended, ann))
      assert.strictEqual(refused._tag, "ConsumerBusy")
      if (refused._tag === "ConsumerBusy") assert.strictEqual(refused.waiting, 3)
      assert.include((yield* store.consumers.get(consumer)).topics, ended)
      yield* unsubscribe(consumer, ended, { by: "ben", force: { messages: true } })
      yield* store.consumers.resume(consumer, ann)
      assert.deepStrictEqual((yield* store.consumers.get(consumer)).topics, [topic])
      yield* commit((yield* receive(subscription, 1))[0]!)
      // The second "a" was the same message again, so there is one dead letter.
      const [deadLetter, ...others] = yield* deadLetters.list({ consumer })
      assert.deepStrictEqual(others.map(({ message }) => message.id), ["once"])
      assert.deepInclude(deadLetter, { reason: "rejected", tag: "Unsubscribed", state: "open", parked: false })
      assert.strictEqual(deadLetter!.message.id, "a")
      const [entry] = yield* store.audit.list({ consumer, action: "unsubscribed" })
      assert.deepStrictEqual([entry!.by, entry!.topic, entry!.detail], ["ben", ended, "3 waiting"])
      // The forced unsubscribe recorded the ids as dead. So a second publish of them is a duplicate, and only a redrive
      // commits the message.
      yield* store.outbox.write([yield* makeMessage({ topic: ended, id: "later" })])
      yield* nothing(subscription)
      yield* register
      yield* publish(again)
      const got = yield* receive(subscription, 3)
      assert.sameMembers(ids(got), ["later", "once", "a"])
      for (const { id } of again) {
        assert.deepStrictEqual(yield* commit(got.find(({ message }) => message.id === id)!), ["duplicate"])
      }
      yield* deadLetters.redrive(deadLetter!.id, ann)
      assert.deepStrictEqual(yield* commit((yield* receive(subscription, 1))[0]!), ["fresh"])
      assert.strictEqual((yield* deadLetters.get(deadLetter!.id)).state, "resolved")
    }))
}

/** Registers the promise about evicting a worker. */
const evicting = (it: Tests, options: Options) => {
  it.effect("gives the lanes of an evicted worker to others at once, counts a crash, and refuses its commits", () =>
    Effect.gen(function*() {
      const { consumer, open, publish, receive, settle, store } = yield* bench(options)
      const unknown = yield* Effect.flip(store.consumers.evict(consumer, "unknown", ann))
      assert.strictEqual(unknown._tag, "WorkerNotFound")
      assert.strictEqual((yield* Effect.flip(store.consumers.evict("unknown", "w", ann)))._tag, "ConsumerNotFound")
      const hung = yield* open({ worker: "hung" })
      yield* publish([{ id: "a", key: "k" }, { id: "b", key: "k" }])
      const had = yield* receive(hung, 2)
      const lanes = hung.held().length
      assert.deepStrictEqual(yield* store.consumers.evict(consumer, "hung", { by: "ben", note: "hangs" }), {
        lanes,
        busy: 0
      })
      assert.strictEqual((yield* store.consumers.get(consumer)).workers, 0)
      // The commits of the evicted worker are refused already, before another worker claims the lanes.
      assert.deepStrictEqual(ids(yield* settle(hung, had)), [])
      // The other worker does not wait for the end of the lease.
      const other = yield* open({ worker: "other" })
      const taken = yield* receive(other, 2)
      assert.deepStrictEqual(taken.map(({ crashCount, message }) => [message.id, crashCount]), [["a", 1], ["b", 1]])
      assert.deepStrictEqual(ids(yield* settle(other, taken)), ["a", "b"])
      const [entry] = yield* store.audit.list({ consumer, action: "evicted" })
      assert.deepStrictEqual([entry!.by, entry!.note, entry!.detail], ["ben", "hangs", `worker hung, ${lanes} lanes`])
    }))
}

/** Registers the promises about pausing, evicting and removing. */
export const pausePromises = (it: Tests, options: Options): void => {
  pausing(it, options)
  evicting(it, options)
  removing(it, options)
}
