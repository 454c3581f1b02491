/** A worker on a model of SQS and the memory store, in virtual time. */
import { Context, Effect, Latch, Layer, Result } from "effect"
import { Health, Memory, Store, Transport } from "millrace"
import type { Wire } from "millrace/wire"
import { wireOf } from "../../src/sqs/SqsMessage.ts"
import * as SqsTransport from "../../src/sqs/SqsTransport.ts"
import { makeMessage } from "../../src/testing/conformance/kit.ts"
import * as CrashIsolation from "../../src/worker/lease/CrashIsolation.ts"
import type { Order } from "../worker/support.ts"
import { SqsModel } from "./SqsModel.ts"

export interface Options {
  readonly fifo: boolean
  readonly strict?: boolean
  readonly wire?: Wire.WireOptions
}

/** The transport of a process on the model. It ends with `process.dead`. */
export const transportOn = (
  model: SqsModel,
  store: Store.Store["Service"],
  process?: Process,
  wire?: Wire.WireOptions,
  longPollSeconds = 5
): Transport.Transport["Service"] =>
  SqsTransport.make(model.client(process), store, { longPollSeconds, wire: Result.getOrThrow(wireOf(wire)) })

/** A model, and the layer of a store with the transport on it. */
export const sqs = ({ fifo, strict, wire }: Options) => {
  const model = new SqsModel(fifo, strict)
  const layer = Layer.effect(
    Transport.Transport,
    Effect.map(Store.Store, (store) => transportOn(model, store, undefined, wire))
  ).pipe(Layer.provideMerge(Memory.layer))
  return { model, layer }
}

/** A process. When it is dead, nothing of it reaches SQS or the store any more; while it is frozen, its calls wait. */
export interface Process {
  dead: boolean
  readonly thawed: Latch.Latch
  /** Runs at the end of each transaction, before its COMMIT. */
  beforeCommit: Effect.Effect<void>
}

/** A process on the model and the store around it. */
export const processOn = Effect.fnUntraced(function*(model: SqsModel) {
  const inner = yield* Store.Store
  const process: Process = { dead: false, thawed: Latch.makeUnsafe(true), beforeCommit: Effect.void }
  const alive = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.andThen(process.thawed.await, Effect.suspend(() => process.dead ? Effect.never : effect))
  const { unsettled } = inner
  const store: Store.Store["Service"] = {
    ...inner,
    transact: (body) => {
      // The database rolls the transaction of a dead process back, so that it holds no lock any more.
      const ended = Effect.andThen(
        Effect.suspend(() => process.beforeCommit),
        Effect.andThen(process.thawed.await, Effect.suspend(() => process.dead ? Effect.die("it died") : Effect.void))
      )
      return alive(Effect.catchCause(
        inner.transact(Effect.tap(body, () => ended)),
        (cause) => process.dead ? Effect.never : Effect.failCause(cause)
      ))
    },
    unsettled: {
      ...unsettled,
      count: (consumer, counts) => alive(unsettled.count(consumer, counts)),
      endAlone: (consumer, id, delivery) => alive(unsettled.endAlone(consumer, id, delivery)),
      read: (consumer, ids) => alive(unsettled.read(consumer, ids))
    }
  }
  const services = Context.make(Store.Store, store).pipe(
    Context.add(Transport.Transport, transportOn(model, store, process)),
    Context.add(CrashIsolation.Process, new CrashIsolation.ProcessWorkers()),
    // A dead process never ends its worker, so a list that all processes share would keep it in memory.
    Context.add(Health.Workers, new Set())
  )
  return Object.assign(process, {
    run: <A, E>(program: Effect.Effect<A, E, Store.Store | Transport.Transport>): Effect.Effect<A, E> =>
      Effect.provideContext(program, services)
  })
})

/** Publishes orders on the transport, as a relay does. */
export const send = (orders: ReadonlyArray<Order>) =>
  Effect.gen(function*() {
    const transport = yield* Transport.Transport
    const messages = yield* Effect.forEach(orders, (one) =>
      makeMessage({ topic: "orders", id: one.id, key: one.account, payload: JSON.stringify(one) }))
    yield* transport.publish(messages)
  })
