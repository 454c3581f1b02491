/**
 * Reads the facts of `Operations` from a server.
 */
import * as Effect from "effect/Effect"
import type { DeadLetter, Filter } from "../../DeadLetter.ts"
import type { PayloadValue } from "../../ops/DeadLetterSearch.ts"
import type { StuckKey, StuckQuery } from "../../ops/KeyFacts.ts"
import type { Operations } from "../../ops/Operations.ts"
import * as Cursor from "../answers/Cursor.ts"
import type { DeadLetter as DeadLetterJson } from "../schema/DeadLetterSchema.ts"
import type { ServerCalls } from "./ServerCalls.ts"

/** Leaves out what is undefined, since the fields of a query are absent then. */
export const given = <A extends object>(query: A) =>
  Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as {
    [K in keyof A]: Exclude<A[K], undefined>
  }

/** A value whose optional fields are there, perhaps as undefined. */
export type Whole<A> = A extends ReadonlyArray<infer B> ? ReadonlyArray<Whole<B>>
  : A extends object ? { readonly [K in keyof A]-?: Whole<A[K]> }
  : A

/** Returns the data of a document. A field that its JSON leaves out reads as undefined, which the type then says. */
export const dataOf = <A, E, R>(answer: Effect.Effect<{ readonly data: A }, E, R>): Effect.Effect<Whole<A>, E, R> =>
  Effect.map(answer, ({ data }) => data as Whole<A>)

/** Returns the query of a filter of dead letters. */
export const queryOf = ({ consumer, fingerprint, id, key, reason, since, tag, topic, until }: Filter) =>
  given({ consumer, topic, key, message: id, failure: fingerprint, error: tag, reason, since, until })

/** Returns the cursor of a list that begins behind a place, as the server makes it for the page before. */
export const cursorAt = (
  list: string,
  query: Readonly<Record<string, unknown>>,
  at: ReadonlyArray<string> | undefined
): { readonly cursor?: string } =>
  at === undefined ? {} : given({ cursor: Cursor.next(list, query, [at], 1, (place) => place) })

/**
 * Returns a dead letter as the store has it. A server that shows payloads only on request is asked for each of them.
 */
export const wholeOf = ({ ask }: ServerCalls) => {
  const payload = (id: string, query: { readonly original?: "true" }) =>
    ask(
      "read a payload",
      { deadLetterId: id },
      ["DeadLetterNotFound"],
      (client) => client.deadLetters.payload({ params: { id }, query })
    )
  return Effect.fnUntraced(function*(answer: Whole<typeof DeadLetterJson.Type>) {
    const { etag: _etag, hidden: _hidden, trace: _trace, ...deadLetter } = answer
    const { message, original } = deadLetter
    if (message.payload !== undefined) {
      return { ...deadLetter, message: { ...message, payload: message.payload }, original } satisfies DeadLetter
    }
    const whole: DeadLetter = {
      ...deadLetter,
      message: { ...message, payload: yield* payload(deadLetter.id, {}) },
      original: yield* Effect.catchTag(
        payload(deadLetter.id, { original: "true" }),
        "DeadLetterNotFound",
        () => Effect.undefined
      )
    }
    return whole
  })
}

type Facts = Pick<
  Operations["Service"],
  | "consumers"
  | "consumer"
  | "stuckKeys"
  | "failureHistory"
  | "failures"
  | "redrives"
  | "workers"
  | "lanes"
  | "delayed"
  | "unrouted"
  | "find"
  | "storedMessages"
  | "waiting"
  | "blockers"
  | "oldestSnapshot"
  | "storage"
  | "series"
  | "suspects"
  | "searchDeadLetters"
>

const database = ({ ask }: ServerCalls) => {
  const read = ask("read the state of the database", {}, [], (client) => dataOf(client.facts.database()))
  return {
    blockers: Effect.map(read, ({ blockers }) => blockers),
    oldestSnapshot: Effect.map(
      read,
      ({ oldestSnapshot }) => oldestSnapshot ?? { _tag: "Visible" as const, value: undefined }
    ),
    storage: Effect.map(read, ({ storage }) => storage)
  }
}

