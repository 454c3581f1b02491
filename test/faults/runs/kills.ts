/** SIGKILL at any time: workers die while they start, read, handle, commit and renew, and others continue. */
import { Effect } from "effect"
import type { Run } from "../fault-run.ts"
import * as Load from "../traffic.ts"
import { busy, quick, side, whilst } from "./common.ts"

export const kills: Run = {
  name: "SIGKILL at random",
  // No message here kills its process, so one that was in flight at three deaths must not become `crashed`.
  options: { ...quick, maxCrashes: 1000 },
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(100)
      yield* Load.keepBusy(world, busy)
      const life = Effect.scoped(Effect.gen(function*() {
        const worker = yield* world.worker()
        // Some die before they are ready; most after they have worked for a while.
        if (world.dice.next() < 0.85) yield* worker.ready
        yield* Effect.sleep(world.dice.whole(0, 2500))
        if (!worker.isRunning()) return
        world.fault("SIGKILL", worker.name)
        yield* worker.signal("SIGKILL")
        yield* worker.ended
      }))
      yield* side(5, () => whilst(() => world.happened("SIGKILL") < wanted, life))
      yield* world.worker()
      yield* world.worker()
      return [{ fault: "SIGKILL at random", wanted, happened: world.happened("SIGKILL") }]
    }),
  expects: { occurred: { "deadLetters: redriven": 1 } }
}
