/**
 * Checks edited payloads, and redrives with them. The server puts hidden values back first, and no answer quotes them.
 *
 * With the topic of the message the edit is decoded by its Schema, and must keep the key. Without it only the JSON is
 * checked.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { DeadLetter } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import { EditRefused, EditUndecodable, EncodeFailed } from "../../Errors.ts"
import * as EditPreview from "../../ops/EditPreview.ts"
import { Operations } from "../../ops/Operations.ts"
import type { OperatorAction } from "../../Store.ts"
import type { EditCheck } from "../schema/DeadLetterSchema.ts"
import { Settings } from "../security/ServerSettings.ts"

/**
 * Puts the hidden values of the stored payload back into the edit. Returns the result, and the function that hides
 * these values in a text. Fails if a placeholder stands for no hidden value.
 */
const restored = Effect.fnUntraced(function*({ id, message }: DeadLetter, edited: string) {
  const { redaction } = yield* Settings
  const stored = redaction.hide(message.payload)
  const text = redaction.restore(edited, message.payload)
  if (Result.isSuccess(text)) {
    const { mask } = redaction.hide(text.success)
    return { payload: text.success, mask: (quote: string) => mask(stored.mask(quote)) }
  }
  return yield* new EditUndecodable({
    deadLetterId: id,
    topic: message.topic,
    issue: "a placeholder stands for no hidden value of the stored payload",
    where: text.failure
  })
})

/** Hides values that an error of an edit may quote: in an issue, and in a key that would be another one. */
const quiet = (mask: (text: string) => string) => <E>(error: E): E | EditRefused | EditUndecodable | EncodeFailed =>
  error instanceof EditUndecodable
    ? new EditUndecodable({ ...error, issue: mask(error.issue) })
    : error instanceof EncodeFailed
    ? new EncodeFailed({ ...error, issue: mask(error.issue) })
    : error instanceof EditRefused
    ? new EditRefused({ ...error, kept: mask(error.kept), edited: mask(error.edited) })
    : error

/** Returns what an edit changes, and why it would be refused. Changes nothing. */
export const check = Effect.fnUntraced(function*(id: string, edited: string) {
  const { redaction, topics } = yield* Settings
  const operations = yield* Operations
  const one = yield* DeadLetters.get(id)
  const topic = topics.get(one.message.topic)
  const diff = EditPreview.diff(redaction.hide(one.message.payload).text, edited)
  const result: typeof EditCheck.Type = {
    diff,
    checked: topic === undefined ? "json" : "schema",
    issues: [],
    keyChanged: false,
    idChanged: false
  }
  const refused = (path: string, message: string) => Effect.succeed({ ...result, issues: [{ path, message }] })
  return yield* Effect.gen(function*() {
    const { mask, payload } = yield* restored(one, edited)
    if (topic === undefined) {
      const { problem } = yield* operations.previewEdit(id, payload)
      return problem === undefined ? result : yield* refused("$", mask(problem))
    }
    return yield* Effect.as(Effect.mapError(DeadLetters.checkEdit(id, { topic, payload }), quiet(mask)), result)
  }).pipe(Effect.catchTags({
    EditUndecodable: ({ issue, where }) => refused(where, issue),
    InvalidMessage: ({ field, problem }) => refused(field, `The ${field} ${problem}.`),
    EncodeFailed: () => refused("$", "The decoded value does not fit the Schema of the topic."),
    EditRefused: ({ message }) => Effect.succeed({ ...result, keyChanged: true, issues: [{ path: "$", message }] })
  }))
})

/** Redrives a dead letter with an edited payload. */
export const redrive = Effect.fnUntraced(function*(id: string, edited: string, action: OperatorAction) {
  const { topics } = yield* Settings
  const operations = yield* Operations
  const one = yield* DeadLetters.get(id)
  const { mask, payload } = yield* restored(one, edited)
  const topic = topics.get(one.message.topic)
  yield* Effect.mapError(
    topic === undefined
      ? operations.redriveEdited(id, { ...action, payload })
      : DeadLetters.redriveEdited(id, { ...action, topic, payload }),
    quiet(mask)
  )
})
