/** A server that speaks SQS: `SQS_ENDPOINT`, or the emulator `fauxqs` in this process. */
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient
} from "@aws-sdk/client-sqs"
import { Effect, Layer, Redacted } from "effect"
import { startFauxqs } from "fauxqs"
import { Memory } from "millrace"
import { Sqs } from "millrace/sqs"
import { randomUUID } from "node:crypto"

export const credentials = { accessKeyId: "test", secretAccessKey: Redacted.make("the-secret-of-the-test") }
export const region = "us-east-1"

/** The address of the server, which lives while the scope is open. */
export const endpoint = Effect.gen(function*() {
  const given = process.env["SQS_ENDPOINT"]
  if (given !== undefined && given !== "") return given
  const server = yield* Effect.acquireRelease(
    Effect.promise(() => startFauxqs({ port: 0, logger: false })),
    (server) => Effect.promise(() => server.stop())
  )
  return server.address
})

/** The transport on a queue of the server, with the memory store. */
export const on = (address: string, queueUrl: string, options: Partial<Sqs.SqsOptions> = {}) =>
  Sqs.layer({ queueUrl, endpoint: address, region, credentials, longPoll: "1 second", ...options }).pipe(
    Layer.provideMerge(Memory.layer)
  )

/** The plain client of AWS, as a sender or receiver that knows nothing of Millrace. */
export const plain = (address: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        new SQSClient({
          endpoint: address,
          region,
          credentials: { accessKeyId: "test", secretAccessKey: Redacted.value(credentials.secretAccessKey) }
        })
      ),
      (client) => Effect.sync(() => client.destroy())
    ),
    (client) => ({
      createQueue: (fifo: boolean, attributes: Readonly<Record<string, string>> = {}) =>
        Effect.promise(async () => {
          const name = `q-${randomUUID().slice(0, 13)}${fifo ? ".fifo" : ""}`
          const { QueueUrl } = await client.send(
            new CreateQueueCommand({
              QueueName: name,
              Attributes: { ...(fifo ? { FifoQueue: "true" } : {}), ...attributes }
            })
          )
          return QueueUrl!
        }),
      deleteQueue: (QueueUrl: string) => Effect.promise(() => client.send(new DeleteQueueCommand({ QueueUrl }))),
      send: (QueueUrl: string, MessageBody: string, more: object = {}) =>
        Effect.promise(() => client.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }))),
      receive: (QueueUrl: string): Effect.Effect<ReadonlyArray<Message>> =>
        Effect.promise(async () => {
          const { Messages = [] } = await client.send(
            new ReceiveMessageCommand({
              QueueUrl,
              MaxNumberOfMessages: 10,
              WaitTimeSeconds: 1,
              MessageAttributeNames: ["All"],
              MessageSystemAttributeNames: ["All"]
            })
          )
          for (const { ReceiptHandle } of Messages) {
            await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
          }
          return Messages
        })
    })
  )
