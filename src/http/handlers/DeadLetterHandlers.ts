/**
 * The handlers of failures and dead letters.
 */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { DeadLetter, Filter, State } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import { DeadLetterNotFound } from "../../Errors.ts"
import { type DeadLetterSearch, payloadValue } from "../../ops/DeadLetterSearch.ts"
import * as Operations from "../../ops/Operations.ts"
import { type OperatorAction, Store } from "../../Store.ts"
import * as Cursor from "../answers/Cursor.ts"
import * as Edits from "../answers/Edits.ts"
import { answer, by, condition, once } from "../answers/IdempotentAction.ts"
import * as ListCount from "../answers/ListCount.ts"
import { actions, reads } from "../answers/StoreProblems.ts"
import * as Views from "../answers/Views.ts"
import { api } from "../api/Api.ts"
import { success } from "../api/DeadLettersApi.ts"
import * as Problems from "../api/Problems.ts"
import { Answer } from "../schema/Answer.ts"
import { Decided, FailureGroup } from "../schema/DeadLetterSchema.ts"
import { Settings } from "../security/ServerSettings.ts"

const pageSize = 50

/** A filter of dead letters, as a request gives it. */
interface Given extends Pick<Filter, "consumer" | "topic" | "key" | "reason" | "since" | "until"> {
  readonly message?: string | undefined
  readonly failure?: string | ReadonlyArray<string> | undefined
  readonly error?: string | undefined
  readonly state?: State | "any" | undefined
  readonly version?: string | undefined
  readonly text?: string | undefined
  readonly payload?: string | undefined
}

/** Returns the filter of a request. */
export const filterOf = ({ consumer, error, failure, key, message, reason, since, topic, until }: Given): Filter => ({
  consumer,
  topic,
  key,
  id: message,
  fingerprint: failure,
  tag: error,
  reason,
  since,
  until
})

/** Returns the filter and the state of a query. */
const queryOf = (given: Given) => ({
  ...filterOf(given),
  state: given.state === "any" ? undefined : given.state ?? "open"
})

const searchOf = Effect.fnUntraced(function*(given: Given, { redaction }: Settings["Service"]) {
  const { payload, text, version } = given
  if (redaction.active && (text !== undefined || payload !== undefined)) {
    // The results of a search would reveal hidden values.
    return yield* new Problems.InvalidRequest({
      detail: "This server hides values of payloads, so it searches no texts and no payloads. Nothing was read. "
        + "Search by consumer, topic, key, message, error, reason, version or time."
    })
  }
  return {
    ...queryOf(given),
    version,
    text,
    payload: payload === undefined ? undefined : yield* Effect.fromResult(payloadValue(payload))
  }
})

const Groups = Answer(Schema.Array(FailureGroup))

export const failures = HttpApiBuilder.group(api, "failures", (handlers) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const store = yield* Store
    const settings = yield* Settings
    return handlers.handleAll({
      list: ({ query }) =>
        reads(Effect.gen(function*() {
          const { failure: fingerprint, limit = pageSize, since = 0, ...rest } = query
          const all = yield* operations.failures({ ...yield* searchOf(rest, settings), fingerprint, limit })
          // The newest come first, so the limit cuts off none that is recent.
          return yield* answer(all.filter(({ lastAt }) => lastAt >= since))
        })),
      one: ({ params, query }) =>
        reads(Effect.flatMap(
          operations.failures({ consumer: query.consumer, fingerprint: params.fingerprint }),
          answer
        )),
      history: ({ params, query: { consumer, seconds, since } }) =>
        reads(Effect.flatMap(
          operations.failureHistory(consumer, params.fingerprint, { since, seconds: seconds === "600" ? 600 : 60 }),
          answer
        )),
      note: ({ headers, params: { fingerprint }, payload: { consumer, note } }) =>
        actions(Effect.gen(function*() {
          const noted = operations.noteFailure(consumer, fingerprint, { ...yield* by({}), note })
          const groups = Effect.andThen(noted, operations.failures({ consumer, fingerprint }))
          return yield* once({ headers, payload: { consumer, note } }, Groups, Effect.flatMap(groups, answer))
        })).pipe(Effect.provideService(Store, store)),
      redrives: ({ query }) => reads(Effect.flatMap(operations.redrives(query), answer))
    })
  }))

