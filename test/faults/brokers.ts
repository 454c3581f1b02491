/**
 * A broker between publishers and workers of a fault run. The pieces are published into the outbox of Postgres, a relay
 * sends them to the broker, and workers read them there. Ledger, inbox and dead letters stay in Postgres.
 *
 * Both brokers keep the order of a key: SQS by a FIFO queue, and Redis by a log of streams.
 */

/** The brokers of `--transport`. */
export const kinds = ["sqs", "redis"] as const

export type Kind = typeof kinds[number]

/** How a process reaches the broker of its run. */
export type Broker =
  | { readonly kind: "sqs"; readonly queueUrl: string }
  | { readonly kind: "redis"; readonly url: string; readonly stream: string }

/** The lanes of the consumer. A log of Redis has one for each of its streams. */
export const lanes = 16

/** The order behind a dead letter. SQS hides a message for 12 hours at most, so no key waits there for an operator. */
export const orderOf = (broker: Broker | undefined): "park" | "continue" => broker?.kind === "sqs" ? "continue" : "park"

/** The emulator of SQS accepts any region and credentials. */
export const region = "us-east-1"
export const credentials = { accessKeyId: "faults", secretAccessKey: "none" }
