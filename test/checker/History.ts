/**
 * The history of a run, as one append-only list of entries: publishes and their results, handlers, injected faults, and
 * the final state of the database. The checker reads nothing else.
 *
 * A history is JSON lines. Entries of one process stand in the order in which they happened there. Entries of different
 * processes may be mixed in any way, and no clocks appear. Entries that are compared across processes carry a **draw**:
 * a number from the database sequence that also numbers the ledger. The process that reads the database writes its
 * facts (`Committed`, `DeadLettered`, `Waiting`, `Outgoing`, `Takeover`), the ledger in commit order.
 *
 * A history guarantees nothing about what it leaves out. A rule whose facts are missing counts nothing, and says so.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { DeadLetterOrder, Reason, State } from "../../src/DeadLetter.ts"
import * as WellFormed from "./rules/wellFormed.ts"
import type { Durable, ServerHolds, ServerReturned } from "./ServerEntries.ts"

export type { Durable, ServerHolds, ServerReturned } from "./ServerEntries.ts"

/**
 * A message that was made to fail, and how its dead letter must look. `conflict`: a second payload under a committed
 * id.
 *
 * @since 0.1.0
 */
export interface Poison {
  readonly reason: Reason | "conflict"
  /** Failed attempts that the dead letter must show for each round (first flow, each redrive), if the run can know. */
  readonly attempts?: number | undefined
}

/**
 * The run begins: what repeats it.
 *
 * @since 0.1.0
 */
export interface RunStarted {
  readonly _tag: "RunStarted"
  readonly seed: number
  readonly command: string
}

/**
 * A consumer that is registered before anything is published for it: it must get every message of its topics.
 *
 * @since 0.1.0
 */
export interface ConsumerRegistered {
  readonly _tag: "ConsumerRegistered"
  readonly consumer: string
  readonly topics: ReadonlyArray<string>
  readonly order: DeadLetterOrder
}

/**
 * A process begins; its name is unique to this life of it (`w2#5`). Limits are those that handlers must keep.
 *
 * @since 0.1.0
 */
export interface ProcessStarted {
  readonly _tag: "ProcessStarted"
  readonly process: string
  readonly limits?: { readonly inFlight?: number | undefined; readonly attempts?: number | undefined } | undefined
}

/**
 * A process has ended: by itself (with a code) or by a signal.
 *
 * @since 0.1.0
 */
export interface ProcessEnded {
  readonly _tag: "ProcessEnded"
  readonly process: string
  readonly code: number | null
  readonly signal: string | null
}

/**
 * A producer is about to publish. One without an answer later has an unknown outcome.
 *
 * @since 0.1.0
 */
export interface PublishTried {
  readonly _tag: "PublishTried"
  readonly process: string
  readonly id: string
  readonly topic: string
  readonly key: string
  /** Ascending within the key in the order of publishing; one producer numbers a key. */
  readonly position: number
  /** Published together with others of this name, in one transaction, in the order of their positions. */
  readonly batch?: string | undefined
  readonly poison?: Poison | undefined
}

/**
 * The result that the producer got. `failed` means surely not stored, and `unknown` means perhaps stored. A delayed
 * message is published when it is due. It is `failed` if it was cancelled or replaced in time, and `unknown` if that
 * cannot be known.
 *
 * @since 0.1.0
 */
export interface PublishAnswered {
  readonly _tag: "PublishAnswered"
  readonly process: string
  readonly id: string
  readonly answer: "acknowledged" | "failed" | "unknown"
  /**
   * `false`: acknowledged before it was on the disk, or on the replica that may take over. A `Durable` makes up for it.
   * Default true.
   */
  readonly durable?: boolean | undefined
}

/**
 * A handler begins an attempt.
 *
 * @since 0.1.0
 */
export interface HandlerStarted {
  readonly _tag: "HandlerStarted"
  readonly process: string
  readonly consumer: string
  readonly id: string
  readonly key: string
  readonly attempt: number
  readonly lane?: number | undefined
  readonly token?: number | undefined
  /** Drawn before anything else is done. */
  readonly draw?: number | undefined
  /**
   * Names the transaction that it runs in, if it runs in one from its start (no effectful step precedes the commit
   * step).
   */
  readonly transaction?: string | undefined
}

