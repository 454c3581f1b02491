/**
 * The conformance suite of transports on the model of SQS. Unlike an emulator, the model hands out
 * several messages of a group, and refuses expired handles.
 */
import { Effect, Layer } from "effect"
import { Memory, Store, Transport } from "millrace"
import { transport } from "millrace/testing/conformance"
import { describe } from "vitest"
import { brokerTime } from "../postgres/kit.ts"
import { transportOn } from "./sqsKit.ts"
import { SqsModel } from "./SqsModel.ts"

const suite = (name: string, fifo: boolean) => {
  const onNewQueue = Effect.map(
    Store.Store,
    (store) => transportOn(new SqsModel(fifo), store, undefined, undefined, 0)
  )
  transport(name, Layer.provideMerge(Layer.effect(Transport.Transport, onNewQueue), Memory.layer), {
    ...brokerTime,
    transport: onNewQueue
  })
}

describe.concurrent("on a model", () => {
  suite("a model of sqs", false)
  suite("a model of sqs-fifo", true)
})
