/**
 * Sends the requests of `SqsApi.ts` with the AWS client.
 *
 * Polls have a client of their own, so that a poll that waits holds no connection that a renewal needs. A poll is never
 * aborted, and its timeout is longer than its wait. Every other request has a short timeout.
 *
 * @since 0.1.0
 */
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
  type SQSClientConfig
} from "@aws-sdk/client-sqs"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { TransportError } from "../Errors.ts"
import type { EntryFailure, Results } from "../internal/broker/BrokerQueue.ts"
import { engineOf, type Outgoing, type Received, type SqsApi } from "./SqsApi.ts"

/** How to reach a queue. */
export interface Connection {
  readonly queueUrl: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly credentials: {
    readonly accessKeyId: string
    readonly secretAccessKey: Redacted.Redacted
    readonly sessionToken: Redacted.Redacted | undefined
  } | undefined
}

/** The longest wait for the answer to a request that is no poll, in milliseconds. The client tries three times. */
const requestTimeout = 5_000

/** The names of errors that no later request can undo. */
const permanent = /QueueDoesNotExist|NonExistentQueue|InvalidAddress|UnsupportedOperation/

/** The names of errors with which SQS has answered that it did nothing. */
const answered = /Throttl|AccessDenied|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient|Expired|Refused/i

interface Thrown {
  readonly name?: unknown
  readonly message?: unknown
  readonly Code?: unknown
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** Returns the error of a request. It has names and codes only, since the text of the client may quote a credential. */
const failure = (engine: string, operation: string) => (thrown: unknown): TransportError => {
  const { $metadata, code, Code, name } = Object(thrown) as Thrown
  const words = [name, Code, code].filter((word, i, all) =>
    typeof word === "string" && word !== "Error" && all.indexOf(word) === i
  )
  const status = $metadata?.httpStatusCode
  const said = words.length === 0 ? "it did not answer" : words.join(" ")
  return new TransportError({
    engine,
    operation,
    kind: words.some((word) => permanent.test(String(word))) ? "permanent" : "temporary",
    detail: permanent.test(said)
      ? `${said}: the queue does not exist at this address, or was deleted`
      : status === undefined
      ? said
      : `${said} (HTTP ${status})`
  })
}

/** Returns whether the error says that SQS did nothing. Otherwise the outcome of the request is unknown. */
export const didNothing = ({ detail }: TransportError): boolean => answered.test(detail)

const configOf = ({ credentials, endpoint, region }: Connection): SQSClientConfig => ({
  ...(region === undefined ? {} : { region }),
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(credentials === undefined ? {} : {
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: Redacted.value(credentials.secretAccessKey),
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: Redacted.value(credentials.sessionToken) })
    }
  })
})

/** Opens a client, which is destroyed when the scope closes. */
const opened = (config: SQSClientConfig): Effect.Effect<SQSClient, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(() => new SQSClient(config)), (client) => Effect.sync(() => client.destroy()))

const textAttributes = (message: Message): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).flatMap(([name, { StringValue }]) =>
      StringValue === undefined ? [] : [[name, StringValue]]
    )
  )

const receivedOf = (message: Message): Received => {
  const system = message.Attributes ?? {}
  const sequence = system.SequenceNumber
  return {
    messageId: message.MessageId ?? "",
    handle: message.ReceiptHandle ?? "",
    body: message.Body ?? "",
    attributes: textAttributes(message),
    groupId: sequence === undefined ? undefined : system.MessageGroupId,
    sequence: sequence === undefined ? undefined : BigInt(sequence),
    receiveCount: Number(system.ApproximateReceiveCount ?? 1),
    sentAt: Number(system.SentTimestamp ?? 0)
  }
}

/** Returns a result for each entry, from the failures that SQS lists. `Id` is the entry's number. */
const resultsOf = (
  entries: ReadonlyArray<unknown>,
  { Failed }: { readonly Failed?: ReadonlyArray<BatchFailure> | undefined }
): Results => {
  const failed = new Map((Failed ?? []).map((failure) => [Number(failure.Id), failure]))
  return entries.map((_, i): EntryFailure | undefined => {
    const found = failed.get(i)
    if (found === undefined) return undefined
    return { outcome: found.SenderFault === true ? "refused" : "notDone", detail: found.Code ?? "no code" }
  })
}

