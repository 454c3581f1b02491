/**
 * Processes that are killed from outside while they hold messages: two at work, then more before any message runs
 * alone. However often that happens, no message may become `crashed`.
 */
import { Effect } from "effect"
import type { Run } from "../fault-run.ts"
import type { Fault, Moment } from "../Faults.ts"
import * as Load from "../traffic.ts"
import { register, type World } from "../world.ts"
import { quick, side, until, waiting } from "./common.ts"

const messages = 30

/** A pod is preempted at work. */
const preempted = "step.running"
/** A crash loop at start: what was read is recorded, nothing is begun. */
const looping = "accept.after"
/** Read, and not isolated: before the first record, or between that of the process's other worker and its own. */
const isolating = "isolate.before"

const fault = (world: World, at: Moment): Fault => {
  const nth = at === preempted ? world.dice.whole(1, 15) : at === isolating ? world.dice.whole(1, 2) : 1
  return { at, nth, action: { _tag: "Kill" } }
}

/** Starts a process that is to die. Returns whether it did. */
const dies = (world: World, consumer: string, at: Moment) =>
  Effect.gen(function*() {
    const worker = yield* world.worker({ consumer, faults: [fault(world, at)] })
    if (!(yield* until(Effect.sync(() => !worker.isRunning()), 60_000))) yield* worker.signal("SIGTERM")
    return (yield* worker.ended).signal === "SIGKILL"
  }).pipe(Effect.scoped)

/**
 * One round: two preempted pods, one to three deaths before isolation, and a worker that lives. Returns how often each
 * happened.
 */
const round = (world: World, consumer: string) =>
  Effect.gen(function*() {
    yield* register(world, consumer)
    const pieces = Array.from({ length: messages }, (_, i) => world.piece(`${consumer}-k${i}`, "wait", 20))
    yield* Load.publish(world, pieces, { consumer })
    const early = Array.from({ length: world.dice.whole(1, 3) }, () => world.dice.pick([looping, isolating] as const))
    const happened: Array<Moment> = []
    for (const at of [preempted, preempted, ...early] as const) {
      if (yield* dies(world, consumer, at)) happened.push(at)
      // A message that comes between two deaths is no suspect, and runs while the suspects wait.
      yield* Load.publish(world, [world.piece(`${consumer}-new`, "wait", 20)], { consumer })
    }
    const last = yield* world.worker({ consumer })
    const done = Effect.map(waiting(world, consumer), (n) => n === 0)
    if (!(yield* until(done, 120_000))) {
      return yield* Effect.die(new Error(`nothing happens any more with ${consumer}\n${last.output()}`))
    }
    return happened
  }).pipe(Effect.scoped)

export const crashLoops: Run = {
  name: "crash loops",
  options: { ...quick, lease: "3 seconds" },
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(20)
      const early = Math.ceil(wanted / 3)
      let begun = 0
      let ended = 0
      const happened: Array<Moment> = []
      const times = (at: Moment) => happened.filter((moment) => moment === at).length
      // The dice choose the early deaths, so a few rounds may have only one kind. Then more rounds follow, one by one.
      const missing = () => ended === begun && begun < 3 * wanted && Math.min(times(looping), times(isolating)) < early
      yield* side(4, () =>
        Effect.gen(function*() {
          while (begun < wanted || missing()) {
            const consumer = `${world.consumer}-${++begun}`
            happened.push(...yield* round(world, consumer))
            ended++
          }
        }))
      return [
        { fault: "SIGKILL at work", wanted: 2 * wanted - 1, happened: times(preempted) },
        { fault: "SIGKILL: read, nothing begun", wanted: early, happened: times(looping) },
        { fault: "SIGKILL: read, not isolated", wanted: early, happened: times(isolating) }
      ]
    })
}