/**
 * A handler has ended: `done` says that its last step ended well, not that it was committed.
 *
 * @since 0.1.0
 */
export interface HandlerEnded {
  readonly _tag: "HandlerEnded"
  readonly process: string
  readonly consumer: string
  readonly id: string
  readonly key: string
  readonly outcome: "done" | "failed" | "interrupted"
  /** Drawn after everything else was done. */
  readonly draw?: number | undefined
}

/**
 * A fault was injected.
 *
 * @since 0.1.0
 */
export interface FaultInjected {
  readonly _tag: "FaultInjected"
  readonly process: string
  /** `SIGKILL`, `SIGSTOP`, `backend terminated`, ... */
  readonly name: string
  /** The process that it hit, if it hit one. */
  readonly target?: string | undefined
  /** The crash window that it hit, normally one of `CrashWindows.windows`. */
  readonly window?: string | undefined
}

/**
 * The database confirmed that a lane whose lease had expired changed hands. A claim of a free lane is none.
 *
 * @since 0.1.0
 */
export interface Takeover {
  readonly _tag: "Takeover"
  readonly consumer: string
  readonly lane: number
  /** The new token. */
  readonly token: number
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly draw?: number | undefined
}

/**
 * An operator decided about a dead letter or a key.
 *
 * @since 0.1.0
 */
export interface OperatorActed {
  readonly _tag: "OperatorActed"
  readonly process: string
  readonly action: "redrive" | "discard" | "park" | "release"
  readonly consumer: string
  readonly key: string
  /** The dead message, for redrive, discard, and a release that lets a key go on past its dead letter. */
  readonly id?: string | undefined
  readonly draw?: number | undefined
}

/**
 * A bounded quantity was measured, with the setting that bounds it.
 *
 * @since 0.1.0
 */
export interface Sampled {
  readonly _tag: "Sampled"
  readonly process: string
  /** `in flight`, `memory`, `waiting`, ... */
  readonly quantity: string
  readonly value: number
  readonly limit: number
}

/**
 * From here on nothing more is done to harm the run.
 *
 * @since 0.1.0
 */
export interface FaultsStopped {
  readonly _tag: "FaultsStopped"
  readonly process: string
}

/**
 * After the faults had stopped, the run waited until nothing moved any more: for so long, by the clock of one process.
 *
 * @since 0.1.0
 */
export interface Settled {
  readonly _tag: "Settled"
  readonly process: string
  readonly millis: number
  readonly boundMillis: number
}

/**
 * A row of the ledger, written in the message's own transaction. Rows stand in commit order.
 *
 * @since 0.1.0
 */
export interface Committed {
  readonly _tag: "Committed"
  readonly consumer: string
  readonly id: string
  readonly key: string
  readonly position: number
  readonly worker: string
  readonly attempt: number
  readonly lane?: number | undefined
  readonly token?: number | undefined
  readonly draw?: number | undefined
  readonly transaction?: string | undefined
  /** Ids of the outgoing messages of this effect, in order. */
  readonly emits?: ReadonlyArray<string> | undefined
  /** The `chain` of the row that was the key's last when this one was written; empty if there was none. */
  readonly previous?: string | undefined
  /** Hash over `previous` and this row. */
  readonly chain?: string | undefined
}

/**
 * A dead letter as it is at the end.
 *
 * @since 0.1.0
 */
export interface DeadLettered {
  readonly _tag: "DeadLettered"
  readonly consumer: string
  readonly id: string
  readonly key: string
  readonly reason: Reason
  readonly state: State
  readonly parked: boolean
  readonly redriven: number
  /** Of every failed attempt, oldest first. */
  readonly attempts: ReadonlyArray<{ readonly attempt: number; readonly tag: string }>
  /** Drawn when it was dead-lettered for the first time. */
  readonly draw?: number | undefined
}

/**
 * A message that still waits at the end. `parked`: behind a dead letter or an operator's hold. `due`: until a time that
 * is far off. `unrouted`: for a consumer (`consumer` is empty).
 *
 * @since 0.1.0
 */
export interface Waiting {
  readonly _tag: "Waiting"
  readonly consumer: string
  readonly id: string
  readonly key: string
  readonly state: "ready" | "held" | "parked" | "due" | "unrouted"
}

/**
 * An outgoing message as its receivers find it. They stand in the order in which they were published.
 *
 * @since 0.1.0
 */
