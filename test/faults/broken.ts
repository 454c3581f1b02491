/**
 * A worker that is broken on purpose, to show that the fault runs see it. Its fence lets everything pass, though it
 * still removes only its own messages. Its inbox calls every id fresh.
 */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Store, Transport } from "millrace"
import * as HookedPorts from "../../src/testing/HookedPorts.ts"

type Ports = Store.Store | Transport.Transport

export const layer: Layer.Layer<Ports, never, Ports> = HookedPorts.layer({
  inbox: { claim: () => (_, claims) => Effect.succeed(claims.map(() => "fresh" as const)) },
  subscription: {
    removeInTransaction: (removeInTransaction) => (deliveries) => Effect.as(removeInTransaction(deliveries), deliveries)
  }
})
