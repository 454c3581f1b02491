/**
 * The facts of a running system for the operator who reads them: what is stuck, since when, why, and what blocks.
 *
 * Every fact is read from the database by statements of bounded cost, so it covers the workers of all processes. It
 * needs no worker in this process, and works on Postgres and on PGlite. Facts only read. Operator actions on redrive
 * runs are here. Those on single dead letters and on consumers stay with `DeadLetters` and `Consumers`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type { DeadLetter } from "../DeadLetter.ts"
import type {
  ConsumerNotFound,
  DeadLetterConflict,
  DeadLetterExists,
  DeadLetterNotFound,
  EditUndecodable,
  InvalidDeadLetter,
  InvalidMessage,
  InvalidName,
  InvalidOperatorAction,
  InvalidSetting,
  MessageNotWaiting,
  NothingToAdvance,
  NothingToRedrive,
  QueueChanged,
  RedriveRunConflict,
  RedriveRunning,
  RedriveRunNotFound,
  StoreFailure
} from "../Errors.ts"
import * as Names from "../postgres/sql/names.ts"
import { type OperatorAction, Store } from "../Store.ts"
import * as EditActions from "./actions/EditActions.ts"
import * as ImportActions from "./actions/ImportActions.ts"
import * as KeyAdvances from "./actions/KeyAdvances.ts"
import * as MessageActions from "./actions/MessageActions.ts"
import * as NoteActions from "./actions/NoteActions.ts"
import * as PurgeActions from "./actions/PurgeActions.ts"
import * as RedriveActions from "./actions/RedriveActions.ts"
import type { ConsumerFacts, LaneFacts, WorkerFacts } from "./ConsumerFacts.ts"
import type { Blocker, SnapshotOwner, StorageFacts } from "./DatabaseFacts.ts"
import type { ImportAction, Imported } from "./DeadLetterImport.ts"
import type { DeadLetterSearch, DeadLettersFound } from "./DeadLetterSearch.ts"
import type { EditPreview } from "./EditPreview.ts"
import type { Count, Visible } from "./Fact.ts"
import type {
  FailureFacts,
  FailureHistory,
  FailureQuery,
  HistoryQuery,
  RedriveFacts,
  RedriveQuery
} from "./FailureFacts.ts"
import type { KeyAdvance, StuckKey, StuckQuery } from "./KeyFacts.ts"
import type { CountOptions, Listed } from "./Listed.ts"
import type {
  DelayedFacts,
  FindQuery,
  Found,
  StoredMessages,
  Suspect,
  UnroutedFacts,
  WaitingMessage,
  WaitingQuery
} from "./MessageFacts.ts"
import type { PurgeAction, PurgePreview, QueuedMessage } from "./Purge.ts"
import * as ConsumerReader from "./read/ConsumerReader.ts"
import * as CountReader from "./read/CountReader.ts"
import * as DatabaseReader from "./read/DatabaseReader.ts"
import * as FactQuery from "./read/FactQuery.ts"
import * as FailureReader from "./read/FailureReader.ts"
import * as KeyReader from "./read/KeyReader.ts"
import * as MessageReader from "./read/MessageReader.ts"
import * as RedriveReader from "./read/RedriveReader.ts"
import * as SearchReader from "./read/SearchReader.ts"
import * as SeriesReader from "./read/SeriesReader.ts"
import * as StoredReader from "./read/StoredReader.ts"
import * as WaitingReader from "./read/WaitingReader.ts"
import type {
  RedriveAction,
  RedriveFilter,
  RedrivePreview,
  RedriveRun,
  RedriveRunQuery,
  StartRedrive
} from "./RedriveRun.ts"
import type { SeriesPoint, SeriesQuery } from "./SeriesFacts.ts"

/**
 * The facts. Every list is bounded, and a list of a consumer that does not exist fails with `ConsumerNotFound`.
 *
 * @since 0.1.0
 */
