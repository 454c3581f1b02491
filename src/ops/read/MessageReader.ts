/**
 * Finds a message id in every place, and reads the facts about messages that are in no queue.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Entry } from "../../Audit.ts"
import type { DeadLetter } from "../../DeadLetter.ts"
import type { StoreFailure } from "../../Errors.ts"
import * as FactsSql from "../../postgres/sql/facts.ts"
import * as FindingSql from "../../postgres/sql/finding.ts"
import type { Names } from "../../postgres/sql/names.ts"
import type { Store } from "../../Store.ts"
import { showMillis, upTo } from "../Fact.ts"
import type { FindQuery, Found, FoundAt, Suspect } from "../MessageFacts.ts"
import type { Operations } from "../Operations.ts"
import { type FactQuery, number, type Row, text, texts, time } from "./FactQuery.ts"
import * as QueueSearch from "./QueueSearch.ts"

/** The most dead letters of one id that are read, and the most delayed messages that are counted by topic. */
const mostDeadLetters = 100
const mostDelayed = 50_000

const iso = (millis: number): string => new Date(millis).toISOString()

/** The knowledge about a message at one consumer, before its state is decided. */
interface Known {
  readonly outcome: string
  readonly place: QueueSearch.Place | undefined
  readonly deadLetters: ReadonlyArray<DeadLetter>
}

/** Returns the state of a message at a consumer, or undefined if the consumer does not know the message. */
const stateOf = ({ deadLetters: [newest], outcome, place }: Known): FoundAt["state"] | undefined => {
  if (place !== undefined) {
    if (newest?.state === "redriving") return "redriving"
    return place.hold === undefined ? "waiting" : "held"
  }
  if (outcome === "done") return "committed"
  switch (newest?.state) {
    case "resolved":
      return "committed"
    case "open":
      return "dead"
    case "redriving":
    case "discarded":
      return newest.state
    case undefined:
      return outcome === "dead" ? "discarded" : undefined
  }
}

/** Says why a key is held, and whose dead letter or retry the message with this id waits for. */
const holdText = (
  { deadLetter, parked, pausedBy, retried, retryAt }: NonNullable<FoundAt["hold"]>,
  id: string
): string => {
  const whose = (messageId: string) => messageId === id ? "" : ` of message ${JSON.stringify(messageId)}`
  const retry = retried === undefined
    ? "a retry"
    : `a retry${whose(retried.messageId)}${retried.lastFailure === undefined ? "" : ` (${retried.lastFailure.tag})`}`
  return [
    !parked
      ? undefined
      : deadLetter === undefined
      ? "parked, and none of its dead letters is open"
      : `parked behind dead letter ${deadLetter.id}${whose(deadLetter.messageId)} (${deadLetter.tag})`,
    retryAt === undefined ? undefined : `held for ${retry} until ${iso(retryAt)}`,
    pausedBy === undefined ? undefined : `paused by ${pausedBy}`
  ].filter((part) => part !== undefined).join(", and ")
}

const sentenceOf = (
  id: string,
  { consumer, deadLetters: [newest], hold, queue, settledAt, state }: FoundAt
): string => {
  const who = JSON.stringify(consumer)
  const since = queue === undefined ? "" : ` since ${iso(queue.publishedAt)}, in lane ${queue.lane}`
  switch (state) {
    case "committed":
      return `Consumer ${who} committed it${settledAt === undefined ? "" : ` at ${iso(settledAt)}`}.`
    case "waiting":
      return `It waits in the queue of consumer ${who}${since}${
        queue?.worker === undefined ? ", which no live worker owns" : ""
      }.`
    case "held":
      return `It waits in the queue of consumer ${who}${since}. Its key is ${
        hold === undefined || holdText(hold, id) === "" ? "held until its worker polls again" : holdText(hold, id)
      }.`
    case "dead":
      return `Consumer ${who} could not process it (${newest!.reason}, ${newest!.tag}): dead letter ${
        newest!.id
      } is open since ${iso(newest!.diedAt)}.`
    case "redriving":
      return `Consumer ${who}: ${newest!.changedBy} redrove dead letter ${newest!.id} at ${
        iso(newest!.changedAt)
      }, and its message waits in the queue.`
    case "discarded":
      return newest === undefined
        ? `Consumer ${who} dead-lettered it, and the dead letter was deleted since.`
        : `Consumer ${who}: ${newest.changedBy} discarded dead letter ${newest.id} at ${iso(newest.changedAt)}.`
  }
}

/**
 * Returns whether the message may be in the consumer's queue. A message that is committed or dead is in no queue. If
 * the topic is known, the queues of other topics need no search.
 */
const mayWait = (row: Row, all: ReadonlyArray<DeadLetter>): boolean => {
  const newest = all.find(({ consumer }) => consumer === text(row, "consumer"))
  if (newest !== undefined) return newest.state === "redriving"
  const topic = all[0]?.message.topic
  return number(row, "lanes") > 0 && text(row, "outcome") === ""
    && (topic === undefined || texts(row, "topics").includes(topic))
}

