/** A message that kills its process among 200 others: after three deaths it alone is a dead letter `crashed`. */
import { Effect } from "effect"
import { DeadLetters } from "millrace"
import type { Run } from "../fault-run.ts"
import type { Piece } from "../pieces.ts"
import * as Load from "../traffic.ts"
import { register, type World } from "../world.ts"
import { quick, side, until, waiting } from "./common.ts"

const others = 200

/** The poison stands in the middle, on a key of its own. */
const scenario = (world: World, consumer: string): ReadonlyArray<Piece> => {
  const piece = (i: number) => world.piece(`${consumer}-k${i % 40}`, "wait", world.dice.whole(0, 15))
  const around = (from: number) => Array.from({ length: others / 2 }, (_, i) => piece(from + i))
  return [...around(0), world.piece(`${consumer}-poison`, "exit"), ...around(others / 2)]
}

const done = (world: World, consumer: string) =>
  Effect.gen(function*() {
    if ((yield* DeadLetters.list({ consumer })).length === 0) return false
    return (yield* waiting(world, consumer)) === 0
  })

/** Starts a worker again and again, as a supervisor does, until all is done. Returns how often it died. */
const supervised = (world: World, consumer: string) =>
  Effect.gen(function*() {
    let deaths = 0
    const finished = done(world, consumer)
    while (!(yield* finished) && deaths < 10) {
      const worker = yield* world.worker({ consumer })
      yield* worker.ready
      if (!(yield* until(Effect.map(finished, (all) => all || !worker.isRunning()), 60_000))) {
        return yield* Effect.die(new Error(`nothing happens any more with ${consumer}\n${worker.output()}`))
      }
      if (worker.isRunning()) {
        yield* worker.signal("SIGTERM")
        yield* worker.ended
      } else {
        deaths++
        world.fault("crash poison", worker.name)
      }
    }
    return deaths
  })

export const poison: Run = {
  name: "crash poison",
  options: { ...quick, concurrency: 64 },
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(20)
      let begun = 0
      let deadLettered = 0
      const deaths: Array<number> = []
      yield* side(3, () =>
        Effect.gen(function*() {
          while (begun < wanted) {
            const consumer = `${world.consumer}-${++begun}`
            yield* register(world, consumer)
            yield* Load.publish(world, scenario(world, consumer), { consumer })
            deaths.push(yield* Effect.scoped(supervised(world, consumer)))
            deadLettered++
          }
        }))
      const often = deaths.filter((n) => n !== 3)
      if (often.length > 0) return yield* Effect.die(new Error(`3 deaths each were due, not ${often.join(", ")}`))
      return [{ fault: "crash poison among 200 other messages", wanted, happened: deadLettered }]
    })
}
