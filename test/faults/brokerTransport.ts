/** The transport of a broker in a process of a fault run. Only processes that use a broker load its client. */
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Errors, Store, Transport } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { Sqs } from "millrace/sqs"
import { type Broker, credentials, lanes, region } from "./brokers.ts"

export const layer = (broker: Broker): Layer.Layer<Transport.Transport, Errors.InvalidSetting, Store.Store> =>
  broker.kind === "sqs"
    ? Sqs.layer({
      queueUrl: broker.queueUrl,
      endpoint: new URL(broker.queueUrl).origin,
      region,
      credentials: { ...credentials, secretAccessKey: Redacted.make(credentials.secretAccessKey) },
      longPoll: "1 second"
    })
    : RedisStreams.layerLog({ stream: broker.stream, shards: lanes, block: "300 millis" }).pipe(
      Layer.provide(RedisConnection.layerLazy(broker.url))
    )
