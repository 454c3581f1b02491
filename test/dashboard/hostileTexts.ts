/** Texts that try to run as a script, to become an element, or to change what stands around them. */
import { Effect, Schema } from "effect"
import { Consumers, DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"

export const corpus: ReadonlyArray<string> = [
  "<script>alert(1)</script>",
  "\"><img src=x onerror=alert(2)>",
  "'><svg/onload=alert(3)>",
  "javascript:alert(4)",
  "</textarea><iframe srcdoc='<script>parent.alert(5)</script>'>",
  "{{constructor.constructor('alert(6)')()}}",
  "<base href=//example.test><form action=//example.test><input name=x>",
  "</title><script>alert(7)</script>",
  "\u202Egnp.exe\u2066\u2067\u200B\uFEFF\u0007\u001B[2J",
  "a/b c%?#@&=+%2E%00..",
  "__proto__"
]

class Hostile extends Schema.TaggedError<Hostile>()("Hostile<img src=x onerror=alert(8)>", { text: Schema.String }) {
  override get message() {
    return this.text
  }
}

const Texts = Topic.make("texts/../x", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String, more: Schema.Record(Schema.String, Schema.String) }),
  id: ({ id }) => id,
  key: ({ text }) => text,
  headers: ({ text }) => ({ "x-<i>header</i>": text.replaceAll(/[\u0000-\u001f]/g, "") })
})

export const consumer = "hostile/../texts"

const pipeline = Pipeline.from(Texts, { consumer }).pipe(
  Pipeline.tap(({ text }) => {
    const error = new Hostile({ text })
    error.stack = `Hostile: ${text}\n    at f${text} (/app/${text}.ts:1:1)`
    return Effect.fail(error)
  }),
  Pipeline.retry(Retry.never),
  Pipeline.deadLetter({ order: "park" })
)

/** Plants a dead letter and a parked key for each text, and actions with such notes and operators. */
export const plantHostile = Effect.gen(function*() {
  const options = { idlePoll: "50 millis", codeVersion: "<em>1.0</em>" } as const
  yield* Worker.drain(pipeline, options)
  yield* Topic.publishAll(Texts, corpus.map((text, i) => ({ id: `${i} ${text}`, text, more: { [text]: text } })))
  yield* Worker.drain(pipeline, options)
  const deadLetters = yield* DeadLetters.list({ consumer, state: "open" })
  for (const [i, text] of corpus.slice(0, 3).entries()) {
    yield* DeadLetters.release(deadLetters[i]!.id, { by: text, note: text })
  }
  yield* Consumers.pause(consumer, { by: corpus[1]!, note: corpus[0]! })
  return deadLetters.map(({ id, message }) => ({ id, key: message.key, messageId: message.id }))
})
