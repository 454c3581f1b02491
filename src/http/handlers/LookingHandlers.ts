/**
 * The handlers that show consumers, workers, keys, messages, the database and the audit.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Audit from "../../Audit.ts"
import * as Operations from "../../ops/Operations.ts"
import { Store } from "../../Store.ts"
import * as Attention from "../answers/Attention.ts"
import * as Cursor from "../answers/Cursor.ts"
import { answer } from "../answers/IdempotentAction.ts"
import * as ListCount from "../answers/ListCount.ts"
import { reads } from "../answers/StoreProblems.ts"
import * as Views from "../answers/Views.ts"
import { api } from "../api/Api.ts"
import * as Problems from "../api/Problems.ts"
import { Settings } from "../security/ServerSettings.ts"

const pageSize = 50

/** The most elements of each list of the overview. */
const glance = 20

export const consumers = HttpApiBuilder.group(api, "consumers", (handlers) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const views = Views.make(yield* Settings)
    const workersOf = (consumer: string | undefined) =>
      Effect.andThen(
        consumer === undefined ? Effect.void : operations.lanes(consumer),
        Effect.map(
          operations.workers,
          (all) => all.filter((one) => consumer === undefined || one.consumer === consumer)
        )
      )
    return handlers.handleAll({
      overview: () =>
        reads(Effect.gen(function*() {
          const { consumers, ...all } = yield* Effect.all({
            consumers: operations.consumers,
            failures: operations.failures({ limit: glance }),
            parked: operations.stuckKeys({ hold: "parked", limit: glance }),
            runs: operations.redriveRuns({ open: true, limit: glance }),
            workers: operations.workers,
            delayed: operations.delayed,
            unrouted: operations.unrouted
          }, { concurrency: 2 })
          return yield* answer({
            ...all,
            consumers,
            parked: all.parked.map(views.stuckKey),
            runs: all.runs.map(views.run),
            attention: Attention.of({ consumers, ...all })
          })
        })),
      list: () => reads(Effect.flatMap(operations.consumers, answer)),
      one: ({ params }) => reads(Effect.flatMap(operations.consumer(params.consumer), answer)),
      series: ({ params, query }) =>
        reads(Effect.flatMap(
          operations.series(params.consumer, {
            seconds: query.seconds === "60" ? 60 : 10,
            from: query.from,
            until: query.until
          }),
          answer
        )),
      lanes: ({ params }) => reads(Effect.flatMap(operations.lanes(params.consumer), answer)),
      waiting: ({ params, query }) =>
        reads(Effect.gen(function*() {
          const list = `waiting ${params.consumer}`
          const limit = query.limit ?? pageSize
          const at = yield* Cursor.read(list, query, [Cursor.form.lane, Cursor.form.place])
          const data = yield* operations.waiting(params.consumer, {
            key: query.key,
            limit,
            after: at === undefined ? undefined : { lane: Number(at[0]), place: at[1]! }
          })
          const next = Cursor.next(list, query, data, limit, ({ lane, place }) => [String(lane), place])
          const filter = { consumer: params.consumer, key: query.key }
          return yield* Cursor.page(data, next, {
            count: yield* ListCount.of(operations, { of: "waiting", filter }, query)
          })
        })),
      workers: ({ query }) => reads(Effect.flatMap(workersOf(query.consumer), answer)),
      crashes: ({ query }) =>
        reads(Effect.gen(function*() {
          const workers = (yield* workersOf(query.consumer)).filter(({ alive }) => !alive)
          return yield* answer({ workers, suspects: yield* operations.suspects(query.consumer) })
        }))
    })
  }))

/** Returns a key with its dead letters and the messages behind it. */
export const keyState = Effect.fnUntraced(function*(consumer: string, key: string) {
  const operations = yield* Operations.Operations
  const views = Views.make(yield* Settings)
  const [held] = yield* operations.stuckKeys({ consumer, key })
  const { deadLetters } = yield* operations.searchDeadLetters({ consumer, key, state: "open" })
  const waiting = yield* operations.waiting(consumer, { key, limit: glance })
  return {
    consumer,
    key,
    held: held === undefined ? undefined : views.stuckKey(held),
    deadLetters: deadLetters.map(views.item),
    waiting
  }
})