const stale = (one: DeadLetter) =>
  new Problems.StaleVersion({
    detail:
      `Dead letter ${one.id} has changed since you saw it. Nothing was changed by this request. Look at it again.`,
    state: one.state,
    ...(one.changedBy === "" ? {} : { by: one.changedBy, at: one.changedAt })
  })

/**
 * Returns the state and the parked key that a decision may change. Every other change between look and decision is
 * refused.
 */
const kept = ({ attempts, redriven }: DeadLetter, redrives: boolean) => [attempts.length, redriven - (redrives ? 1 : 0)]

/**
 * Decides about the dead letter that the operator saw. It is read before and after the decision within one transaction.
 * So a redrive and a new death between look and decision are noticed, and the decision is rolled back.
 */
const decide = <E, R>(
  id: string,
  version: string,
  redrives: boolean,
  decision: Effect.Effect<void, E, R>
) =>
  Effect.gen(function*() {
    const before = yield* DeadLetters.get(id)
    if (Views.versionOf(before) !== version) return yield* stale(before)
    yield* decision
    const after = yield* DeadLetters.get(id)
    if (String(kept(before, false)) !== String(kept(after, redrives))) return yield* stale(after)
    return after
  })

/** Returns what became of one decision of many. */
const decideOne = (
  id: string,
  decision: Effect.Effect<void, Effect.Error<ReturnType<typeof DeadLetters.discard>>, Store>
): Effect.Effect<typeof Decided.Type, Effect.Error<ReturnType<typeof DeadLetters.discard>>, Store> =>
  Effect.catchTags(Effect.as(decision, { id, outcome: "done" as const }), {
    DeadLetterConflict: ({ at, by, state }) =>
      Effect.succeed({ id, outcome: "conflict" as const, state, ...(by === "" ? {} : { by, at }) }),
    DeadLetterNotFound: () => Effect.succeed({ id, outcome: "notFound" as const })
  })

const decisions = { redrive: DeadLetters.redrive, discard: DeadLetters.discard, restore: DeadLetters.restore }

/** Reads all dead letters that match, page after page. */
const everything = (search: DeadLetterSearch) =>
  Stream.paginate(
    search.before,
    (before) =>
      Effect.map(
        Operations.Operations.use(({ searchDeadLetters }) => searchDeadLetters({ ...search, before, limit: pageSize })),
        ({ deadLetters, next }) =>
          [deadLetters, next === undefined ? Option.none() : Option.some<string | undefined>(next)] as const
      )
  )

/** Makes the text a file that no browser opens. */
const asFile = (id: string, text: string) =>
  HttpServerResponse.text(text, {
    contentType: "text/plain; charset=utf-8",
    headers: { "content-disposition": `attachment; filename="dead-letter-${id}.txt"` }
  })

