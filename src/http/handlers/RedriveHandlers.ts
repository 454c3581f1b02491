/**
 * The handlers of previews and redrive runs.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import * as DeadLetters from "../../DeadLetters.ts"
import type { InvalidSetting, RedriveRunConflict } from "../../Errors.ts"
import { checked } from "../../internal/OperatorAction.ts"
import * as Operations from "../../ops/Operations.ts"
import type { RedriveAction, RedriveRun } from "../../ops/RedriveRun.ts"
import { Store } from "../../Store.ts"
import { answer, by, condition, once } from "../answers/IdempotentAction.ts"
import { actions, reads } from "../answers/StoreProblems.ts"
import * as Views from "../answers/Views.ts"
import { api } from "../api/Api.ts"
import * as Problems from "../api/Problems.ts"
import { Answer } from "../schema/Answer.ts"
import { DiscardedSome, Run } from "../schema/RunSchema.ts"
import { Settings } from "../security/ServerSettings.ts"
import { filterOf } from "./DeadLetterHandlers.ts"

/** How long one request discards. Then the client sends it again, and so a discard can end at any time. */
const discardFor = "2 seconds"

const expired = new Problems.PreviewExpired({
  detail: "The preview is older than 10 minutes, or this process did not make it. Nothing was done. "
    + "Make a new preview, and look at its counts."
})

const notConfirmed = new Problems.InvalidRequest({
  detail: "The purge was not confirmed: `confirm` is not the name of the consumer. Nothing was changed. Type its name."
})

const Purged = Answer(Schema.Struct({ purged: Schema.Finite }))

export const previews = HttpApiBuilder.group(api, "previews", (handlers) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const settings = yield* Settings
    const store = yield* Store
    const views = Views.make(settings)
    return handlers.handleAll({
      make: ({ payload }) =>
        actions(Effect.gen(function*() {
          const preview = yield* operations.previewRedrive({ ...filterOf(payload), consumer: payload.consumer })
          return yield* answer(views.preview(preview, yield* settings.previews.put(preview)))
        })),
      discard: ({ params, payload }) =>
        actions(Effect.gen(function*() {
          const preview = yield* settings.previews.get(params.preview)
          if (preview === undefined) return yield* expired
          const action = yield* by(payload)
          let discarded = 0
          const finished = yield* DeadLetters.discardAll(preview.set, {
            ...action,
            onProgress: ({ done }) => Effect.sync(() => discarded = done)
          }).pipe(Effect.timeoutOption(discardFor))
          return yield* answer({ discarded, more: finished._tag === "None" })
        })).pipe(Effect.provideService(Store, store)),
      freeze: ({ payload }) =>
        actions(Effect.gen(function*() {
          const set = yield* DeadLetters.freeze(filterOf(payload))
          const { expiresAt, id } = yield* settings.sets.put(set)
          return yield* answer({ set: id, expiresAt, filter: set.filter, deadLetters: set.deadLetters })
        })).pipe(Effect.provideService(Store, store)),
      discardSome: ({ headers, params, payload }) =>
        actions(Effect.gen(function*() {
          const set = yield* settings.sets.get(params.set)
          const action = yield* by(payload)
          const { after = "", most } = payload
          const some = Effect.gen(function*() {
            if (set === undefined) return yield* expired
            yield* checked(action)
            return yield* answer(yield* store.deadLetters.decideSome("discarded", set, { action, after, most }))
          })
          return yield* once({ headers, payload }, Answer(DiscardedSome), some)
        })).pipe(Effect.provideService(Store, store)),
      makePurge: ({ params }) =>
        actions(Effect.gen(function*() {
          const preview = yield* operations.previewPurge(params.consumer)
          const { expiresAt, id } = yield* settings.purges.put(preview)
          const { consumer, messages, oldestAt, redriven } = preview
          return yield* answer({ preview: id, expiresAt, consumer, messages, redriven, oldestAt })
        })),
      purge: ({ headers, params: { consumer }, payload }) =>
        actions(Effect.gen(function*() {
          const preview = yield* settings.purges.get(payload.preview)
          const action = { ...yield* by(payload), expect: payload.expect }
          const purge = Effect.gen(function*() {
            if (preview === undefined || preview.consumer !== consumer) return yield* expired
            if (payload.confirm !== consumer) return yield* notConfirmed
            return yield* answer({ purged: yield* operations.purge(preview, action) })
          })
          return yield* once({ headers, payload }, Purged, purge)
        })).pipe(Effect.provideService(Store, store))
    })
  }))

