/**
 * The functions that the conformance suites share: options, a consumer for each test, and ways to take and settle
 * messages.
 *
 * No function here waits by itself. `elapse` of the options lets time pass, on a `TestClock` or in real time.
 *
 * @since 0.1.0
 */
import { assert, type Vitest } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import type { DeadLetterOrder } from "../../DeadLetter.ts"
import type { ResolvedDelay } from "../../Delay.ts"
import type { Delivery, Failure } from "../../Delivery.ts"
import type { InvalidMessage } from "../../Errors.ts"
import * as Message from "../../Message.ts"
import { ofMessage } from "../../MessageId.ts"
import { Store } from "../../Store.ts"
import { type Capabilities, type Demand, type Subscription, Transport } from "../../Transport.ts"

/**
 * The options of a suite for one implementation.
 *
 * @since 0.1.0
 */
export interface Options {
  /**
   * Lets this much time pass: by `TestClock.adjust` on an engine that uses Effect's Clock, elsewhere by a slightly
   * longer real wait.
   */
  readonly elapse: (duration: Duration.Duration) => Effect.Effect<void>
  /** The lease of the subscriptions. Tests let up to four leases pass, so use a short one in real time. */
  readonly lease: Duration.Input
  /** The idle poll of the subscriptions. It must be well below a twentieth of the lease. */
  readonly idlePoll: Duration.Input
  /**
   * Whether two transactions can be open at the same time. Default true. Use false on an engine with one session
   * (PGlite).
   */
  readonly concurrentTransactions?: boolean | undefined
  /** Whether tests run in real time, without a `TestClock`. Default false. */
  readonly live?: boolean | undefined
  /**
   * Makes the transport on a new queue, for one test. An engine whose messages wait in its own queue needs it (`queue`
   * of `Capabilities`), since each test has a consumer of its own. The default is the transport of the layer.
   */
  readonly transport?: Effect.Effect<Transport["Service"], unknown, Scope.Scope | Store> | undefined
  /**
   * Whether the server hands out one message of a key at a time. An emulator of an engine may do so. Promises about
   * several ones are then skipped. Default false.
   */
  readonly onePerKey?: boolean | undefined
}

/**
 * The test functions that a suite registers its promises with.
 *
 * @since 0.1.0
 */
export type Tests = Pick<Vitest.MethodsNonLive<Store | Transport>, "effect">

/**
 * A message to publish. Without an id it gets a new id. Without a key it waits for no other message.
 *
 * @since 0.1.0
 */
