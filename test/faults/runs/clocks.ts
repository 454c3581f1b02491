/**
 * Workers whose clocks are off by hours and jump while they work, beside one whose clock is right. Some of them freeze
 * or die. The database's clock and the monotonic one decide. So no lease is lost or kept because of a wall clock, every
 * hold ends at its time, and nothing is lost.
 */
import { Effect } from "effect"
import type { Run } from "../fault-run.ts"
import * as Load from "../traffic.ts"
import { busy, leaseMillis, quick, side, whilst } from "./common.ts"

const hour = 3_600_000

export const clocks: Run = {
  name: "clocks that are off",
  options: { ...quick, maxCrashes: 1000 },
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(20)
      yield* Load.keepBusy(world, busy)
      yield* Effect.flatMap(world.worker(), (right) => right.ready)
      const life = (n: number) =>
        Effect.scoped(Effect.gen(function*() {
          const hours = world.dice.whole(1, 12) * (n % 2 === 0 ? 1 : -1)
          const worker = yield* world.worker({ clock: { offMillis: hours * hour, jumpEveryMillis: 300 } })
          yield* worker.ready
          world.fault("clock off by hours", worker.name)
          yield* Effect.sleep(world.dice.whole(1500, 2500))
          if (n % 3 !== 0) return
          yield* worker.signal("SIGSTOP")
          yield* Effect.sleep(leaseMillis * 1.5)
          yield* worker.signal("SIGCONT")
          yield* Effect.sleep(300)
          yield* worker.signal("SIGKILL")
        }))
      yield* side(3, (n) => whilst(() => world.happened("clock off by hours") < wanted, life(n)))
      return [{
        fault: "workers whose clock was off by hours and jumped",
        wanted,
        happened: world.happened("clock off by hours")
      }]
    })
}
