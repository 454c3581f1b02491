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
import type { TransportError } from "../Errors.ts"
import type { Results } from "../internal/broker/BrokerQueue.ts"
import { engineOf, type Outgoing, type Received, type SqsApi } from "./SqsApi.ts"
import * as SqsFailure from "./SqsFailure.ts"

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
  { Failed }: { readonly Failed?: ReadonlyArray<SqsFailure.FailedEntry> | undefined }
): Results => {
  const failed = new Map((Failed ?? []).map((failure) => [Number(failure.Id), SqsFailure.entryOutcome(failure)]))
  return entries.map((_, i) => failed.get(i))
}

/**
 * Sends a request with several entries. If SQS refuses it because of one entry, each entry is sent alone, one after the
 * other. Then only the bad one is refused.
 */
const batch = <A>(
  entries: ReadonlyArray<A>,
  request: (some: ReadonlyArray<A>) => Effect.Effect<Parameters<typeof resultsOf>[1], SqsFailure.Failed>
): Effect.Effect<Results, SqsFailure.Failed> =>
  request(entries).pipe(
    Effect.map((answer) => resultsOf(entries, answer)),
    Effect.catchIf(
      ({ ofEntry }) => ofEntry,
      ({ error: { detail } }) =>
        entries.length === 1
          ? Effect.succeed<Results>([{ outcome: "refused", detail }])
          : Effect.map(
            Effect.forEach(entries, (one) => eachOutcome(batch([one], request), 1)),
            (results) => results.flat()
          )
    )
  )

/** Returns a request whose failure is the outcome of each of its entries, unless it is permanent. */
const eachOutcome = (
  request: Effect.Effect<Results, SqsFailure.Failed>,
  entries: number
): Effect.Effect<Results, SqsFailure.Failed> =>
  Effect.catchIf(
    request,
    ({ error }) => error.kind === "temporary",
    ({ outcome }) => Effect.succeed<Results>(Array.from({ length: entries }, () => outcome))
  )

const errorOf = ({ error }: SqsFailure.Failed): TransportError => error

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
  const failed = (operation: string) => SqsFailure.failed(engineOf({ fifo }), operation)
  const QueueUrl = connection.queueUrl
  return {
    fifo,
    settings: Effect.tryPromise({
      try: (abortSignal) =>
        client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }), { abortSignal }),
      catch: (thrown) => failed("read the settings of the queue")(thrown).error
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
        catch: (thrown) => failed("receive messages")(thrown).error
      }).pipe(Effect.map(({ Messages = [] }) => Messages.map(receivedOf))),
    hide: (entries) =>
      Effect.mapError(
        batch(entries, (some) => {
          const Entries = some.map(({ handle, seconds }, i) => ({
            Id: String(i),
            ReceiptHandle: handle,
            VisibilityTimeout: seconds
          }))
          return Effect.tryPromise({
            try: (abortSignal) =>
              client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }), { abortSignal }),
            catch: failed("change the visibility of messages")
          })
        }),
        errorOf
      ),
    remove: (handles) =>
      Effect.mapError(
        batch(handles, (some) => {
          const Entries = some.map((handle, i) => ({ Id: String(i), ReceiptHandle: handle }))
          return Effect.tryPromise({
            try: (abortSignal) => client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }), { abortSignal }),
            catch: failed("delete messages")
          })
        }),
        errorOf
      ),
    send: (messages) => {
      const request = batch(messages, (some) =>
        Effect.tryPromise({
          try: (abortSignal) =>
            client.send(new SendMessageBatchCommand({ QueueUrl, Entries: some.map(outgoing) }), { abortSignal }),
          catch: failed("send messages")
        }))
      return Effect.mapError(eachOutcome(request, messages.length), errorOf)
    }
  }
})