/** Fails if a consumer knows nothing about a key. */
const known = (detail: Effect.Success<ReturnType<typeof keyState>>) => {
  const { consumer, deadLetters, held, key, waiting } = detail
  return held !== undefined || deadLetters.length > 0 || waiting.length > 0
    ? Effect.succeed(detail)
    : Effect.fail(
      new Problems.KeyNotFound({
        detail:
          `Consumer ${JSON.stringify(consumer)} does not hold key ${JSON.stringify(key)}. It has no waiting message `
          + "and no open dead letter of the key. Nothing was changed. Look at the held keys."
      })
    )
}

export const keys = HttpApiBuilder.group(api, "keys", (handlers) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const context = yield* Effect.context<Store | Operations.Operations | Settings>()
    const views = Views.make(yield* Settings)
    return handlers.handleAll({
      list: ({ query }) =>
        reads(Effect.gen(function*() {
          const limit = query.limit ?? pageSize
          const at = yield* Cursor.read("keys", query, [Cursor.form.text, Cursor.form.text])
          const data = yield* operations.stuckKeys({
            consumer: query.consumer,
            hold: query.hold,
            limit,
            after: at === undefined ? undefined : { consumer: at[0]!, key: at[1]! }
          })
          const next = Cursor.next("keys", query, data, limit, ({ consumer, key }) => [consumer, key])
          const count = yield* ListCount.of(operations, { of: "keys", filter: query }, query)
          return yield* Cursor.page(data.map(views.stuckKey), next, { count })
        })),
      one: ({ params }) =>
        reads(keyState(params.consumer, params.key).pipe(Effect.flatMap(known), Effect.flatMap(answer))).pipe(
          Effect.provideContext(context)
        )
    })
  }))

export const facts = HttpApiBuilder.group(api, "facts", (handlers) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const store = yield* Store
    const views = Views.make(yield* Settings)
    return handlers.handleAll({
      find: ({ params, query }) =>
        reads(Effect.flatMap(operations.find(params.id, query), (found) => answer(views.found(found)))),
      stored: ({ params, query }) =>
        reads(Effect.flatMap(
          operations.storedMessages(params.id, { key: query.key }),
          ({ messages, ...rest }) =>
            answer({ ...rest, messages: messages.map((one) => views.stored(one, query.payload === "true")) })
        )),
      elsewhere: () =>
        reads(Effect.flatMap(
          Effect.all({ delayed: operations.delayed, unrouted: operations.unrouted }),
          answer
        )),
      database: () =>
        reads(Effect.gen(function*() {
          const snapshot = yield* operations.oldestSnapshot
          const owner = snapshot._tag === "Visible" ? snapshot.value : undefined
          return yield* answer({
            blockers: (yield* operations.blockers).map(views.blocker),
            oldestSnapshot: snapshot._tag === "NotVisible"
              ? snapshot
              : owner === undefined
              ? undefined
              : { _tag: "Visible" as const, value: views.snapshot(owner) },
            storage: yield* operations.storage
          })
        })),
      audit: ({ query }) =>
        reads(Effect.gen(function*() {
          const limit = query.limit ?? pageSize
          const at = yield* Cursor.read("audit", query, [Cursor.form.id])
          const filter = {
            about: query.about,
            consumer: query.consumer,
            deadLetterId: query.deadLetter,
            redriveRunId: query.run,
            by: query.by,
            action: query.action
          }
          const data = yield* operations.reading(Audit.list({ ...filter, before: at?.[0], limit }))
          const next = Cursor.next("audit", query, data, limit, ({ id }) => [id])
          return yield* Cursor.page(data, next, {
            count: yield* ListCount.of(operations, { of: "audit", filter }, query)
          })
        })).pipe(Effect.provideService(Store, store))
    })
  }))
