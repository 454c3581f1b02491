/**
 * How the webhooks come to the workers: from the database itself, or through a broker.
 *
 * Through a broker the senders publish as before, into the outbox of the database. A relay publishes the webhooks to
 * the broker, in the order of each source. Their pipeline stays the same: only the layer of its transport is another
 * one.
 */
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs"
import { Config, Effect, Layer, Option, Redacted, Schedule, Schema } from "effect"
import { Consumers, Relay, type Store, Transport, type Worker } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { Sqs } from "millrace/sqs"
import { randomUUID } from "node:crypto"
import { Webhooks } from "./topics.ts"

/** The transports of `--transport`. */
export const kinds = ["postgres", "sqs", "redis"] as const

export type Kind = typeof kinds[number]

/** The way of the webhooks in one run. It has no secrets, so worker processes get it as an argument. */
export const Route = Schema.Union([
  Schema.TaggedStruct("Postgres", {}),
  Schema.TaggedStruct("Redis", { stream: Schema.String }),
  Schema.TaggedStruct("Sqs", { endpoint: Schema.String, queueUrl: Schema.String })
])

export type Route = typeof Route["Type"]

/** The route as a text. */
export const RouteLine = Schema.fromJsonString(Route)

/** The broker that the run needs is not there. */
export class NoBroker extends Schema.TaggedError<NoBroker>()("NoBroker", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

/** Any region and key will do for a local server. AWS itself would need real ones. */
const region = "us-east-1"
const accessKeyId = "main-job"
const secret = "no secret"

/** A new FIFO queue, on the server in `SQS_ENDPOINT` or on one in this process. */
const newQueue = Effect.gen(function*() {
  const given = yield* Config.option(Config.String("SQS_ENDPOINT"))
  const endpoint = Option.isSome(given) ? given.value : yield* Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => (await import("fauxqs")).startFauxqs({ port: 0, logger: false })),
      (server) => Effect.promise(() => server.stop())
    ),
    ({ address }) => address
  )
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => new SQSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey: secret } })),
    (client) => Effect.sync(() => client.destroy())
  )
  const command = new CreateQueueCommand({
    QueueName: `main-job-${randomUUID().slice(0, 8)}.fifo`,
    Attributes: { FifoQueue: "true" }
  })
  const { QueueUrl } = yield* Effect.tryPromise({
    try: () => client.send(command),
    catch: (cause) =>
      new NoBroker({
        problem: `SQS at ${endpoint} did not create a queue (${String(cause)}): start it, or leave SQS_ENDPOINT out.`
      })
  })
  return { _tag: "Sqs", endpoint, queueUrl: QueueUrl! } as const
})

/** Makes a queue or stream for a run. It is another one each time, so no later start continues a run on a broker. */
export const make = Effect.fnUntraced(function*(kind: Kind) {
  switch (kind) {
    case "postgres":
      return { _tag: "Postgres" } as const
    case "sqs":
      return yield* newQueue
    case "redis": {
      const url = yield* Config.withDefault(Config.String("REDIS_URL"), "")
      if (url === "") {
        return yield* new NoBroker({
          problem: "--transport redis needs a Redis server: set REDIS_URL=redis://localhost:6379, for example."
        })
      }
      return { _tag: "Redis", stream: `main-job:${randomUUID().slice(0, 8)}` } as const
    }
  }
})

/** SQS accepts characters above U+FFFF, and the emulator refuses them. The payloads are JSON, which can escape them. */
const escaping = Layer.effect(
  Transport.Transport,
  Transport.Transport.useSync((transport) => ({
    ...transport,
    publish: (messages) =>
      transport.publish(messages.map((message) => ({
        ...message,
        payload: message.payload.replaceAll(
          /[\uD800-\uDFFF]/g,
          (half) => `\\u${half.charCodeAt(0).toString(16)}`
        )
      })))
  }))
)

/** The transport of the broker. */
const broker = (route: Exclude<Route, { readonly _tag: "Postgres" }>) =>
  route._tag === "Redis"
    ? RedisStreams.layerLog({ stream: route.stream }).pipe(Layer.provide(RedisConnection.layerConfig))
    : Layer.provide(
      escaping,
      Sqs.layer({
        queueUrl: route.queueUrl,
        endpoint: route.endpoint,
        region,
        credentials: { accessKeyId, secretAccessKey: Redacted.make(secret) },
        longPoll: "1 second"
      })
    )

/** Runs a worker of the webhooks on their transport. */
export const over = <A, E, R>(route: Route, worker: Effect.Effect<A, E, R | Store.Store | Transport.Transport>) =>
  route._tag === "Postgres" ? worker : Effect.provide(worker, broker(route))

/** Relays the webhooks to the broker, until interrupted. */
export const relay = (route: Route, { idlePoll, lease }: Worker.WorkerOptions) =>
  route._tag === "Postgres"
    ? Effect.never
    : Layer.launch(Relay.layer(Webhooks, broker(route), { idlePoll, lease, order: "continue" }))

/** Relays what is left of the webhooks. */
export const relayed = (route: Route, options: Worker.WorkerOptions) =>
  route._tag === "Postgres" ? Effect.void : Effect.raceFirst(
    relay(route, options),
    Effect.asVoid(Effect.repeat(Consumers.get(`relay/${Webhooks.name}`), {
      until: ({ waiting }) => waiting.count === 0,
      schedule: Schedule.spaced("50 millis")
    }))
  )

/** Describes the route, for the screen. */
export const describe = (route: Route): string => {
  switch (route._tag) {
    case "Postgres":
      return ""
    case "Redis":
      return `, relayed to the streams ${route.stream} of Redis`
    case "Sqs":
      return `, relayed to the queue ${route.queueUrl}`
  }
}
