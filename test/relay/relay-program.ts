/** A process of a relay from one schema of Postgres to another. It is slow around each publish, to be killed there. */
import { NodeRuntime } from "@effect/platform-node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import { Relay, Transport, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { given } from "../harness/given.ts"

export interface Setup {
  readonly url: string
  readonly source: string
  readonly target: string
  readonly options: Relay.RelayOptions
}

const setup = given<Setup>()
if (setup !== undefined) {
  const { options, source, target, url } = setup
  const on = (schema: string) =>
    Postgres.layer({ url: Redacted.make(url), schema, maxConnections: 2, retention: false })
  const pause = Effect.flatMap(Random.nextIntBetween(0, 20), (millis) => Effect.sleep(millis))
  const slow = Layer.effect(
    Transport.Transport,
    Effect.map(Transport.Transport, (transport) => ({
      ...transport,
      publish: (messages) => pause.pipe(Effect.andThen(transport.publish(messages)), Effect.andThen(pause))
    }))
  ).pipe(Layer.provide(on(target)))
  const program = Relay.layer({ name: "orders" }, slow, options).pipe(
    Layer.tap(() => Effect.sync(() => process.stdout.write("ready\n"))),
    Layer.provide(on(source)),
    Worker.launch
  )
  NodeRuntime.runMain(program, { teardown: Worker.teardown })
}
