/**
 * A lone worker is stopped three times for longer than its lease while it handles a slow message. It was never dead, so
 * no crash may be counted for the messages that it held.
 */
import { Effect } from "effect"
import type { Run } from "../fault-run.ts"
import * as Load from "../traffic.ts"
import { register, type World } from "../world.ts"
import { leaseMillis, quick, side, until, waiting } from "./common.ts"

/** A queue for each worker, so that no other one takes over. */
const lone = (world: World, n: number) =>
  Effect.gen(function*() {
    const consumer = `${world.consumer}-${n}`
    yield* register(world, consumer)
    const worker = yield* world.worker({ consumer })
    yield* worker.ready
    const slow = [world.piece(`slow${n}`, "wait", Math.round(leaseMillis * 2.5)), world.piece(`slow${n}`, "none")]
    yield* Load.publish(world, slow, { consumer })
    for (let i = 0; i < 3; i++) {
      yield* Effect.sleep(leaseMillis * (0.9 + 0.4 * world.dice.next()))
      yield* worker.signal("SIGSTOP")
      yield* Effect.sleep(leaseMillis * 1.8)
      yield* worker.signal("SIGCONT")
      world.fault("SIGSTOP", worker.name)
    }
    yield* until(Effect.map(waiting(world, consumer), (left) => left === 0), 20_000)
  })

export const stalls: Run = {
  name: "stalls of a lone worker",
  options: quick,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(5)
      yield* side(wanted, (n) => lone(world, n))
      return [{ fault: "lone workers stopped beyond their lease, three times each", wanted, happened: wanted }]
    })
}