export interface Outgoing {
  readonly _tag: "Outgoing"
  readonly id: string
  readonly key: string
  /** The consumer and the message whose effect wrote it. */
  readonly consumer: string
  readonly source: string
}

/**
 * One thing that happened, or one fact of the database.
 *
 * @since 0.1.0
 */
export type Entry =
  | RunStarted
  | ConsumerRegistered
  | ProcessStarted
  | ProcessEnded
  | PublishTried
  | PublishAnswered
  | HandlerStarted
  | HandlerEnded
  | FaultInjected
  | Takeover
  | OperatorActed
  | Sampled
  | Durable
  | ServerHolds
  | ServerReturned
  | FaultsStopped
  | Settled
  | Committed
  | DeadLettered
  | Waiting
  | Outgoing

/**
 * Entries that can be walked through as often as one likes: an array, say.
 *
 * @since 0.1.0
 */
export type History = Iterable<Entry>

/**
 * An entry as a Schema, for reading and documenting files.
 *
 * @since 0.1.0
 */
export const Entry: Schema.Schema<Entry> = Schema.Union(Object.values(WellFormed.schemas))

/**
 * Takes entries down. Append-only and synchronous, so that nothing can come between what happens and its entry.
 *
 * @since 0.1.0
 */
export interface Recorder {
  readonly record: (entry: Entry) => void
  /** The recorded entries. Empty if lines go to a sink. */
  readonly entries: ReadonlyArray<Entry>
}

/**
 * Makes a recorder that keeps entries in memory, or hands each as one line of JSON (with its line feed) to a sink. The
 * sink writes it before it returns. A process can be killed at any moment, and a buffered line is lost then.
 *
 * @since 0.1.0
 */
export const recorder = (sink?: (line: string) => void): Recorder => {
  const entries: Array<Entry> = []
  return {
    record: sink === undefined ? (entry) => void entries.push(entry) : (entry) => sink(toLine(entry)),
    entries
  }
}

/**
 * One line of a history file, with its line feed.
 *
 * @since 0.1.0
 */
export const toLine = (entry: Entry): string => `${JSON.stringify(entry)}\n`

/**
 * A line of a history is not an entry.
 *
 * @since 0.1.0
 */
export class HistoryUnreadable extends Schema.TaggedError<HistoryUnreadable>("millrace/testing/HistoryUnreadable")(
  "HistoryUnreadable",
  { file: Schema.String, line: Schema.Int, problem: Schema.String }
) {
  override get message() {
    return `Line ${this.line} of ${this.file} is not an entry of a history: ${this.problem}. Nothing was checked. `
      + "If its writer was killed in the middle of the line, read the file with { tornEnd: \"drop\" }."
  }
}

/**
 * How to read files.
 *
 * @since 0.1.0
 */
export interface ReadOptions {
  /**
   * Says how to treat a last line without a line feed that is no entry, as a killed writer leaves it. Default `refuse`.
   */
  readonly tornEnd?: "refuse" | "drop" | undefined
}

/**
 * Hands every entry of the files to a function, in order, without keeping them. Fails at the first line that is not
 * one.
 *
 * @since 0.1.0
 */
export const forEach = Effect.fnUntraced(function*(
  files: ReadonlyArray<string>,
  use: (entry: Entry) => void,
  options?: ReadOptions
): Effect.fn.Return<void, HistoryUnreadable | PlatformError.PlatformError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  for (const file of files) {
    const lines = new WellFormed.Lines(use)
    const refused = (problem: WellFormed.Problem | undefined) =>
      problem === undefined ? Effect.void : Effect.fail(new HistoryUnreadable({ file, ...problem }))
    yield* Stream.runForEach(fs.stream(file, { chunkSize: 65_536 }), (bytes) => refused(lines.take(bytes)))
    const torn = lines.end()
    if (options?.tornEnd !== "drop") yield* refused(torn)
  }
})

/**
 * The entries of the files, in memory.
 *
 * @since 0.1.0
 */
export const read = (files: ReadonlyArray<string>, options?: ReadOptions) =>
  Effect.suspend(() => {
    const entries: Array<Entry> = []
    return Effect.as(forEach(files, (entry) => void entries.push(entry), options), entries as ReadonlyArray<Entry>)
  })