/** Returns what a consumer knows about the message, or undefined if it knows nothing. */
const atConsumer = (
  row: Row,
  all: ReadonlyArray<DeadLetter>,
  place: QueueSearch.Place | undefined
): FoundAt | undefined => {
  const consumer = text(row, "consumer")
  const deadLetters = all.filter((deadLetter) => deadLetter.consumer === consumer)
  const settledAt = time(row, "at")
  const state = stateOf({ outcome: text(row, "outcome"), place, deadLetters })
  return state === undefined ? undefined : {
    consumer,
    state,
    settledAt,
    queue: place?.queue,
    hold: place?.hold,
    deadLetters: deadLetters.slice(0, 10)
  }
}

const unknown = (store: Store["Service"]): string =>
  "Nothing is known about this id. It was not published in a committed transaction, or it was committed longer ago than "
  + `the deduplication window (${
    Duration.isFinite(store.deduplicationWindow) ? showMillis(Duration.toMillis(store.deduplicationWindow)) : "no end"
  }), or its consumer is atLeastOnce and keeps no ids.`

const suspectOf = (row: Row): Suspect => ({
  consumer: text(row, "consumer"),
  id: text(row, "id"),
  topic: text(row, "topic"),
  key: text(row, "key"),
  lane: number(row, "lane"),
  crashCount: number(row, "crash_count"),
  crashedAlone: row["crashed_alone"] === true,
  inEveryCrash: row["most"] === true,
  publishedAt: time(row, "published") ?? 0,
  worker: text(row, "worker") === "" ? undefined : text(row, "worker")
})

const notSearched = "The queues were not searched to their end. Search again with the key of the message."

export const make = (
  { exists, read }: FactQuery,
  names: Names,
  store: Store["Service"]
): Pick<Operations["Service"], "find" | "delayed" | "suspects" | "unrouted"> => {
  const facts = FactsSql.make(names)
  const sql = FindingSql.make(names)
  const search = QueueSearch.make(read, names)

  const auditOf = (deadLetters: ReadonlyArray<DeadLetter>): Effect.Effect<ReadonlyArray<Entry>, StoreFailure> =>
    Effect.map(
      Effect.forEach(deadLetters.slice(0, 10), ({ id }) => store.audit.list({ deadLetterId: id })),
      (lists) => lists.flat().toSorted((a, b) => a.id < b.id ? 1 : -1).slice(0, 100)
    )

  const find = Effect.fnUntraced(function*(id: string, query: FindQuery = {}): Effect.fn.Return<Found, StoreFailure> {
    const rows = yield* read("look into the inbox", sql.inbox, [id])
    const deadLetters = yield* store.deadLetters.list({ id, limit: mostDeadLetters })
    const delayed = (yield* read("look at delayed messages", sql.delayed, [id])).map((row) => ({
      topic: text(row, "topic"),
      key: text(row, "key"),
      dueAt: time(row, "due") ?? 0
    }))
    const unrouted = (yield* read("look at unrouted messages", sql.unrouted, [id])).map((row) => ({
      topic: text(row, "topic"),
      key: text(row, "key"),
      publishedAt: time(row, "published") ?? 0
    }))
    const key = query.key ?? deadLetters.find(({ state }) => state === "redriving")?.message.key
    const searched = rows.some((row) => mayWait(row, deadLetters))
      ? yield* search(id, { ...query, key })
      : { places: new Map<number, QueueSearch.Place>(), all: true }
    const consumers = rows.flatMap((row) =>
      atConsumer(row, deadLetters, searched.places.get(number(row, "queue"))) ?? []
    )
    const known = consumers.length + delayed.length + unrouted.length > 0
    const searchedAll = searched.all
    const sentences = [
      ...consumers.map((found) => sentenceOf(id, found)),
      ...delayed.map(({ dueAt, topic }) =>
        `It is published to topic ${JSON.stringify(topic)}, and due at ${iso(dueAt)}.`
      ),
      ...unrouted.map(({ publishedAt, topic }) =>
        `It was published at ${iso(publishedAt)}, and no consumer reads its topic ${JSON.stringify(topic)}.`
      ),
      ...(known || !searchedAll ? [] : [unknown(store)]),
      ...(searchedAll ? [] : [notSearched])
    ]
    return { id, sentences, known, consumers, delayed, unrouted, audit: yield* auditOf(deadLetters), searchedAll }
  })

  return {
    find,
    suspects: (consumer) =>
      Effect.andThen(
        exists(consumer),
        Effect.map(read("look for suspects", facts.suspects, [consumer ?? null]), (rows) => rows.map(suspectOf))
      ),
    delayed: Effect.map(read("look at delayed messages", facts.delayed, [mostDelayed]), (rows) =>
      rows.map((row) => ({
        topic: text(row, "topic"),
        messages: number(row, "looked") > mostDelayed
          ? { value: number(row, "messages"), kind: "atLeast" }
          : { value: number(row, "messages"), kind: "exact" },
        nextAt: time(row, "next") ?? 0
      }))),
    unrouted: Effect.map(read("look at unrouted messages", facts.unrouted), (rows) =>
      rows.map((row) => ({
        topic: text(row, "topic"),
        messages: upTo(number(row, "messages"), 10_000),
        firstAt: time(row, "first") ?? 0,
        lastAt: time(row, "last") ?? 0
      })))
  }
}
