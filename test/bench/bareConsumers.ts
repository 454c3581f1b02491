/**
 * Bare consumers of SQS and Redis, for `npm run bench -- brokers`: loops around the plain client. Each loop reads a
 * batch, commits the inbox record and the ledger row of each message in a transaction, and acknowledges the batch.
 *
 * There are no leases to renew, retries, dead letters or metrics. The effects happen once, since the inbox is the same
 * idea.
 */
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { createClient } from "redis"
import { credentials, region } from "../faults/brokers.ts"

/** As many as a worker has committers. */
const loops = 4

interface Bodied {
  readonly body: string
}

/** A broker's plain client: the next batch of a loop, and the acknowledgement of the whole batch. */
interface Plain<M extends Bodied> {
  readonly receive: (loop: number) => Promise<ReadonlyArray<M>>
  readonly acknowledge: (batch: ReadonlyArray<M>, loop: number) => Promise<unknown>
}

/** Processes so many messages, each in a transaction of its own. */
const consume = Effect.fnUntraced(function*<M extends Bodied>(
  messages: number,
  { acknowledge, receive }: Plain<M>
) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`drop table if exists bare_inbox`
  yield* sql`create table bare_inbox (consumer text, message_id text, at timestamptz default now(),
    primary key (consumer, message_id))`
  let done = 0
  const commit = ({ body }: M) => {
    const { amount, id, key } = JSON.parse(body) as {
      readonly id: string
      readonly key: string
      readonly amount: number
    }
    return sql.withTransaction(Effect.gen(function*() {
      const fresh = yield* sql`insert into bare_inbox (consumer, message_id) values ('bare', ${id})
        on conflict do nothing returning 1`
      if (fresh.length === 0) return
      yield* sql`insert into millrace_ledger (message_id, key, amount) values (${id}, ${key}, ${amount})`
    }))
  }
  const loop = (number: number) =>
    Effect.gen(function*() {
      while (done < messages) {
        const batch = yield* Effect.promise(() => receive(number))
        yield* Effect.forEach(batch, commit, { discard: true })
        done += batch.length
        if (batch.length > 0) yield* Effect.promise(() => acknowledge(batch, number))
      }
    })
  yield* Effect.forEach(Array.from({ length: loops }, (_, number) => number), loop, { concurrency: loops })
})

/** A consumer of a queue by the AWS client: ten messages in a request. */
export const sqs = (messages: number, QueueUrl: string) =>
  Effect.gen(function*() {
    const client = yield* Effect.acquireRelease(
      Effect.sync(() => new SQSClient({ endpoint: new URL(QueueUrl).origin, region, credentials })),
      (client) => Effect.sync(() => client.destroy())
    )
    yield* consume(messages, {
      receive: async () => {
        const { Messages = [] } = await client.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 })
        )
        return Messages.map(({ Body = "", ReceiptHandle }) => ({ body: Body, handle: ReceiptHandle }))
      },
      acknowledge: (batch) =>
        client.send(
          new DeleteMessageBatchCommand({
            QueueUrl,
            Entries: batch.map(({ handle }, i) => ({ Id: String(i), ReceiptHandle: handle }))
          })
        )
    })
  }).pipe(Effect.scoped)

/** A group on the shards of a log, by the client `redis`. Each loop has its own shards, and reads 100 messages. */
export const redis = (messages: number, url: string, stream: string, shards: number) =>
  Effect.gen(function*() {
    const client = yield* Effect.acquireRelease(
      Effect.promise(() => createClient({ url }).connect()),
      (client) => Effect.promise(() => client.close())
    )
    const streams = Array.from({ length: shards }, (_, shard) => `${stream}:${shard}`)
    for (const one of streams) yield* Effect.promise(() => client.xGroupCreate(one, "bare", "0", { MKSTREAM: true }))
    const turns = new Map<number, number>()
    yield* consume(messages, {
      receive: async (loop) => {
        const own = streams.filter((_, shard) => shard % loops === loop)
        const turn = turns.get(loop) ?? 0
        turns.set(loop, turn + 1)
        const key = own[turn % own.length]!
        const found = await client.xReadGroup("bare", `c${loop}`, { key, id: ">" }, { COUNT: 100 }) as
          | ReadonlyArray<{ readonly messages: ReadonlyArray<{ readonly id: string; readonly message: Fields }> }>
          | null
        return (found?.[0]?.messages ?? []).map(({ id, message }) => ({ key, id, body: message["data"] ?? "" }))
      },
      acknowledge: (batch) => client.xAck(batch[0]!.key, "bare", batch.map(({ id }) => id))
    })
  }).pipe(Effect.scoped)

type Fields = Readonly<Record<string, string>>
