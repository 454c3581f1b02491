/** What a worker that has no room, and so reads nothing, hears of its consumer. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { Consumers } from "millrace"
import { inject } from "vitest"
import { eventually, open, postgres, publish, receive, register } from "./kit.ts"

it.live("a worker that reads nothing hears from its renewals that its consumer was paused, and that it goes on", () =>
  Effect.gen(function*() {
    yield* register({ lanes: 1 })
    yield* publish(["a", "k"])
    const sub = yield* open("w", { lanes: 1 })
    yield* receive(sub, 1)
    const hears = (paused: boolean) => eventually(Effect.map(sub.renew(sub.held()), () => sub.paused() === paused))
    yield* Consumers.pause("c", { by: "ann" })
    yield* hears(true)
    yield* Consumers.resume("c", { by: "ann" })
    yield* hears(false)
  }).pipe(Effect.scoped, Effect.provide(postgres(inject("databaseUrl")))))
