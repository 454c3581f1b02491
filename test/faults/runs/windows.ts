/**
 * SIGKILL at every crash window: workers, publishers and operators kill themselves at a named failpoint. Other workers
 * die when their COMMIT was sent and not answered, or when they move due messages. Meanwhile messages are published
 * later, replaced and cancelled.
 */
import { Effect } from "effect"
import { DeadLetters } from "millrace"
import { type Child, stop } from "../../harness/child.ts"
import { proxy } from "../../harness/proxy.ts"
import type { Count, Run } from "../fault-run.ts"
import { type Moment, type Window, windows as moments } from "../Faults.ts"
import * as Later from "../later.ts"
import { ledgerMark } from "../pipeline.ts"
import * as Tables from "../tables.ts"
import * as Load from "../traffic.ts"
import { register, type World } from "../world.ts"
import { busy, quick, side, until, waiting } from "./common.ts"

const unanswered = "handle: COMMIT sent, no answer"
const taken = "lease: taken over, nothing read yet"
const claimed = "fetch: lane claimed, nothing read"
const moving = "upkeep: while due messages move"
const names = [...Object.keys(moments) as Array<Window>, unanswered, moving] as const
type Name = typeof names[number]

/** Rare moments: a process that waits for the tenth of them lives long. */
const rare: Partial<Readonly<Record<Moment, number>>> = {
  "hold.after": 3,
  "deadLetter.after": 2,
  "group.rolledBack": 3,
  "renew.during": 3,
  "close.during": 1,
  "take.claimed": 1,
  "take.takenOver": 1,
  "write.before": 4,
  "write.inserted": 4,
  "write.after": 4,
  "redrive.during": 1,
  "discard.during": 1
}

const planned = (world: World, window: Window) => {
  const at = moments[window]
  return [{ at, nth: world.dice.whole(1, rare[at] ?? 10), action: { _tag: "Kill" as const } }]
}

/** Waits for a process to kill itself, and stops one that does not. Returns whether it did. */
const dies = (child: Child) =>
  Effect.gen(function*() {
    if (!(yield* until(Effect.sync(() => !child.isRunning()), 20_000))) {
      yield* child.signal("SIGTERM")
    }
    const { signal } = yield* child.ended
    return signal === "SIGKILL"
  })

const inWorker = (world: World, window: Window) =>
  Effect.gen(function*() {
    const worker = yield* world.worker({ faults: planned(world, window) })
    if (window === "lease: during release and graceful stop") {
      yield* worker.ready
      yield* Effect.sleep(world.dice.whole(200, 500))
      yield* worker.signal("SIGTERM")
    }
    return yield* dies(worker)
  })

/** A queue whose lanes have no owner yet. One process dies after it claimed them, and one after it took them over. */
const claims = (world: World) =>
  Effect.gen(function*() {
    const consumer = world.nextName(`${world.consumer}-`)
    yield* register(world, consumer)
    yield* Load.publish(
      world,
      Array.from({ length: 20 }, (_, i) => world.piece(`${consumer}-k${i % 10}`, "none")),
      { consumer }
    )
    const first = yield* dies(yield* world.worker({ consumer, faults: planned(world, claimed) }))
    const second = yield* dies(yield* world.worker({ consumer, faults: planned(world, taken) }))
    const third = yield* world.worker({ consumer })
    yield* until(Effect.map(waiting(world, consumer), (n) => n === 0), 30_000)
    yield* third.signal("SIGTERM")
    yield* third.ended
    return [first, second] as const
  })

const onTheWire = (world: World) =>
  Effect.gen(function*() {
    const between = yield* proxy(world.url, ledgerMark)
    const worker = yield* world.worker({ url: between.url })
    between.struck = () => {
      world.fault("SIGKILL", worker.name, unanswered)
      worker.process.kill("SIGKILL")
    }
    yield* worker.ready
    yield* Effect.sleep(world.dice.whole(0, 200))
    between.commits.push({ kind: "kill" })
    return yield* dies(worker)
  })

/** The delete is part of the move, in every statement that has it. */
const moves = /delete from \S*delayed"? where (?:seq|due_at)/

/**
 * A worker dies when its move was sent, or a few milliseconds later: while the server moves, or with the answer. The
 * window counts as hit only if messages left in that session.
 */
