/** The setup of a child process, which the parent passes as JSON in `MILLRACE_SETUP`. */
import type { Relay, Worker } from "millrace"
import type { Broker } from "./brokers.ts"
import type { Fault } from "./Faults.ts"
import type { Piece } from "./pieces.ts"

interface Common {
  /** Unique to this life of the process. */
  readonly name: string
  /** The database, perhaps through a proxy. */
  readonly url: string
  readonly schema: string
  readonly consumer: string
  /** The file of its history. */
  readonly history: string
  readonly faults: ReadonlyArray<Fault>
  /** Where the pieces wait for their workers. By default that is the database. */
  readonly broker?: Broker | undefined
}

/** Runs the pipeline. */
export interface WorkerSetup extends Common {
  readonly role: "worker"
  readonly options: Worker.WorkerOptions
  /** See `broken.ts`. */
  readonly broken?: boolean | undefined
  /** How long the answer to COMMIT is awaited. */
  readonly commitTimeoutMillis?: number | undefined
  /** How long what is over is remembered, and how often that is looked at, in milliseconds; default as everywhere. */
  readonly retention?: { readonly inbox: number; readonly audit: number; readonly every: number } | undefined
  /** How far its wall clock is off, and how often it jumps there and back. */
  readonly clock?: { readonly offMillis: number; readonly jumpEveryMillis: number } | undefined
  /** Attempts that a message may have here, for the checker. */
  readonly attempts?: number | undefined
}

/** Publishes, one batch after the other, and ends. */
export interface PublisherSetup extends Common {
  readonly role: "publisher"
  readonly batches: ReadonlyArray<ReadonlyArray<Piece>>
  /** Each batch in a transaction of the store, or by itself. */
  readonly inTransaction: boolean
}

/** Decides on open dead letters, and ends. */
export interface OperatorSetup extends Common {
  readonly role: "operator"
  readonly decision: "redrive" | "discard"
  readonly deadLetters: ReadonlyArray<{ readonly deadLetterId: string; readonly id: string; readonly key: string }>
}

/** Builds so many workers' layers side by side for each database that it reads from its input. */
export interface StarterSetup extends Common {
  readonly role: "starter"
  readonly options: Worker.WorkerOptions
  readonly layers: number
}

/** Relays the pieces to the broker. */
export interface RelaySetup extends Common {
  readonly role: "relay"
  readonly broker: Broker
  readonly options: Relay.RelayOptions
  /** How long it waits at most before and after each publish, in milliseconds, so that it can be killed there. */
  readonly slowMillis: number
  /** The file in which it lists the ids that the broker has confirmed. */
  readonly published: string
}

export type Setup = WorkerSetup | PublisherSetup | OperatorSetup | StarterSetup | RelaySetup
