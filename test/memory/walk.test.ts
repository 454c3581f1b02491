/**
 * Random walks over the memory store. Three workers stall, die and come back, publishers roll back, keys are held and
 * parked, and an operator redrives and discards. The seed in the name of a failure repeats its walk.
 */
import { assert, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Delivery } from "../../src/Delivery.ts"
import * as Hold from "../../src/Hold.ts"
import * as Memory from "../../src/memory/index.ts"
import * as Message from "../../src/Message.ts"
import { ofMessage } from "../../src/MessageId.ts"
import { Store } from "../../src/Store.ts"
import { type Subscription, Transport } from "../../src/Transport.ts"

const keys = ["a", "b", "c", "d", "e"]

/** mulberry32 */
const dice = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/** A worker as the walk knows it: what it believes to hold, by key, in order. */
interface Worker {
  readonly subscription: Subscription
  readonly scope: Scope.Closeable
  readonly hands: Map<string, Array<Delivery>>
  stalled: boolean
}

class Walk {
  readonly published = new Map<string, Array<string>>(keys.map((key) => [key, []]))
  readonly committed = new Map<string, Array<string>>(keys.map((key) => [key, []]))
  readonly discarded = new Set<string>()
  readonly counts: Record<string, number> = {}
  workers: Array<Worker> = []
  next = 0
  readonly random: () => number

  constructor(seed: number) {
    this.random = dice(seed)
  }

  pick<A>(from: ReadonlyArray<A>): A | undefined {
    return from[Math.floor(this.random() * from.length)]
  }

  count(what: string) {
    this.counts[what] = (this.counts[what] ?? 0) + 1
  }
}

const join = (walk: Walk) =>
  Effect.gen(function*() {
    const transport = yield* Transport
    const scope = yield* Scope.make()
    const subscription = yield* Scope.provide(
      transport.open({
        consumer: "c",
        topics: ["t"],
        worker: `w${walk.next++}`,
        lanes: 3,
        lease: Duration.seconds(30),
        idlePoll: Duration.seconds(1)
      }),
      scope
    )
    walk.workers.push({ subscription, scope, hands: new Map(), stalled: false })
  })

const publish = (walk: Walk) =>
  Effect.gen(function*() {
    const store = yield* Store
    const drafts = Array.from({ length: 1 + Math.floor(walk.random() * 4) }, () => ({
      id: `${walk.next++}`,
      key: walk.pick(keys)!
    }))
    const rolledBack = walk.random() < 0.2
    const messages = yield* Effect.forEach(drafts, (draft) => Message.make({ ...draft, topic: "t", payload: "{}" }))
    yield* Effect.exit(
      store.transact(Effect.andThen(store.outbox.write(messages), rolledBack ? Effect.fail("no") : Effect.void))
    )
    if (!rolledBack) { for (const { id, key } of drafts) walk.published.get(key)!.push(id) }
  })

/** Time passes; workers that are not stalled renew. */
const pass = (walk: Walk, seconds: number) =>
  Effect.gen(function*() {
    for (const { stalled, subscription } of walk.workers) {
      if (!stalled) yield* subscription.renew(subscription.held())
    }
    yield* TestClock.adjust(Duration.seconds(seconds))
  })

const take = (walk: Walk, worker: Worker) =>
  Effect.gen(function*() {
    const room = {
      messages: 1 + Math.floor(walk.random() * 12),
      bytes: 1000,
      perKey: 1 + Math.floor(walk.random() * 5)
    }
    const taking = yield* Effect.forkChild(
      worker.subscription.take(room, (deliveries) => {
        for (const delivery of deliveries) {
          const { key } = delivery.message
          // Deliveries under a lost lease are not processed any more.
          const hand = (worker.hands.get(key) ?? []).filter(({ lease }) => lease === delivery.lease)
          worker.hands.set(key, [...hand, delivery])
          walk.count(delivery.crashCount > 0 ? "taken after a death" : "taken")
        }
      }),
      { startImmediately: true }
    )
    if (taking.pollUnsafe() === undefined) yield* pass(walk, 1)
    yield* Fiber.join(taking)
  })

