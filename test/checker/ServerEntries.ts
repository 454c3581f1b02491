/**
 * Entries of a history whose database server forgets: what each server had when it was read, and what was safe from its
 * crash. They say what was lost with a server; they guarantee nothing about what was not read.
 *
 * @since 0.1.0
 */

/**
 * Everything that this process has seen so far is on the disk by now, or on the replica that may be promoted. No crash
 * loses it.
 *
 * @since 0.1.0
 */
export interface Durable {
  readonly _tag: "Durable"
  readonly process: string
}

/**
 * The database server of this number holds a message: in the ledger, waiting, or as a dead letter. It is read from a
 * server before it goes, and from its successor before anything works with that one.
 *
 * @since 0.1.0
 */
export interface ServerHolds {
  readonly _tag: "ServerHolds"
  readonly process: string
  /** The first server of a run is 1. */
  readonly server: number
  readonly consumer: string
  readonly id: string
  readonly key: string
  readonly as: "committed" | "waiting" | "deadLetter"
  /** `false`: read before it was on the disk or on the replica, as with `PublishAnswered`. Default true. */
  readonly durable?: boolean | undefined
}

/**
 * A server is up after its predecessor crashed or was replaced. Its `ServerHolds` before this entry are all that it
 * has. Everything else that this process had seen was lost *with* the server. So this process is the publisher of such
 * a run.
 *
 * @since 0.1.0
 */
export interface ServerReturned {
  readonly _tag: "ServerReturned"
  readonly process: string
  /** From 2 on. */
  readonly server: number
  /**
   * Its first draw, above every draw of its predecessors: a sequence goes back with its server, so the run puts it
   * forward.
   */
  readonly draw: number
}