interface BatchFailure {
  readonly Id?: string | undefined
  readonly Code?: string | undefined
  readonly SenderFault?: boolean | undefined
}

const outgoing = ({ attributes, body, deduplicationId, groupId }: Outgoing, i: number) => ({
  Id: String(i),
  MessageBody: body,
  MessageAttributes: Object.fromEntries(
    Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: "String", StringValue }])
  ),
  ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
  ...(deduplicationId === undefined ? {} : { MessageDeduplicationId: deduplicationId })
})

/** Returns the number in a redrive policy. A policy that does not parse counts as one that discards at once. */
const maxReceiveCountOf = (policy: string | undefined): number | undefined => {
  if (policy === undefined || policy === "") return undefined
  try {
    return Number((JSON.parse(policy) as { readonly maxReceiveCount?: unknown }).maxReceiveCount)
  } catch {
    return 0
  }
}

/** Opens the clients of a queue. `longPollMillis` is the longest wait of a poll. */
export const make = Effect.fnUntraced(function*(
  connection: Connection,
  longPollMillis: number
): Effect.fn.Return<SqsApi, never, Scope.Scope> {
  const config = configOf(connection)
  const timeouts = (millis: number) => ({
    requestTimeout: millis,
    throwOnRequestTimeout: true,
    connectionTimeout: 3_000
  })
  const client = yield* opened({ ...config, requestHandler: timeouts(requestTimeout) })
  const polls = yield* opened({ ...config, maxAttempts: 1, requestHandler: timeouts(longPollMillis + requestTimeout) })
  const fifo = connection.queueUrl.endsWith(".fifo")
  const engine = engineOf({ fifo })
  const QueueUrl = connection.queueUrl
  return {
    fifo,
    settings: Effect.tryPromise({
      try: (abortSignal) =>
        client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }), { abortSignal }),
      catch: failure(engine, "read the settings of the queue")
    }).pipe(Effect.map(({ Attributes = {} }) => ({
      maxReceiveCount: maxReceiveCountOf(Attributes["RedrivePolicy"]),
      retentionSeconds: Number(Attributes["MessageRetentionPeriod"] ?? 345_600),
      maximumBytes: Number(Attributes["MaximumMessageSize"] ?? 1_048_576)
    }))),
    receive: ({ hideSeconds, most, waitSeconds }) =>
      Effect.tryPromise({
        // No signal: an aborted poll would leave messages hidden that no worker has received.
        try: () =>
          polls.send(
            new ReceiveMessageCommand({
              QueueUrl,
              MaxNumberOfMessages: most,
              WaitTimeSeconds: waitSeconds,
              VisibilityTimeout: hideSeconds,
              MessageSystemAttributeNames: ["All"],
              MessageAttributeNames: ["All"]
            })
          ),
        catch: failure(engine, "receive messages")
      }).pipe(Effect.map(({ Messages = [] }) => Messages.map(receivedOf))),
    hide: (entries) =>
      Effect.tryPromise({
        try: (abortSignal) =>
          client.send(
            new ChangeMessageVisibilityBatchCommand({
              QueueUrl,
              Entries: entries.map(({ handle, seconds }, i) => ({
                Id: String(i),
                ReceiptHandle: handle,
                VisibilityTimeout: seconds
              }))
            }),
            { abortSignal }
          ),
        catch: failure(engine, "change the visibility of messages")
      }).pipe(Effect.map((answer) => resultsOf(entries, answer))),
    remove: (handles) =>
      Effect.tryPromise({
        try: (abortSignal) =>
          client.send(
            new DeleteMessageBatchCommand({
              QueueUrl,
              Entries: handles.map((handle, i) => ({ Id: String(i), ReceiptHandle: handle }))
            }),
            { abortSignal }
          ),
        catch: failure(engine, "delete messages")
      }).pipe(Effect.map((answer) => resultsOf(handles, answer))),
    send: (messages) =>
      Effect.tryPromise({
        try: (abortSignal) =>
          client.send(new SendMessageBatchCommand({ QueueUrl, Entries: messages.map(outgoing) }), { abortSignal }),
        catch: failure(engine, "send messages")
      }).pipe(Effect.map((answer) => resultsOf(messages, answer)))
  }
})