const withEtag = <A extends { readonly data: { readonly etag: string } }>(body: A) =>
  HttpApiSchema.withHeaders({ body, headers: { etag: body.data.etag } })

const stale = ({ at, by, message, state }: RedriveRunConflict) =>
  new Problems.StaleVersion({ detail: message, state, ...(by === "" ? {} : { by, at }) })

/** Parses the revision of an ETag. Another text is no revision that a run can have. */
const revisionOf = (version: string): number => /^r\d{1,15}$/.test(version) ? Number(version.slice(1)) : -1

export const runs = HttpApiBuilder.group(api, "runs", (handlers) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const settings = yield* Settings
    const store = yield* Store
    const views = Views.make(settings)
    const provided = Effect.provideService(Store, store)
    const shown = (run: RedriveRun) => answer(views.run(run))

    /**
     * Carries out an action on the run that the operator saw. The revision is compared in the statement of the action.
     */
    const act = (
      { headers, payload }: {
        readonly headers: { readonly "if-match"?: string; readonly "idempotency-key"?: string }
        readonly payload: { readonly note?: string }
      },
      action: (action: RedriveAction) => Effect.Effect<RedriveRun, Operations.RedriveActionError | InvalidSetting>
    ) =>
      Effect.gen(function*() {
        const version = yield* condition(headers, "redrive run")
        const revision = revisionOf(version)
        const seen = Effect.catchTag(
          action({ ...yield* by(payload), revision }),
          "RedriveRunConflict",
          (error) => Effect.fail(error.revision === revision ? error : stale(error))
        )
        const ran = once(
          { headers, payload: { ...payload, version } },
          Answer(Run),
          Effect.flatMap(seen, shown)
        )
        return withEtag(yield* ran)
      })

    return handlers.handleAll({
      list: ({ query }) =>
        reads(Effect.flatMap(
          operations.redriveRuns({ consumer: query.consumer, open: query.open === "true", limit: query.limit ?? 20 }),
          (all) => answer(all.map(views.run))
        )),
      one: ({ params }) => reads(Effect.map(Effect.flatMap(operations.redriveRun(params.id), shown), withEtag)),
      start: ({ headers, payload, request }) =>
        actions(Effect.gen(function*() {
          const preview = yield* settings.previews.get(payload.preview)
          const action = yield* by(payload)
          const start = Effect.gen(function*() {
            if (preview === undefined) return yield* expired
            return yield* operations.startRedrive(preview, { ...payload, ...action })
          })
          const body = yield* once({ headers, payload }, Answer(Run), Effect.flatMap(start, shown))
          const location = `${new URL(request.originalUrl, "http://localhost").pathname}/${body.data.id}`
          return HttpApiSchema.withHeaders({ body, headers: { etag: body.data.etag, location } })
        })).pipe(provided),
      rate: (request) =>
        actions(act(request, (action) =>
          operations.changeRedriveRate(request.params.id, { ...action, rate: request.payload.rate }))).pipe(provided),
      continue: (request) =>
        actions(act(request, (action) =>
          operations.continueRedrive(request.params.id, { ...action, rate: request.payload.rate }))).pipe(provided),
      pause: (request) =>
        actions(act(request, (action) =>
          operations.pauseRedrive(request.params.id, action))).pipe(provided),
      cancel: (request) =>
        actions(act(request, (action) =>
          operations.cancelRedrive(request.params.id, action))).pipe(provided)
    })
  }))