/** Returns the value that a search looks for in payloads, as a query has it: `bank.code:51`. */
const valueOf = (payload: PayloadValue | undefined): string | undefined =>
  payload === undefined ? undefined : `${payload.path.join(".")}:${payload.value}`

const searching = (calls: ServerCalls): Facts["searchDeadLetters"] => {
  const whole = wholeOf(calls)
  return ({ before, limit = 100, payload, state, text, version, ...filter } = {}) => {
    return calls.ask(
      "search dead letters",
      { consumer: filter.consumer },
      ["ConsumerNotFound"],
      (client) =>
        dataOf(client.deadLetters.search({
          query: {
            ...queryOf(filter),
            ...given({ before, text, version, payload: valueOf(payload) }),
            state: state ?? "any",
            limit
          }
        }))
    ).pipe(
      Effect.flatMap(({ deadLetters, ...found }) =>
        Effect.map(
          // The retention may delete one while its payload is asked for.
          Effect.forEach(
            deadLetters,
            (one) => Effect.catchTag(whole(one), "DeadLetterNotFound", () => Effect.undefined)
          ),
          (all) => ({ ...found, deadLetters: all.filter((one) => one !== undefined) })
        )
      )
    )
  }
}

const messages = (calls: ServerCalls) => {
  const { ask } = calls
  const elsewhere = ask("read the messages in no queue", {}, [], (client) => dataOf(client.facts.elsewhere()))
  const whole = wholeOf(calls)
  const find: Facts["find"] = (id, query = {}) =>
    Effect.gen(function*() {
      const found = yield* ask("find a message", { messageId: id }, [], (client) =>
        dataOf(client.facts.find({ params: { id }, query: given({ key: query.key }) })))
      const consumers = yield* Effect.forEach(found.consumers, (at) =>
        Effect.map(
          Effect.forEach(at.deadLetters, (item) =>
            ask(
              "read a dead letter",
              { deadLetterId: item.id },
              ["DeadLetterNotFound"],
              (client) =>
                Effect.map(client.deadLetters.one({ params: { id: item.id } }), ({ body }) =>
                  body).pipe(dataOf)
            ).pipe(
              Effect.flatMap(whole),
              // The retention has deleted it since.
              Effect.catchTag("DeadLetterNotFound", () =>
                Effect.undefined)
            )),
          (deadLetters) => ({ ...at, deadLetters: deadLetters.filter((one) => one !== undefined) })
        ))
      return { ...found, consumers }
    })
  const storedMessages: Facts["storedMessages"] = (id, query = {}) =>
    Effect.map(
      ask("read a message", { messageId: id }, [], (client) =>
        dataOf(client.facts.stored({ params: { id }, query: { payload: "true", ...given({ key: query.key }) } }))),
      ({ messages, ...rest }) => ({
        ...rest,
        messages: messages.map(({ hidden: _hidden, message, trace: _trace, ...one }) => ({
          ...one,
          // The request asks for the payload.
          message: { ...message, payload: message.payload ?? "" }
        }))
      })
    )
  return {
    delayed: Effect.map(elsewhere, ({ delayed }) => delayed),
    unrouted: Effect.map(elsewhere, ({ unrouted }) => unrouted),
    find,
    storedMessages
  }
}

/** Returns whether a key is held in this way. A parked key may be paused as well. */
const isHeld = ({ parked, paused, retryAt }: StuckKey, hold: StuckQuery["hold"]): boolean =>
  hold === undefined || { parked, paused: paused !== undefined, delayed: retryAt !== undefined }[hold]