export const deadLetters = HttpApiBuilder.group(api, "deadLetters", (handlers) =>
  Effect.gen(function*() {
    const context = yield* Effect.context<Store | Operations.Operations | Settings>()
    const operations = yield* Operations.Operations
    const settings = yield* Settings
    const views = Views.make(settings)
    const provided = Effect.provideContext(context)

    /** Carries out an action on the dead letter that the operator saw. */
    const act = <E, R>(
      { headers, params, payload }: {
        readonly headers: { readonly "if-match"?: string; readonly "idempotency-key"?: string }
        readonly params: { readonly id: string }
        readonly payload: { readonly note?: string }
      },
      decision: (action: OperatorAction) => Effect.Effect<void, E, R>,
      redrives = false
    ) =>
      Effect.gen(function*() {
        const version = yield* condition(headers, "dead letter")
        const action = decision(yield* by(payload))
        const asked = { headers, payload: { ...payload, version } }
        return yield* once(
          asked,
          success,
          Effect.flatMap(decide(params.id, version, redrives, action), (one) => answer(views.item(one)))
        )
      })

    return handlers.handleAll({
      list: ({ query }) =>
        reads(Effect.gen(function*() {
          const at = yield* Cursor.read("dead letters", query, [Cursor.form.id])
          const search = yield* searchOf(query, settings)
          const limit = query.limit ?? pageSize
          const found = yield* operations.searchDeadLetters({ ...search, before: at?.[0], limit })
          const count = found.looked === undefined
            ? yield* ListCount.of(operations, { of: "deadLetters", filter: search }, query)
            : undefined
          const next = found.next === undefined ? undefined : Cursor.at("dead letters", query, [found.next])
          return yield* Cursor.page(found.deadLetters.map(views.item), next, { count, looked: found.looked })
        })).pipe(provided),
      export: ({ query }) =>
        // The first page is read before the answer begins, so a database that is away gives a problem.
        reads(Effect.gen(function*() {
          const { before, limit } = query
          const search = { ...yield* searchOf(query, settings), before }
          yield* operations.searchDeadLetters({ ...search, limit: 1 })
          return everything(search).pipe(
            limit === undefined ? identity : Stream.take(limit),
            Stream.map((one) => views.whole(one)),
            Stream.provideContext(context)
          )
        })).pipe(provided),
      search: ({ query }) =>
        reads(Effect.gen(function*() {
          const { before, limit = pageSize } = query
          const search = { ...yield* searchOf(query, settings), before, limit }
          const { deadLetters, ...found } = yield* operations.searchDeadLetters(search)
          return yield* answer({ ...found, deadLetters: deadLetters.map((one) => views.whole(one)) })
        })).pipe(provided),
      groups: ({ query }) =>
        reads(Effect.flatMap(
          operations.reading(DeadLetters.groups({ ...queryOf(query), limit: query.limit ?? pageSize })),
          (all) => answer(all.map((group) => ({ ...group, sample: views.whole(group.sample) })))
        )).pipe(provided),
      one: ({ params }) =>
        reads(Effect.flatMap(operations.reading(DeadLetters.get(params.id)), (one) => answer(views.whole(one)))).pipe(
          Effect.map((body) => HttpApiSchema.withHeaders({ body, headers: { etag: body.data.etag } })),
          provided
        ),
      payload: ({ params, query }) =>
        reads(Effect.gen(function*() {
          const { message, original } = views.whole(
            yield* operations.reading(DeadLetters.get(params.id)),
            true
          )
          const text = query.original === "true" ? original : message.payload
          return text === undefined
            ? yield* new DeadLetterNotFound({ deadLetterId: `${params.id}, edited` })
            : asFile(params.id, text)
        })).pipe(provided),
      validate: ({ params, payload }) =>
        actions(Effect.flatMap(Edits.check(params.id, payload.payload), answer)).pipe(provided),
      redrive: (request) =>
        actions(act(request, (action) =>
          request.payload.payload === undefined
            ? DeadLetters.redrive(request.params.id, action)
            : Edits.redrive(request.params.id, request.payload.payload, action), true)).pipe(provided),
      discard: (request) =>
        actions(act(request, (action) => DeadLetters.discard(request.params.id, action))).pipe(provided),
      restore: (request) =>
        actions(act(request, (action) => DeadLetters.restore(request.params.id, action))).pipe(provided),
      release: (request) =>
        actions(act(request, (action) => DeadLetters.release(request.params.id, action))).pipe(provided),
      decide: ({ headers, payload }) =>
        actions(Effect.gen(function*() {
          const action = yield* by(payload)
          const each = Effect.forEach(
            new Set(payload.ids),
            (id) => decideOne(id, decisions[payload.action](id, action))
          )
          return yield* once({ headers, payload }, Answer(Schema.Array(Decided)), Effect.flatMap(each, answer))
        })).pipe(provided)
    })
  }))
