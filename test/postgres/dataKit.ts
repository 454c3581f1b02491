/** The commit of a group as data, without a worker. */
import { Effect } from "effect"
import { type Delivery, Store, type Transport } from "millrace"
import { claimOf } from "../../src/worker/commit/GroupCommit.ts"

/**
 * Returns the function that commits deliveries of a consumer as data, with these statements. `between` runs when the
 * statements have run, and before COMMIT is sent.
 */
export const dataCommits = (consumer: string) =>
(
  subscription: Transport.Subscription,
  deliveries: ReadonlyArray<Delivery.Delivery>,
  statements: Store.DataPart["statements"] = [],
  between?: Effect.Effect<void>
): Effect.Effect<boolean, never, Store.Store> => {
  const claims = deliveries.map((delivery) => claimOf({ delivery, fingerprint: `print of ${delivery.message.id}` }))
  const parts = function*(): Generator<Effect.Effect<Store.DataPart>> {
    if (between !== undefined) yield Effect.succeed({ statements, emits: undefined })
    yield Effect.as(between ?? Effect.void, { statements: between === undefined ? statements : [], emits: [] })
  }
  return Effect.flatMap(Store.Store, (store) => {
    const next = parts()
    return store.commitData!(
      { consumer, removal: subscription.removal!(deliveries)!, claims },
      () => Effect.suspend(() => next.next().value as Effect.Effect<Store.DataPart>)
    )
  })
}
