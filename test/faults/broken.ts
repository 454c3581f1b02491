/**
 * A worker that is broken on purpose, to show that the fault runs see it. Its fence lets everything pass, though it
 * still removes only its own messages. Its inbox calls every id fresh.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Store, Transport } from "millrace"

export const layer: Layer.Layer<Store.Store | Transport.Transport, never, Store.Store | Transport.Transport> = Layer
  .effectContext(Effect.gen(function*() {
    const store = yield* Store.Store
    const transport = yield* Transport.Transport
    const inbox: Store.InboxStore = {
      ...store.inbox,
      claim: (_, claims) => Effect.succeed(claims.map(() => "fresh" as const))
    }
    const open: typeof transport.open = (spec) =>
      Effect.map(transport.open(spec), (inner) => ({
        ...inner,
        removeInTransaction: (deliveries) => Effect.as(inner.removeInTransaction(deliveries), deliveries)
      }))
    return Context.make(Store.Store, { ...store, inbox }).pipe(Context.add(Transport.Transport, { ...transport, open }))
  }))
