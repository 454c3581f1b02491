/** The transport of a broker in a process of a fault run. Only processes that use a broker load its client. */
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Errors, Store, Transport } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { Sqs } from "millrace/sqs"
import { type Broker, credentials, lanes, region } from "./brokers.ts"

type Layers = Layer.Layer<Transport.Transport, Errors.InvalidSetting, Store.Store>

const sqs = ({ queueUrl }: Extract<Broker, { readonly kind: "sqs" }>): Layers =>
  Sqs.layer({
    queueUrl,
    endpoint: new URL(queueUrl).origin,
    region,
    credentials: { ...credentials, secretAccessKey: Redacted.make(credentials.secretAccessKey) },
    longPoll: "1 second"
  })

const redis = ({ ordered, stream, url }: Extract<Broker, { readonly kind: "redis" }>): Layers => {
  const reading = { stream, block: "300 millis" } as const
  const streams = ordered
    ? RedisStreams.layerLog({ ...reading, shards: lanes })
    : RedisStreams.layer({ ...reading, create: true })
  return Layer.provide(streams, RedisConnection.layerLazy(url))
}

export const layer = (broker: Broker): Layers => broker.kind === "sqs" ? sqs(broker) : redis(broker)