const whileMoving = (world: World) =>
  Effect.gen(function*() {
    const between = yield* proxy(world.url, ledgerMark)
    const after = yield* Tables.departures(world.schema)
    const worker = yield* world.worker({ url: between.url })
    let left = world.dice.whole(1, 3)
    const millis = world.dice.whole(0, 3)
    let port: number | undefined
    between.sent = (statement, from) => {
      if (!moves.test(statement) || --left !== 0) return
      port = from
      if (millis === 0) worker.process.kill("SIGKILL")
      else setTimeout(() => worker.process.kill("SIGKILL"), millis)
    }
    const died = yield* dies(worker)
    if (!died || port === undefined) return false
    const by = { port, after }
    const moved = yield* until(Effect.map(Tables.departures(world.schema, by), (n) => n > 0), 2000)
    world.fault("SIGKILL", worker.name, moved ? moving : undefined)
    return moved
  })

/** A publisher that dies. Another one publishes all of it again, as a publisher without an answer must. */
const inPublisher = (world: World, window: Window) =>
  Effect.gen(function*() {
    const key = world.nextName("pub")
    const batches = Array.from({ length: 4 }, () => Array.from({ length: 5 }, () => world.piece(key, "none")))
    const told = { role: "publisher" as const, batches, inTransaction: window.includes("before commit") }
    const first = yield* world.start({ ...told, ...world.told("p"), faults: planned(world, window) })
    const died = yield* dies(first)
    yield* (yield* world.start({ ...told, ...world.told("p") })).ended
    world.published += 20
    return died
  })

/** An operator's process that dies while it redrives or discards the dead letter of a parked key. */
const inOperator = (world: World, window: Window) =>
  Effect.gen(function*() {
    const key = world.nextName("op")
    yield* Load.publish(world, [world.piece(key, "rejected"), world.piece(key, "none"), world.piece(key, "none")])
    const find = Effect.map(
      DeadLetters.list({ consumer: world.consumer, state: "open", limit: 1000 }),
      (deadLetters) => deadLetters.find((deadLetter) => deadLetter.message.key === key)
    )
    // Others may all be publishers and operators at this moment.
    const helper = yield* world.worker()
    yield* until(Effect.map(find, (deadLetterId) => deadLetterId !== undefined), 20_000)
    yield* stop(helper)
    const deadLetter = yield* find
    if (deadLetter === undefined) return false
    const after = world.dice.whole(0, 3)
    const action = { _tag: "Kill" as const, ...(after === 0 ? {} : { after }) }
    const operator = yield* world.start({
      role: "operator",
      ...world.told("o"),
      faults: [{ at: moments[window], action }],
      decision: window === "upkeep: during a redrive" ? "redrive" : "discard",
      deadLetters: [{ deadLetterId: deadLetter.id, id: deadLetter.message.id, key }]
    })
    return yield* dies(operator)
  })

const visit = (world: World, hits: Map<Name, number>, window: Name) =>
  Effect.gen(function*() {
    const hit = (name: Name, died: boolean) => died ? void hits.set(name, (hits.get(name) ?? 0) + 1) : undefined
    if (window === unanswered) return hit(window, yield* onTheWire(world))
    if (window === moving) return hit(window, yield* whileMoving(world))
    if (window === claimed || window === taken) {
      const [first, second] = yield* claims(world)
      hit(claimed, first)
      return hit(taken, second)
    }
    if (window.startsWith("publish")) return hit(window, yield* inPublisher(world, window))
    if (window.startsWith("upkeep")) return hit(window, yield* inOperator(world, window))
    return hit(window, yield* inWorker(world, window))
  }).pipe(Effect.scoped)

export const windows: Run = {
  name: "crash windows",
  options: { ...quick, maxCrashes: 1000 },
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(5)
      const hits = new Map<Name, number>()
      const under = new Map<Name, number>()
      const tries = new Map<Name, number>()
      // The operator leaves the dead letters of these processes alone until the end.
      world.spared = /^op/
      yield* Load.keepBusy(world, busy)
      const later = yield* Later.keepBusy(world)
      const of = (counts: ReadonlyMap<Name, number>, name: Name) => counts.get(name) ?? 0
      // A plan for claims needs takeovers, too.
      const next = () =>
        names.find((name) =>
          of(hits, name) + of(under, name) < wanted && of(tries, name) < Math.max(8, 3 * wanted)
          && !(name === taken && of(under, claimed) > 0)
        )
      yield* side(4, () =>
        Effect.gen(function*() {
          for (let window = next(); window !== undefined; window = next()) {
            tries.set(window, of(tries, window) + 1)
            under.set(window, of(under, window) + 1)
            yield* visit(world, hits, window)
            under.set(window, of(under, window) - 1)
            world.say(`${window}: ${of(hits, window)}`)
          }
        }))
      world.spared = undefined
      yield* world.worker()
      yield* world.worker()
      const kills = names.map((name): Count => ({ fault: `SIGKILL ${name}`, wanted, happened: hits.get(name) ?? 0 }))
      return [...kills, ...(yield* later.told)]
    })
}