const queues = ({ ask }: ServerCalls): Pick<Facts, "consumer" | "lanes" | "waiting" | "series" | "stuckKeys"> => ({
  consumer: (consumer) =>
    ask(
      "read a consumer",
      { consumer },
      ["ConsumerNotFound"],
      (client) => dataOf(client.consumers.one({ params: { consumer } }))
    ),
  lanes: (consumer) =>
    ask(
      "read lanes",
      { consumer },
      ["ConsumerNotFound"],
      (client) => dataOf(client.consumers.lanes({ params: { consumer } }))
    ),
  waiting: (consumer, { after, key, limit = 50 } = {}) => {
    const query = given({ key })
    const cursor = cursorAt(`waiting ${consumer}`, query, after && [String(after.lane), after.place])
    return ask(
      "read waiting messages",
      { consumer, key },
      ["ConsumerNotFound"],
      (client) => dataOf(client.consumers.waiting({ params: { consumer }, query: { ...query, ...cursor, limit } }))
    )
  },
  series: (consumer, { from, seconds, until } = {}) =>
    ask("read a series", { consumer }, ["ConsumerNotFound"], (client) =>
      dataOf(client.consumers.series({
        params: { consumer },
        query: { seconds: seconds === 60 ? "60" : "10", ...given({ from, until }) }
      }))),
  stuckKeys: ({ after, consumer, hold, key, limit = 25 } = {}) => {
    if (consumer !== undefined && key !== undefined) {
      return ask(
        "read a key",
        { consumer, key },
        ["ConsumerNotFound", "KeyNotFound"],
        (client) => dataOf(client.keys.one({ params: { consumer, key } }))
      ).pipe(
        Effect.map(({ held }) => held !== undefined && isHeld(held, hold) ? [held] : []),
        Effect.catchTag("KeyNotFound", () => Effect.succeed([]))
      )
    }
    const query = given({ consumer, hold })
    const cursor = cursorAt("keys", query, after && [after.consumer, after.key])
    return ask(
      "read held keys",
      { consumer },
      ["ConsumerNotFound"],
      (client) => dataOf(client.keys.list({ query: { ...query, ...cursor, limit } }))
    ).pipe(
      Effect.map((keys) => key === undefined ? keys : keys.filter((one) => one.key === key))
    )
  }
})

/** Makes the facts of a server. */
export const make = (calls: ServerCalls): Facts => {
  const { ask } = calls
  return {
    ...database(calls),
    ...messages(calls),
    ...queues(calls),
    searchDeadLetters: searching(calls),
    consumers: ask("read the consumers", {}, [], (client) => dataOf(client.consumers.list())),
    workers: ask("read the workers", {}, [], (client) => dataOf(client.consumers.workers({ query: {} }))),
    failures: ({ fingerprint, limit = 100, payload, text, version, ...filter } = {}) =>
      ask("read the failure groups", { consumer: filter.consumer, fingerprint }, ["ConsumerNotFound"], (client) => {
        const { failure: _, ...query } = queryOf(filter)
        return dataOf(client.failures.list({
          query: { ...query, ...given({ failure: fingerprint, text, version, payload: valueOf(payload) }), limit }
        }))
      }),
    failureHistory: (consumer, fingerprint, { seconds = 60, since } = {}) =>
      ask(
        "read the history of a failure",
        { consumer, fingerprint },
        ["ConsumerNotFound"],
        (client) =>
          dataOf(client.failures.history({
            params: { fingerprint },
            query: { consumer, seconds: seconds === 600 ? "600" : "60", ...given({ since }) }
          }))
      ),
    redrives: (query = {}) =>
      ask(
        "read the redrives",
        { consumer: query.consumer },
        ["ConsumerNotFound"],
        (client) => dataOf(client.failures.redrives({ query: given(query) }))
      ),
    suspects: (consumer) =>
      ask(
        "read the suspects",
        { consumer },
        ["ConsumerNotFound"],
        (client) =>
          Effect.map(dataOf(client.consumers.crashes({ query: given({ consumer }) })), ({ suspects }) => suspects)
      )
  }
}