export class Operations extends Context.Service<Operations, {
  /**
   * Runs reads of the store, such as `DeadLetters.get`, as facts are read. They run in one transaction that only reads,
   * on connections for operators, and each statement is bounded by `ReadTimeout`.
   */
  readonly reading: <A, E, R>(reads: Effect.Effect<A, E, R>) => Effect.Effect<A, E | StoreFailure, R>
  /** Returns every consumer with its queue, sorted by name. */
  readonly consumers: Effect.Effect<ReadonlyArray<ConsumerFacts>, StoreFailure>
  /** Returns one consumer. Also looks for the key with the most waiting messages, which `consumers` does not. */
  readonly consumer: (consumer: string) => Effect.Effect<ConsumerFacts, StoreFailure | ConsumerNotFound>
  /** Returns held keys with what waits behind each, in the order of consumer and key. */
  readonly stuckKeys: (query?: StuckQuery) => Effect.Effect<ReadonlyArray<StuckKey>, StoreFailure | ConsumerNotFound>
  /**
   * Returns the groups of open dead letters with one cause, newest first. Counting ends at 1,000 for each group. A
   * consumer's first 1,000 groups are looked at, in the order of their fingerprints. A search looks at the newest
   * 20,000 dead letters instead.
   */
  readonly failures: (
    query?: FailureQuery
  ) => Effect.Effect<ReadonlyArray<FailureFacts>, StoreFailure | ConsumerNotFound>
  /** Returns when messages of a failure group died, with new versions and redrives. Default: the last 3 hours. */
  readonly failureHistory: (
    consumer: string,
    fingerprint: string,
    query?: HistoryQuery
  ) => Effect.Effect<FailureHistory, StoreFailure | ConsumerNotFound>
  /**
   * Returns a page of dead letters in any state, newest first. A search for a text or for a value in the payload looks
   * at the newest 20,000 that match all other filters (2,000 on PGlite). It ends after 32 MiB, or 8 MiB for a value.
   * `next` continues it.
   */
  readonly searchDeadLetters: (
    search?: DeadLetterSearch
  ) => Effect.Effect<DeadLettersFound, StoreFailure | ConsumerNotFound>
  /** Counts the elements of a list. Counting ends at 10,000, unless `exactWithin` gives it time to count all. */
  readonly count: (
    listed: Listed,
    options?: CountOptions
  ) => Effect.Effect<Count, StoreFailure | ConsumerNotFound>
  /** Returns the outcome of redrives, newest first, grouped by operator and note. Covers the last 10,000 redrives. */
  readonly redrives: (
    query?: RedriveQuery
  ) => Effect.Effect<ReadonlyArray<RedriveFacts>, StoreFailure | ConsumerNotFound>
  /** Returns workers that live, or died within the last hour, sorted by consumer and name. */
  readonly workers: Effect.Effect<ReadonlyArray<WorkerFacts>, StoreFailure>
  /** Returns the lanes of one consumer. */
  readonly lanes: (consumer: string) => Effect.Effect<ReadonlyArray<LaneFacts>, StoreFailure | ConsumerNotFound>
  /** Returns what waits until it is due, by topic. */
  readonly delayed: Effect.Effect<ReadonlyArray<DelayedFacts>, StoreFailure>
  /** Returns the messages that no consumer reads, by topic: the first 1,000 topics. */
  readonly unrouted: Effect.Effect<ReadonlyArray<UnroutedFacts>, StoreFailure>
  /** Returns everything that is known about a message id. */
  readonly find: (id: string, query?: FindQuery) => Effect.Effect<Found, StoreFailure>
  /** Returns a message with its payload, once for each place where it is stored. A committed message has no payload. */
  readonly storedMessages: (id: string, query?: FindQuery) => Effect.Effect<StoredMessages, StoreFailure>
  /** Returns messages that wait in a consumer's queue, lane after lane, without their payloads. */
  readonly waiting: (
    consumer: string,
    query?: WaitingQuery
  ) => Effect.Effect<ReadonlyArray<WaitingMessage>, StoreFailure | ConsumerNotFound>
  /** Returns the sessions of Millrace that wait for a lock, each with the session that has it. */
  readonly blockers: Effect.Effect<ReadonlyArray<Blocker>, StoreFailure>
  /** Returns what keeps the oldest snapshot. Undefined if nothing does. */
  readonly oldestSnapshot: Effect.Effect<Visible<SnapshotOwner | undefined>, StoreFailure>
  /** Returns the room that database, tables and write-ahead log use. */
  readonly storage: Effect.Effect<StorageFacts, StoreFailure>
  /** Returns a part of a consumer's series, oldest point first. */
  readonly series: (
    consumer: string,
    query?: SeriesQuery
  ) => Effect.Effect<ReadonlyArray<SeriesPoint>, StoreFailure | ConsumerNotFound>
  /**
   * Returns what a redrive run would redrive: how many, which keys, on which versions they died, and its warnings.
   * Freezes the set, and changes nothing.
   */
  readonly previewRedrive: (
    filter: RedriveFilter
  ) => Effect.Effect<RedrivePreview, StoreFailure | ConsumerNotFound>
  /**
   * Starts a redrive run for the set of a preview, or for what matches now. Workers of the consumer carry it out: one
   * message first, then 10, then the rest at a rate. Each stage waits for the outcome of the one before. The run stops
   * itself when its messages fail again, and leaves the rest untouched. It does not need the process that started it.
   *
   * A consumer has one run that is not over (`RedriveRunning` names it).
   */
  readonly startRedrive: (
    from: RedrivePreview | RedriveFilter,
    options: StartRedrive
  ) => Effect.Effect<
    RedriveRun,
    | StoreFailure
    | ConsumerNotFound
    | NothingToRedrive
    | RedriveRunning
    | RedriveRunNotFound
    | InvalidSetting
    | InvalidOperatorAction
  >
  /** Returns one run with its counts. */
  readonly redriveRun: (redriveRunId: string) => Effect.Effect<RedriveRun, StoreFailure | RedriveRunNotFound>
  /** Returns runs, newest first. */
  readonly redriveRuns: (
    query?: RedriveRunQuery
  ) => Effect.Effect<ReadonlyArray<RedriveRun>, StoreFailure | ConsumerNotFound>
  /**
   * Continues a run that waits, is paused, or has stopped itself, perhaps at another rate. Its stop rule
   * sees only outcomes from then on.
   */
  readonly continueRedrive: (
    redriveRunId: string,
    action: RedriveAction & { readonly rate?: number | undefined }
  ) => Effect.Effect<RedriveRun, RedriveActionError | InvalidSetting>
  /** Pauses a running run. Its messages in the queue are processed. */
  readonly pauseRedrive: (
    redriveRunId: string,
    action: RedriveAction
  ) => Effect.Effect<RedriveRun, RedriveActionError>
  /** Ends a run. Its messages in the queue are processed, and the rest of its set stays untouched. */
  readonly cancelRedrive: (
    redriveRunId: string,
    action: RedriveAction
  ) => Effect.Effect<RedriveRun, RedriveActionError>
  /** Changes the rate of a run that is not over. */
  readonly changeRedriveRate: (
    redriveRunId: string,
    action: RedriveAction & { readonly rate: number }
  ) => Effect.Effect<RedriveRun, RedriveActionError | InvalidSetting>
  /**
   * Lets the first message of a held key through, and pauses the key for the messages behind it. The first message may
   * be the dead letter that parks the key, which is redriven then. If it fails again, the next advance tries it again.
   * `Consumers.resumeKey` lets the others follow, in order.
   */
  readonly advanceKey: (
    consumer: string,
    key: string,
    action: OperatorAction
  ) => Effect.Effect<KeyAdvance, StoreFailure | ConsumerNotFound | NothingToAdvance | InvalidOperatorAction>
  /** Returns messages that were in flight when a worker died, those with the most crashes first: at most 100. */
  readonly suspects: (consumer?: string) => Effect.Effect<ReadonlyArray<Suspect>, StoreFailure | ConsumerNotFound>
  /**
   * Dead-letters a waiting message, so that it does not crash another worker. Give its key, unless it has none. With
   * order `park` its key is parked, also for earlier messages that wait. A worker may finish messages of the key that
   * it holds already, but not this one. Returns the dead letter. Returns undefined if the message was a duplicate, and
   * is dropped.
   */
  readonly deadLetterMessage: (
    consumer: string,
    message: { readonly id: string; readonly key?: string | undefined },
    action: OperatorAction
  ) => Effect.Effect<
    string | undefined,
    StoreFailure | ConsumerNotFound | MessageNotWaiting | InvalidOperatorAction
  >
  /**
   * Notes something about a failure group, for other operators: `bank is down, INC-812`. `failures` returns the newest
   * note. An empty note removes it. The audit keeps all of them, for 30 days.
   */
  readonly noteFailure: (
    consumer: string,
    fingerprint: string,
    action: OperatorAction & { readonly note: string }
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | InvalidOperatorAction>
  /**
   * Imports dead letters that were exported, in one transaction: payload, headers, attempts, state and times as they
   * were. A message that was being redriven is open again. `DeadLetterImport.parse` reads a line of an export.
   *
   * Fails with `DeadLetterExists` if the consumer has a dead letter of a message, or has processed the message. Then
   * nothing is imported. With `skipExisting` such ones are left out. Fails with `InvalidDeadLetter` if two different
   * messages have one dead letter id.
   */
  readonly importDeadLetters: (
    deadLetters: ReadonlyArray<DeadLetter>,
    action: ImportAction
  ) => Effect.Effect<
    Imported,
    StoreFailure | ConsumerNotFound | DeadLetterExists | InvalidDeadLetter | InvalidOperatorAction
  >
  /** Returns what a purge of the consumer's queue would delete. Changes nothing. */
  readonly previewPurge: (consumer: string) => Effect.Effect<PurgePreview, StoreFailure | ConsumerNotFound>
  /**
   * Returns the messages of a preview that still wait, at most 100, for an export. The next page begins behind the
   * place of the last message.
   */
  readonly purgeable: (
    preview: PurgePreview,
    after?: string
  ) => Effect.Effect<ReadonlyArray<QueuedMessage>, StoreFailure>
  /**
   * Deletes the messages of a preview from the queue, and returns their number. They cannot be restored, so export them
   * before. Fails with `QueueChanged` if their number is not the expected one, for example because a worker has
   * processed one. A redriven message is discarded as a dead letter. Workers of the consumer wait meanwhile.
   */
  readonly purge: (
    preview: PurgePreview,
    action: PurgeAction
  ) => Effect.Effect<number, StoreFailure | ConsumerNotFound | QueueChanged | InvalidOperatorAction>
  /** Shows what an edited payload would change in a dead letter, and what is wrong with it. Changes nothing. */
  readonly previewEdit: (
    deadLetterId: string,
    payload: string
  ) => Effect.Effect<EditPreview, StoreFailure | DeadLetterNotFound>
  /**
   * Redrives a dead letter with another payload, for a tool that has no Schema of the topic. Only the JSON and its size
   * are checked, so `DeadLetters.redriveEdited` is better if the tool has the topic. Id, key and place stay.
   */
  readonly redriveEdited: (
    deadLetterId: string,
    action: OperatorAction & { readonly payload: string }
  ) => Effect.Effect<
    void,
    | StoreFailure
    | DeadLetterNotFound
    | DeadLetterConflict
    | EditUndecodable
    | InvalidMessage
    | InvalidOperatorAction
  >
}>()("millrace/Operations") {}

/**
 * The errors of an operator action on a redrive run. `RedriveRunConflict` says who was first, and when.
 *
 * @since 0.1.0
 */
export type RedriveActionError = StoreFailure | RedriveRunNotFound | RedriveRunConflict | InvalidOperatorAction

/**
 * Options of {@link layer}.
 *
 * @since 0.1.0
 */
export interface OperationsOptions {
  /** The schema of Millrace's tables, as in `Postgres.layer`. Default `millrace`. */
  readonly schema?: string | undefined
}

/**
 * Provides the facts on the store and the SqlClient of `Postgres.layer` or `Embedded.layer`.
 *
 * A process that only looks needs no right to change anything. `migrate: "check"` and `retention: false` then keep the
 * Postgres layer from changing the database.
 *
 * ```ts
 * import { Console, Effect, Layer } from "effect"
 * import { Operations } from "millrace/ops"
 * import { Postgres } from "millrace/postgres"
 *
 * const database = Postgres.layerConfigWith({ migrate: "check", retention: false })
 * const status = Effect.gen(function*() {
 *   const operations = yield* Operations.Operations
 *   for (const { consumer, lag } of yield* operations.consumers) yield* Console.log(`${consumer}: ${lag.sentence}`)
 * }).pipe(Effect.provide(Operations.layer().pipe(Layer.provide(database))))
 * ```
 *
 * @since 0.1.0
 */
export const layer = (
  options: OperationsOptions = {}
): Layer.Layer<Operations, InvalidName, Store | SqlClient.SqlClient> =>
  Layer.effect(
    Operations,
    Effect.gen(function*() {
      const names = yield* Effect.fromResult(Names.make(options.schema ?? "millrace"))
      const store = yield* Store
      const sql = yield* SqlClient.SqlClient
      const query = FactQuery.make(sql, store, names)
      const database = DatabaseReader.make(query, names)
      const messages = MessageReader.make(query, names, store)
      const redrives = RedriveReader.make(query, names, store)
      return Operations.of({
        reading: query.reading,
        ...database,
        ...ConsumerReader.make(query, names, database.blockers),
        ...KeyReader.make(query, names),
        ...FailureReader.make(query, names, store),
        ...messages,
        ...StoredReader.make(query, names, messages.find),
        ...SearchReader.make(query, names, store),
        ...CountReader.make(query, names, store),
        ...SeriesReader.make(query, names),
        ...WaitingReader.make(query, names),
        ...EditActions.make(store),
        ...KeyAdvances.make(sql, names),
        ...MessageActions.make(sql, names),
        ...NoteActions.make(query, sql, names),
        ...ImportActions.make(sql, names),
        ...PurgeActions.make(query, sql, names),
        ...redrives,
        ...RedriveActions.make(sql, names, store, redrives)
      })
    })
  )
