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
import { EditUndecodable } from "../../Errors.ts"
import * as EditPreview from "../../ops/EditPreview.ts"
import { Operations } from "../../ops/Operations.ts"
import type { OperatorAction } from "../../Store.ts"
import type { EditCheck } from "../schema/DeadLetterSchema.ts"
import { Settings } from "../security/ServerSettings.ts"

/** Returns the edit with the hidden values of the stored payload, and what hides them in a message. */
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
    issue: "the placeholder of a hidden value has a number that the stored payload does not have",
    where: text.failure
  })
})

/** Hides values that the issue of an edit may quote. */
const quiet = (mask: (text: string) => string) => (error: EditUndecodable): EditUndecodable =>
  new EditUndecodable({ ...error, issue: mask(error.issue) })

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
    return yield* DeadLetters.checkEdit(id, { topic, payload }).pipe(
      Effect.as(result),
      Effect.catchTag("EditUndecodable", ({ issue, where }) => refused(where, mask(issue)))
    )
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
  yield* Effect.catchTag(
    topic === undefined
      ? operations.redriveEdited(id, { ...action, payload })
      : DeadLetters.redriveEdited(id, { ...action, topic, payload }),
    "EditUndecodable",
    (error) => Effect.fail(quiet(mask)(error))
  )
})
