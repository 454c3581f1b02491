/** A worker without demand reads nothing, and learns from its renewals that its consumer is paused. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { Consumers } from "millrace"
import { inject } from "vitest"
import { eventually, open, postgres, publish, receive, register } from "./kit.ts"

it.live("a worker that reads nothing learns from its renewals that its consumer was paused, and that it was resumed", () =>
  Effect.gen(function*() {
    yield* register({ lanes: 1 })
    yield* publish(["a", "k"])
    const sub = yield* open("w", { lanes: 1 })
    yield* receive(sub, 1)
    const learns = (paused: boolean) => eventually(Effect.map(sub.renew(sub.held()), () => sub.paused() === paused))
    yield* Consumers.pause("c", { by: "ann" })
    yield* learns(true)
    yield* Consumers.resume("c", { by: "ann" })
    yield* learns(false)
  }).pipe(Effect.scoped, Effect.provide(postgres(inject("databaseUrl")))))
