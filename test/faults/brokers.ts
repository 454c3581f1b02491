/**
 * A broker between publishers and workers of a fault run. The pieces are published into the outbox of Postgres, a relay
 * sends them to the broker, and workers read them there. Ledger, inbox and dead letters stay in Postgres.
 *
 * Each broker has two forms. SQS keeps the order of a key by a FIFO queue, and Redis by a log of streams. A standard
 * queue and a group of a stream keep no order.
 */

/** The brokers of `--transport`. */
export const kinds = ["sqs", "redis"] as const

export type Kind = typeof kinds[number]

/** A broker, and whether it keeps the order of a key. */
export interface Form {
  readonly kind: Kind
  readonly ordered: boolean
}

/** How a process reaches the broker of its run. */
export type Broker =
  & { readonly ordered: boolean }
  & (
    | { readonly kind: "sqs"; readonly queueUrl: string }
    | { readonly kind: "redis"; readonly url: string; readonly stream: string }
  )

/** The lanes of the consumer. A log of Redis has one for each of its streams. */
export const lanes = 16

/** The order behind a dead letter. A key without order waits for no operator. */
export const orderOf = (broker: Form | undefined): "park" | "continue" =>
  broker?.ordered === false ? "continue" : "park"

/** The emulator of SQS accepts any region and credentials. */
export const region = "us-east-1"
export const credentials = { accessKeyId: "faults", secretAccessKey: "none" }
