/**
 * The memory adapter: store and transport in this process, with the semantics of Postgres, driven by Effect's
 * `Clock`.
 *
 * Use it for tests, and for work that may be lost with its process. Nothing survives the process, and the inbox keeps
 * every id. It has no SQL: use `Embedded.layer` for a pipeline with statements, or put a service between.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Store, type TransactionFailure } from "../Store.ts"
import { Transport } from "../Transport.ts"
import * as MemoryAudit from "./MemoryAudit.ts"
import { makeConsumers } from "./MemoryConsumers.ts"
import { makeDeadLetters } from "./MemoryDeadLetters.ts"
import { makeInbox } from "./MemoryInbox.ts"
import { makeLeases } from "./MemoryLeases.ts"
import { makeOutbox } from "./MemoryOutbox.ts"
import { MemoryState } from "./MemoryStore.ts"
import { ambient, savepoint, transact } from "./MemoryTransaction.ts"
import { makeTransport } from "./MemoryTransport.ts"
import { makeUnsettled } from "./MemoryUnsettled.ts"

/**
 * The key of effect's `SqlClient`, by its name, since this adapter imports no SQL. A context that has this service is
 * refused, because its statements would commit elsewhere.
 */
const SqlClient = Context.Service<unknown>("effect/sql/SqlClient")

const makeStore = (state: MemoryState): Store["Service"] => ({
  engine: "memory",
  maxGroup: 1,
  maxTransactions: Number.POSITIVE_INFINITY,
  deduplicationWindow: Duration.infinity,
  inTransaction: Effect.withFiber((fiber) => Effect.succeed(ambient(state, fiber.context) !== undefined)),
  checkAccess: () => Effect.void,
  notListeningMillis: () => 0,
  statements: Effect.succeed(undefined),
  joinsTransactions: (context) => Context.getOrUndefined(context, SqlClient) === undefined,
  transact: transact(state),
  savepoint: <A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E | TransactionFailure, R> =>
    Effect.withFiber((fiber) => {
      const transaction = ambient(state, fiber.context)
      return transaction === undefined ? body : savepoint(transaction, body)
    }),
  inbox: makeInbox(state),
  outbox: makeOutbox(state),
  deadLetters: makeDeadLetters(state),
  consumers: makeConsumers(state),
  audit: MemoryAudit.make(state),
  leases: makeLeases(state),
  unsettled: makeUnsettled(state)
})

/**
 * Provides store and transport over one memory store. Each build of the layer makes an independent store.
 *
 * @since 0.1.0
 */
export const layer: Layer.Layer<Store | Transport> = Layer.effectContext(Effect.sync(() => {
  const state = new MemoryState()
  const store = makeStore(state)
  return Context.make(Store, store).pipe(Context.add(Transport, makeTransport(state, store)))
}))
