/**
 * The server of a broker, for one fault run: a `redis-server` that flushes every write, or the emulator of SQS. Its
 * clients reach it through a proxy, which can cut their connections.
 */
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs"
import { Effect, Scope } from "effect"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Child from "../harness/child.ts"
import { type Proxy, proxy } from "../harness/proxy.ts"
import { freePort, type OwnServer, ownServer } from "../redis/redisServer.ts"
import { type Broker, credentials, type Form, region } from "./brokers.ts"
import type { SqsSetup } from "./sqs-program.ts"

export interface BrokerServer extends Pick<OwnServer, "kill" | "start" | "signal"> {
  /** How clients reach it, through the proxy. */
  readonly broker: Broker
  readonly proxy: Proxy
}

const redis = Effect.fnUntraced(function*(ordered: boolean) {
  const server = yield* ownServer()
  const front = yield* proxy(server.url)
  return { ...server, proxy: front, broker: { kind: "redis", ordered, url: front.url, stream: "pieces" } } as const
})

const program = fileURLToPath(new URL("sqs-program.ts", import.meta.url))

/** The emulator of SQS in a process of its own. Without a directory it keeps its data in memory. */
export const emulator = Effect.fnUntraced(function*(dataDir?: string) {
  const port = yield* freePort
  const setup: SqsSetup = { port, dataDir }
  const scope = yield* Effect.scope
  const started = Effect.provideService(Child.start({ name: "sqs", program, setup }), Scope.Scope, scope)
  const ready = Effect.tap(started, (child) => child.ready)
  let child = yield* ready
  return {
    url: `http://127.0.0.1:${port}`,
    kill: Effect.suspend(() => Effect.asVoid(Effect.andThen(child.signal("SIGKILL"), child.ended))),
    start: Effect.map(ready, (next) => void (child = next)),
    signal: (signal: "SIGSTOP" | "SIGCONT") => Effect.suspend(() => child.signal(signal))
  }
})

/** Creates a FIFO or a standard queue, and returns its path, which is the same at every address of the server. */
export const newQueue = (endpoint: string, name: string, ordered = true) =>
  Effect.promise(async () => {
    const client = new SQSClient({ endpoint, region, credentials })
    const queue = ordered ? { QueueName: `${name}.fifo`, Attributes: { FifoQueue: "true" } } : { QueueName: name }
    const { QueueUrl = "" } = await client.send(new CreateQueueCommand(queue))
    client.destroy()
    return new URL(QueueUrl).pathname
  })

const sqs = Effect.fnUntraced(function*(directory: string, ordered: boolean) {
  const server = yield* emulator(join(directory, "sqs"))
  const front = yield* proxy(server.url)
  const queueUrl = new URL(yield* newQueue(server.url, "pieces", ordered), front.url).toString()
  return { ...server, proxy: front, broker: { kind: "sqs", ordered, queueUrl } } as const
})

/** Starts the server. It keeps its data in the directory, and ends with the scope. */
export const start = ({ kind, ordered }: Form, directory: string): Effect.Effect<BrokerServer, never, Scope.Scope> =>
  kind === "sqs" ? sqs(directory, ordered) : redis(ordered)