/** Commits the head of a key, rolls it back, holds it, or parks it. */
const work = (walk: Walk, worker: Worker) =>
  Effect.gen(function*() {
    const store = yield* Store
    const { subscription } = worker
    const hand = walk.pick([...worker.hands.values()].filter((hand) => hand.length > 0))
    const head = hand?.[0]
    if (hand === undefined || head === undefined) return
    const { id, key } = head.message
    const dice = walk.random()
    if (dice < 0.7) {
      const claim = { id, fingerprint: ofMessage(head.message), deadLetterId: head.redrive?.deadLetterId }
      const exit = yield* Effect.exit(store.transact(Effect.gen(function*() {
        const settled = yield* subscription.removeInTransaction([head])
        if (settled.length > 0) assert.deepStrictEqual(yield* store.inbox.claim("c", [claim]), ["fresh"])
        if (walk.random() < 0.2) return yield* Effect.fail("rolled back" as const)
        return settled.length
      })))
      if (exit._tag === "Failure" || (exit.value === 0 && walk.random() < 0.5)) return walk.count("rolled back or gone")
      hand.shift()
      if (exit.value === 0) return walk.count("gone")
      walk.count("committed")
      walk.committed.get(key)!.push(id)
      return
    }
    const failure = { attempt: 1, at: 0, tag: "T", error: null, message: "", stack: "", step: "", frame: "" }
    const attempts = [{ ...failure, worker: "", codeVersion: "" }]
    const hold = subscription.hold(head, attempts, Hold.delayed(Duration.seconds(1 + Math.floor(walk.random() * 40))))
    const deadLetter = Effect.gen(function*() {
      if ((yield* subscription.removeInTransaction([head])).length === 0) return yield* Effect.fail("gone" as const)
      const entry = { delivery: head, reason: "exhausted", attempts, fingerprint: "f", parked: true } as const
      assert.isDefined((yield* store.deadLetters.add("c", [entry]))[0])
      yield* subscription.hold(head, attempts, Hold.parked)
    })
    const exit = yield* Effect.exit(subscription.whileNotReading(head, store.transact(dice < 0.9 ? hold : deadLetter)))
    walk.count(`${dice < 0.9 ? "hold" : "park"} ${exit._tag}`)
    worker.hands.set(key, [])
  })

/** An operator decides about a dead letter. */
const decide = (walk: Walk) =>
  Effect.gen(function*() {
    const { deadLetters } = yield* Store
    const deadLetter = walk.pick(yield* deadLetters.list({ state: "open" }))
    if (deadLetter === undefined) return
    if (walk.random() < 0.7) return yield* deadLetters.redrive(deadLetter.id, { by: "ann" })
    yield* deadLetters.discard(deadLetter.id, { by: "ann" })
    walk.discarded.add(deadLetter.message.id)
  })

const step = (walk: Walk) =>
  Effect.gen(function*() {
    const worker = walk.pick(walk.workers)!
    const dice = walk.random()
    if (dice < 0.15) return yield* publish(walk)
    if (dice < 0.35) return yield* take(walk, worker)
    if (dice < 0.8) return yield* work(walk, worker)
    if (dice < 0.86) return yield* pass(walk, walk.random() * 25)
    if (dice < 0.9) return yield* decide(walk)
    if (dice < 0.94) {
      worker.stalled = !worker.stalled
      return walk.count("stalled or back")
    }
    if (dice < 0.97) {
      const leases = worker.subscription.held().filter(() => walk.random() < 0.5)
      return yield* worker.subscription.release(leases)
    }
    walk.workers = walk.workers.filter((other) => other !== worker)
    // It leaves, or its process dies: then its scope is never closed.
    if (walk.random() < 0.5) yield* Scope.close(worker.scope, Exit.void)
    yield* join(walk)
  })

/** Faults stop: everything reaches its end. */
const finish = (walk: Walk) =>
  Effect.gen(function*() {
    const { deadLetters } = yield* Store
    yield* pass(walk, 120)
    for (const { scope } of walk.workers) yield* Scope.close(scope, Exit.void)
    walk.workers = []
    yield* join(walk)
    const last = walk.workers[0]!
    const missing = () =>
      [...walk.published].some(([key, ids]) =>
        ids.some((id) => !walk.committed.get(key)!.includes(id) && !walk.discarded.has(id))
      )
    for (let rounds = 0; missing() && rounds < 5000; rounds++) {
      for (const deadLetter of yield* deadLetters.list({ state: "open" })) {
        yield* deadLetters.redrive(deadLetter.id, { by: "ann" })
      }
      yield* pass(walk, 1)
      yield* take(walk, last)
      for (let i = 0; i < 10; i++) yield* work(walk, last)
    }
    for (const [key, published] of walk.published) {
      const expected = published.filter((id) => !walk.discarded.has(id))
      assert.deepStrictEqual(walk.committed.get(key), expected, `key ${key}`)
    }
  })

it.effect("loses nothing, repeats nothing and keeps every key in order on 150 random walks", () =>
  Effect.gen(function*() {
    const counts: Record<string, number> = {}
    for (let seed = 1; seed <= 150; seed++) {
      const walk = new Walk(seed)
      yield* Effect.gen(function*() {
        const store = yield* Store
        yield* store.consumers.register({ consumer: "c", topics: ["t"], lanes: 3, order: "park" })
        for (let i = 0; i < 3; i++) yield* join(walk)
        for (let i = 0; i < 250; i++) yield* step(walk)
        yield* finish(walk)
      }).pipe(
        Effect.provide(Memory.layer, { local: true }),
        Effect.catchDefect((defect) => Effect.die(new Error(`seed ${seed}: ${String(defect)}`, { cause: defect })))
      )
      for (const [what, count] of Object.entries(walk.counts)) counts[what] = (counts[what] ?? 0) + count
    }
    // Not vacuous: each of these happened, often.
    for (const what of ["committed", "gone", "taken after a death", "hold Success", "hold Failure", "park Success"]) {
      assert.isAbove(counts[what] ?? 0, 20, JSON.stringify(counts))
    }
  }))
