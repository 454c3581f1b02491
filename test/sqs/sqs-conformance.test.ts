/**
 * The conformance suite of transports on SQS, standard and FIFO, with the store on Postgres. A promise that a queue
 * does not make is skipped by its capabilities, and the test says why.
 */
import { Context, Deferred, Effect, Layer, Redacted } from "effect"
import { Store, Transport } from "millrace"
import { Postgres } from "millrace/postgres"
import { Sqs } from "millrace/sqs"
import { transport } from "millrace/testing/conformance"
import { describe, inject } from "vitest"
import { brokerTime, freshSchema } from "../postgres/kit.ts"
import { credentials, endpoint, plain, region } from "./sqsEndpoint.ts"

/** The transport on a new queue of the server at this address. */
const onNewQueue = Effect.fnUntraced(function*(address: string, fifo: boolean) {
  const queueUrl = yield* Effect.flatMap(plain(address), (client) => client.createQueue(fifo))
  const layer = Sqs.layer({ queueUrl, endpoint: address, region, credentials, longPoll: 0 })
  const services = yield* Layer.build(Layer.provide(layer, Layer.succeed(Store.Store, yield* Store.Store)))
  return Context.get(services, Transport.Transport)
})

const suite = (name: string, fifo: boolean) => {
  const server = Deferred.makeUnsafe<string>()
  const first = Effect.gen(function*() {
    const address = yield* endpoint
    yield* Deferred.succeed(server, address)
    return yield* onNewQueue(address, fifo)
  })
  const store = Postgres.layer({ url: Redacted.make(inject("databaseUrl")), schema: freshSchema() })
  transport(name, Layer.provideMerge(Layer.effect(Transport.Transport, first), store), {
    ...brokerTime,
    // `fauxqs` hands out one message of a group at a time. `sqs-model-conformance` has a model that hands out more.
    onePerKey: fifo,
    transport: Effect.flatMap(Deferred.await(server), (address) => onNewQueue(address, fifo))
  })
}

describe.concurrent("on a queue of SQS", () => {
  suite("sqs", false)
  suite("sqs-fifo", true)
})
