/**
 * The handlers that steer consumers, keys, workers and waiting messages.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Schema from "effect/Schema"
import * as Consumers from "../../Consumers.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import * as Operations from "../../ops/Operations.ts"
import type { OperatorAction, Store } from "../../Store.ts"
import { answer, by, once } from "../answers/IdempotentAction.ts"
import { actions } from "../answers/StoreProblems.ts"
import { api } from "../api/Api.ts"
import * as Problems from "../api/Problems.ts"
import { Answer, maybe } from "../schema/Answer.ts"
import { Consumer } from "../schema/ConsumerSchema.ts"
import { KeyAdvance, KeyDetail } from "../schema/MessageSchema.ts"
import type { Settings } from "../security/ServerSettings.ts"
import { keyState } from "./LookingHandlers.ts"

const Evicted = Answer(Schema.Struct({ lanes: Schema.Finite, busy: Schema.Finite }))
const DeadLettered = Answer(Schema.Struct({ deadLetterId: maybe(Schema.String) }))

/** A request that changes something. */
interface Asked {
  readonly headers: { readonly "idempotency-key"?: string }
  readonly payload: { readonly note?: string }
}

interface OfKey extends Asked {
  readonly params: { readonly consumer: string; readonly key: string }
}

const otherHead = (consumer: string, key: string, head: string, now: string | undefined) =>
  new Problems.StaleVersion({
    detail: `The head of key ${JSON.stringify(key)} of ${JSON.stringify(consumer)} is not ${JSON.stringify(head)}, but `
      + `${now === undefined ? "another one" : JSON.stringify(now)}. Nothing was changed. Look at the key again.`
  })

/** Decides about the dead letter that parks a key, if it is the one that the operator saw. */
const decideHead = (
  { params: { consumer, key }, payload: { head } }: OfKey & { readonly payload: { readonly head: string } },
  decision: (id: string) => ReturnType<typeof DeadLetters.discard>
) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const [held] = yield* operations.stuckKeys({ consumer, key })
    const id = held?.deadLetter?.id
    if (id === undefined || (id !== head && id !== head.padStart(16, "0"))) {
      return yield* otherHead(consumer, key, head, id)
    }
    yield* decision(id)
  })

/** Lets the first message of a key through. If it is not the one that the operator saw, the advance is rolled back. */
const advance = Effect.fnUntraced(function*(consumer: string, key: string, head: string, action: OperatorAction) {
  const operations = yield* Operations.Operations
  const advanced = yield* operations.advanceKey(consumer, key, action)
  const { deadLetterId, messageId } = advanced
  if (head !== messageId && head.padStart(16, "0") !== deadLetterId) {
    return yield* otherHead(consumer, key, head, deadLetterId ?? messageId)
  }
  return advanced
})

export const steering = HttpApiBuilder.group(api, "steering", (handlers) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const context = yield* Effect.context<Store | Operations.Operations | Settings>()
    const provided = Effect.provideContext(context)

    const onConsumer = <E, R>(
      request: Asked & { readonly params: { readonly consumer: string } },
      act: (consumer: string, action: OperatorAction) => Effect.Effect<void, E, R>
    ) =>
      Effect.gen(function*() {
        const { consumer } = request.params
        const action = Effect.andThen(act(consumer, yield* by(request.payload)), operations.consumer(consumer))
        return yield* once(request, Answer(Consumer), Effect.flatMap(action, answer))
      })

    const onKey = <E, R>(
      request: OfKey,
      act: (consumer: string, key: string, action: OperatorAction) => Effect.Effect<void, E, R>
    ) =>
      Effect.gen(function*() {
        const { consumer, key } = request.params
        const action = Effect.andThen(act(consumer, key, yield* by(request.payload)), keyState(consumer, key))
        return yield* once(request, Answer(KeyDetail), Effect.flatMap(action, answer))
      })

    return handlers.handleAll({
      pause: (request) =>
        actions(onConsumer(request, (consumer, action) => {
          const { seconds } = request.payload
          return Consumers.pause(consumer, {
            ...action,
            ...(seconds === undefined ? {} : { duration: seconds * 1_000 })
          })
        })).pipe(provided),
      resume: (request) => actions(onConsumer(request, Consumers.resume)).pipe(provided),
      evict: (request) =>
        actions(Effect.gen(function*() {
          const { consumer, worker } = request.params
          const evicted = Consumers.evict(consumer, worker, yield* by(request.payload))
          return yield* once(request, Evicted, Effect.flatMap(evicted, answer))
        })).pipe(provided),
      deadLetter: (request) =>
        actions(Effect.gen(function*() {
          const { consumer, id } = request.params
          const message = { id, key: request.payload.key }
          const made = operations.deadLetterMessage(consumer, message, yield* by(request.payload))
          return yield* once(request, DeadLettered, Effect.flatMap(made, (deadLetterId) => answer({ deadLetterId })))
        })).pipe(provided),
      pauseKey: (request) => actions(onKey(request, Consumers.pauseKey)).pipe(provided),
      resumeKey: (request) => actions(onKey(request, Consumers.resumeKey)).pipe(provided),
      releaseKey: (request) =>
        actions(onKey(request, (_, __, action) => decideHead(request, (id) => DeadLetters.release(id, action)))).pipe(
          provided
        ),
      skipKey: (request) =>
        actions(onKey(request, (_, __, action) => decideHead(request, (id) => DeadLetters.discard(id, action)))).pipe(
          provided
        ),
      advanceKey: (request) =>
        actions(Effect.gen(function*() {
          const { consumer, key } = request.params
          const advanced = advance(consumer, key, request.payload.head, yield* by(request.payload))
          return yield* once(request, Answer(KeyAdvance), Effect.flatMap(advanced, answer))
        })).pipe(provided)
    })
  }))
