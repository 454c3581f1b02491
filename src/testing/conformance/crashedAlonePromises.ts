/**
 * Promises of a transport about crashes: a message is marked as crashed alone only if it ran alone in a process that
 * died.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Delivery } from "../../Delivery.ts"
import * as Hold from "../../Hold.ts"
import type { Store } from "../../Store.ts"
import type { Subscription, Transport } from "../../Transport.ts"
import { deadLetterKit } from "./deadLetterKit.ts"
import { type Ability, bench, type Options, requires, type Tests } from "./kit.ts"

/** Returns the crash count of each message, and whether it crashed alone. */
const records = (deliveries: ReadonlyArray<Delivery>) =>
  Object.fromEntries(
    deliveries.map((
      { crashedAlone, message, crashCount: received }
    ) => [message.id, `${received} ${crashedAlone}`])
  )

const of = (deliveries: ReadonlyArray<Delivery>, id: string): Delivery =>
  deliveries.find(({ message }) => message.id === id)!

/** Returns a consumer, and functions to run owners that die with the messages that they have read. */
const court = (options: Options) =>
  Effect.gen(function*() {
    const base = yield* bench(options)
    const { expire, open, receive } = base
    /** Lets a new owner read `count` messages and run `last` with them. Then the owner dies, and its lease expires. */
    const die = <E = never, R = never>(
      count: number,
      last: (owner: Subscription, got: ReadonlyArray<Delivery>) => Effect.Effect<unknown, E, R> = () => Effect.void
    ) =>
      Effect.gen(function*() {
        const owner = yield* open()
        const got = yield* receive(owner, count)
        yield* last(owner, got)
        yield* expire
        return got
      })
    const look = (count: number) => Effect.flatMap(open(), (owner) => Effect.map(receive(owner, count), records))
    return { ...base, die, look }
  })

const three = [{ id: "a", key: "1" }, { id: "suspect", key: "2" }, { id: "b", key: "3" }]

/** Registers the promises about crash counts. */
export const crashedAlonePromises = (it: Tests, options: Options): void => {
  const promises = (
    needed: ReadonlyArray<Ability>,
    what: string,
    promise: Effect.Effect<void, unknown, Scope.Scope | Store | Transport>
  ) => requires(it, options, ...needed).effect(what, () => promise)

  promises(
    [],
    "marks no message as crashed alone that was only read, however many owners died with it",
    Effect.gen(function*() {
      const { die, look, publish } = yield* court(options)
      yield* publish(three)
      for (let death = 0; death < 5; death++) yield* die(3)
      assert.deepStrictEqual(yield* look(3), { a: "5 false", suspect: "5 false", b: "5 false" })
    })
  )

  promises(
    ["several"],
    "marks only the message that ran alone as crashed alone when its owner dies, of all lanes",
    Effect.gen(function*() {
      const { die, look, publish } = yield* court(options)
      yield* publish([...three, { id: "behind", key: "2" }])
      yield* die(4)
      yield* die(4, (owner, got) => owner.isolate(of(got, "suspect")))
      const expected = { a: "1 false", suspect: "2 true", b: "1 false", behind: "1 false" }
      assert.deepStrictEqual(yield* look(4), expected)
    })
  )

  promises(
    ["lanes"],
    "keeps the mark of a message that crashed alone when more owners die before a worker acts on it",
    Effect.gen(function*() {
      const { die, look, publish } = yield* court(options)
      yield* publish(three)
      yield* die(3)
      yield* die(3, (owner, got) => owner.isolate(of(got, "suspect")))
      yield* die(3)
      yield* die(3, (owner, got) => owner.isolate(of(got, "a")))
      assert.deepStrictEqual(yield* look(3), { a: "3 true", suspect: "3 true", b: "2 false" })
    })
  )

  promises(
    [],
    "marks no message as crashed alone once others run beside it",
    Effect.gen(function*() {
      const { die, look, publish } = yield* court(options)
      yield* publish(three)
      yield* die(3)
      yield* die(3, (owner, got) => Effect.scoped(owner.isolate(of(got, "suspect"))))
      assert.deepStrictEqual(yield* look(3), { a: "2 false", suspect: "2 false", b: "2 false" })
    })
  )

  promises(
    [],
    "marks no message as crashed alone when the owner of an isolated message has given it back",
    Effect.gen(function*() {
      const { die, expire, look, open, publish, receive } = yield* court(options)
      yield* publish(three)
      yield* die(3)
      const scope = yield* Scope.make()
      const owner = yield* Scope.provide(open(), scope)
      yield* owner.isolate(of(yield* receive(owner, 3), "suspect"))
      yield* owner.release(owner.held())
      yield* expire
      assert.deepStrictEqual(yield* look(3), { a: "1 false", suspect: "1 false", b: "1 false" })
      yield* Scope.close(scope, Exit.void)
    })
  )

  promises(
    ["several"],
    "marks no message in the place of an isolated message that was committed or is held",
    Effect.gen(function*() {
      const { die, lease, look, publish, settle, store } = yield* court(options)
      yield* publish([...three, { id: "behind", key: "2" }])
      yield* die(4)
      yield* die(4, (owner, got) => {
        const suspect = of(got, "suspect")
        return Effect.andThen(owner.isolate(suspect), settle(owner, [suspect]))
      })
      yield* die(3, (owner, got) => {
        const a = of(got, "a")
        const hold = store.transact(owner.hold(a, [], Hold.delayed(lease)))
        return Effect.andThen(owner.isolate(a), owner.whileNotReading(a, hold))
      })
      assert.deepStrictEqual(yield* look(3), { a: "1 false", b: "1 false", behind: "1 false" })
    })
  )

  promises(
    ["places"],
    "marks no redriven message that came back to the place of the one that ran alone",
    Effect.gen(function*() {
      const { writeDeadLetter, expire, deadLetters, open, publish, receive, subscription } = yield* deadLetterKit(
        options,
        "park"
      )
      yield* publish([{ id: "suspect", key: "2" }])
      yield* receive(subscription, 1)
      yield* expire
      const successor = yield* open()
      const [suspect] = yield* receive(successor, 1)
      assert.strictEqual(suspect!.crashCount, 1)
      yield* successor.isolate(suspect)
      const deadLetterId = yield* writeDeadLetter(suspect!, undefined, successor)
      yield* deadLetters.redrive(deadLetterId!, { by: "ann" })
      const [again] = yield* receive(successor, 1)
      assert.deepStrictEqual([again!.position, again!.crashCount], [suspect!.position, 0])
      yield* expire
      const [last] = yield* receive(yield* open(), 1)
      assert.isFalse(last!.crashedAlone)
    })
  )

  promises(
    ["inPlace"],
    "forgets the mark with the dead letter that it led to",
    Effect.gen(function*() {
      const { writeDeadLetter, expire, deadLetters, open, publish, receive } = yield* deadLetterKit(options, "park")
      yield* publish([{ id: "suspect", key: "2" }])
      for (const alone of [false, true]) {
        const owner = yield* open()
        const [suspect] = yield* receive(owner, 1)
        if (alone) yield* owner.isolate(suspect)
        yield* expire
      }
      const successor = yield* open()
      const [crashedAlone] = yield* receive(successor, 1)
      assert.isTrue(crashedAlone!.crashedAlone)
      const deadLetterId = yield* writeDeadLetter(crashedAlone!, undefined, successor)
      yield* deadLetters.redrive(deadLetterId!, { by: "ann" })
      assert.deepStrictEqual(records(yield* receive(successor, 1)), { suspect: "0 false" })
    })
  )
}