export interface Draft {
  readonly topic?: string | undefined
  readonly id?: string | undefined
  readonly key?: string | undefined
  readonly payload?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * Makes a message from a draft.
 *
 * @since 0.1.0
 */
export const makeMessage = (
  draft: Draft & { readonly topic: string }
): Effect.Effect<Message.Message, InvalidMessage> =>
  Message.make({ ...draft, id: draft.id ?? randomUUID(), payload: draft.payload ?? "{}" })

/** Returns a name that no other test and no earlier run has used. */
export const fresh = (kind: string): string => `${kind}-${randomUUID().slice(0, 13)}`

/** A demand for everything that a test publishes. */
export const roomy: Demand = { messages: 1000, bytes: 16 * 1024 * 1024, perKey: 1000 }

/** Returns a failed attempt, as a worker would record it. */
export const failure = (attempt: number, tag = "Declined"): Failure => ({
  attempt,
  at: 0,
  tag,
  error: { _tag: tag, attempt },
  message: `attempt ${attempt} failed`,
  stack: "",
  step: "commit",
  frame: "",
  worker: "conformance",
  codeVersion: "1"
})

/** Registers a consumer for one test, on a queue of its own where the engine has its own queues. */
const registered = Effect.fnUntraced(function*(
  options: Options,
  given: { readonly lanes?: number | undefined; readonly order?: DeadLetterOrder | undefined }
) {
  const store = yield* Store
  const transport = yield* options.transport ?? Transport
  const can = yield* transport.capabilities
  const lanes = can.lanes ?? given.lanes ?? 4
  const [consumer, topic] = [fresh("consumer"), fresh("topic")]
  const topics = can.queue === "store" ? [topic] : []
  yield* store.consumers.register({ consumer, topics, lanes, order: given.order ?? "park" })
  return { store, transport, can, lanes, consumer, topic }
})

/** Prepares a test: a consumer, its topic, and how to open, publish and wait. */
export const bench = Effect.fnUntraced(function*(
  options: Options,
  given: { readonly lanes?: number | undefined; readonly order?: DeadLetterOrder | undefined } = {}
) {
  const home = yield* registered(options, given)
  const { can, consumer, lanes, store, topic, transport } = home
  const lease = Duration.fromInputUnsafe(options.lease)
  const idlePoll = Duration.fromInputUnsafe(options.idlePoll)

  const open = (
    change: {
      readonly consumer?: string
      readonly idlePoll?: Duration.Duration
      readonly lease?: Duration.Duration
      readonly worker?: string
    } = {}
  ) => transport.open({ consumer, topics: [topic], worker: fresh("worker"), lanes, lease, idlePoll, ...change })
  const send = (messages: ReadonlyArray<Message.Message>, later?: ResolvedDelay) =>
    can.queue === "store" ? store.outbox.write(messages, later) : transport.publish(messages)
  const publish = (drafts: ReadonlyArray<Draft>, later?: ResolvedDelay) =>
    Effect.flatMap(
      Effect.forEach(drafts, (draft) => makeMessage({ ...draft, topic: draft.topic ?? topic })),
      (messages) => send(messages, later)
    )

  /** Runs one `take`, and lets time pass only if no message can be taken. */
  const takeOnce = (subscription: Subscription, demand: Demand = roomy) =>
    Effect.gen(function*() {
      const got: Array<Delivery> = []
      const taking = yield* Effect.forkChild(
        subscription.take(demand, (deliveries) => {
          got.push(...deliveries)
        }),
        { startImmediately: true }
      )
      if (taking.pollUnsafe() === undefined) {
        const patience = Effect.andThen(options.elapse(idlePoll), Fiber.join(taking))
        yield* Effect.raceFirst(Fiber.join(taking), patience)
      }
      yield* Fiber.join(taking)
      return got
    })

  /**
   * Takes until it has this many deliveries, and returns them. A transport may need several polls. After an
   * interruption it may need polls for the time of a lease, until the lanes of a claim without an answer expire.
   */
  const receive = (subscription: Subscription, count: number, demand: Demand = roomy) =>
    Effect.gen(function*() {
      const got: Array<Delivery> = []
      for (let polls = 0; got.length < count && polls < 100; polls++) {
        const some = yield* takeOnce(subscription, demand)
        got.push(...some)
        // The answer of a broker may come at once, without a message.
        if (some.length === 0 && can.queue === "engine") yield* options.elapse(idlePoll)
      }
      assert.strictEqual(got.length, count, `expected ${count} deliveries, got ${ids(got).join(", ")}`)
      return got
    })

  /** Asserts that no message comes. It polls twice, since a first poll may do only housekeeping. */
  const nothing = (subscription: Subscription, demand: Demand = roomy) =>
    Effect.gen(function*() {
      const got = [...yield* takeOnce(subscription, demand), ...yield* takeOnce(subscription, demand)]
      assert.deepStrictEqual(ids(got), [])
    })

  /** Lets time pass while the subscription renews its leases, three times in each lease. */
  const working = (subscription: Subscription, duration: Duration.Duration) =>
    Effect.gen(function*() {
      const step = Duration.toMillis(lease) / 3
      for (let left = Duration.toMillis(duration); left > 0; left -= step) {
        yield* subscription.renew(subscription.held())
        yield* options.elapse(Duration.millis(Math.min(step, left)))
      }
      return yield* subscription.renew(subscription.held())
    })

  /** Commits deliveries without any effect, as a worker does. Returns those whose lease was still held. */
  const settle = (subscription: Subscription, deliveries: ReadonlyArray<Delivery>) =>
    Effect.tap(
      store.transact(
        Effect.tap(
          subscription.removeInTransaction(deliveries),
          (settled) => settled.length === 0 ? Effect.void : store.inbox.claim(consumer, settled.map(claimOf))
        )
      ),
      (settled) => subscription.acknowledge(settled)
    )

  /**
   * Takes and commits until it has this many deliveries, and returns them. A broker may hand out the next messages of a
   * key only after the earlier ones.
   */
  const drain = (subscription: Subscription, count: number) =>
    Effect.gen(function*() {
      const got: Array<Delivery> = []
      while (got.length < count) {
        const [first] = yield* receive(subscription, 1, { ...roomy, messages: 1 })
        const some = [first!, ...yield* takeOnce(subscription, { ...roomy, messages: count })]
        yield* settle(subscription, some)
        got.push(...some)
      }
      assert.strictEqual(got.length, count)
      return got
    })

  /** Lets the leases of an owner that does not renew run out. */
  const expire = options.elapse(Duration.times(lease, 1.25))

  return {
    ...home,
    lease,
    open,
    send,
    publish,
    takeOnce,
    receive,
    nothing,
    working,
    settle,
    drain,
    expire
  }
})

/** Returns the message ids of deliveries, in order. */
export const ids = (deliveries: ReadonlyArray<Delivery>): Array<string> => deliveries.map(({ message }) => message.id)

/** Returns the message ids of one key's deliveries, in order. */
export const idsOf = (deliveries: ReadonlyArray<Delivery>, key: string): Array<string> =>
  ids(deliveries.filter(({ message }) => message.key === key))

/** Asserts the message ids of deliveries: in this order where the engine keeps one, else in any order. */
export const assertIds = (
  { order }: Capabilities,
  deliveries: ReadonlyArray<Delivery>,
  expected: ReadonlyArray<string>
): void =>
  order === "none"
    ? assert.sameMembers(ids(deliveries), [...expected])
    : assert.deepStrictEqual(ids(deliveries), [...expected])

/** Returns the inbox claim of a delivery, as a worker makes it. */
export const claimOf = (delivery: Delivery) => ({
  id: delivery.message.id,
  fingerprint: ofMessage(delivery.message),
  deadLetterId: delivery.redrive?.deadLetterId
})

/** Ends a test early if the engine does not make its promise, and logs the reason. */
export const needs = (
  context: { readonly skip: (note?: string) => never },
  able: boolean,
  why: string
): Effect.Effect<void> => able ? Effect.void : Effect.sync(() => context.skip(why))

/** The abilities that a promise may need, each with the reason why an engine without it does not make the promise. */
const abilities = {
  order: [({ order }) => order !== "none", "it keeps no order of a key"],
  lanes: [({ lease }) => lease.unit === "lane", "its leases are no lanes of the store"],
  token: [({ fence }) => fence === "token", "the inbox refuses a stale owner, and no token"],
  inbox: [({ fence }) => fence === "inbox", "a token refuses a stale owner before the inbox does"],
  routing: [({ queue }) => queue === "store", "its messages wait in its own queue, which the store does not fill"],
  rows: [({ queue }) => queue === "store", "a message is no row of the store, so a second removal finds it, too"],
  after: [({ acknowledge }) => acknowledge === "after", "it forgets a message in the commit"],
  alone: [
    ({ lease, queue }) => lease.unit !== "lane" || queue === "store",
    "a shard records for no single message that it runs alone"
  ],
  places: [({ queue }) => queue === "store", "a message has no place in the store before it fails"],
  inPlace: [({ hold }) => hold === "inPlace", "it hides a failing message for a limited time only"],
  size: [({ maxBytes }) => Option.isSome(maxBytes), "it has no limit of its own for the size of a message"],
  several: [
    (_, { onePerKey }) => onePerKey !== true,
    "its server hands out one message of a key at a time, although the engine may hand out more"
  ]
} satisfies Record<string, readonly [able: (can: Capabilities, options: Options) => boolean, why: string]>

/** The name of something that a promise may need. */
export type Ability = keyof typeof abilities

/**
 * Returns test functions for promises that need these abilities. If the engine declares otherwise, each test ends early
 * and logs the reason.
 */
export const requires = (it: Tests, options: Options, ...needed: ReadonlyArray<Ability>): Tests => ({
  effect: Object.assign(
    ((name, self, timeout) =>
      it.effect(
        name,
        (context) =>
          Effect.gen(function*() {
            const can = yield* Effect.orDie((yield* Transport).capabilities)
            for (const ability of needed) {
              const [able, why] = abilities[ability]
              yield* needs(context, able(can, options), `${can.engine} does not promise this: ${why}`)
            }
            return yield* self(context)
          }),
        timeout
      )) as Tests["effect"],
    it.effect
  )
})

/** Ends a test early, as `needs` does, if the engine cannot have two transactions open at the same time. */
export const needsTwoTransactions = (
  context: { readonly skip: (note?: string) => never },
  options: Options
): Effect.Effect<void> =>
  needs(context, options.concurrentTransactions ?? true, "the engine has one session, and so one transaction at a time")
