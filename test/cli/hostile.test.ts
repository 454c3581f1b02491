/** No text of the database reaches a terminal as a control character, from any command, in any form of output. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Consumers, DeadLetters, Message, Pipeline, Retry, Store, Topic, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { spawnSync } from "node:child_process"
import { inject } from "vitest"
import * as JsonText from "../../src/cli/output/JsonText.ts"
import * as SafeText from "../../src/cli/output/SafeText.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { millrace } from "./commandLine.ts"

/** Escape sequences and characters that change what a terminal shows, or what it does. */
const corpus = [
  "\u001b[2J\u001b[H", // clears the screen
  "\u001b]52;c;cm0gLXJmIH4=\u0007", // writes the clipboard
  "\u001b]0;title\u0007\u001b]8;;http://example.test\u001b\\link\u001b]8;;\u001b\\",
  "\u009b31m\u0090q\u009c", // the same in one character
  "\r\u001b[1Aoverwritten\b\b\b\u007f\u000e\u000f",
  "\u202egnp.exe\u2066\u2067\u2068\u2069\u200e\u200f\u061c", // changes the order of the text
  "a\u200b\u200c\u200d\u2060\ufeffb\u00adc\u2028d\u2029e\u0085f\u{e0041}",
  "two\nlines\tand a tab"
]

/** Everything that standard output must not have: C0 but the line break, DEL, C1, bidirectional controls and others. */
// The ranges are written out, so that the test does not share the classes of the code.
const forbidden =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\u{e0000}-\u{e007f}]/u

const schema = freshSchema()
const url = inject("databaseUrl")
const cli = (args: ReadonlyArray<string>) => millrace([...args, "--schema", schema], { env: { DATABASE_URL: url } })

class Hostile extends Schema.TaggedError<Hostile>()("Hostile", { text: Schema.String }) {
  override get message() {
    return this.text
  }
}

const Texts = Topic.make("texts", { schema: Schema.Struct({ id: Schema.String, text: Schema.String }) })

const failing = Pipeline.from(Texts, { consumer: "texts" }).pipe(
  Pipeline.tap(({ text }) => {
    const error = new Hostile({ text })
    error.stack = `Hostile: ${text}\n    at f${text} (file.ts:1:1)`
    return Effect.fail(error)
  }),
  Pipeline.retry(Retry.never),
  Pipeline.deadLetter({ order: "park" })
)

describe("harmless texts", () => {
  it.prop("JSON is harmless and decodes to what it was", [Schema.String], ([text]) => {
    const encoded = SafeText.json({ text, [text]: 1 })
    assert.notMatch(encoded, forbidden)
    assert.deepStrictEqual(JSON.parse(encoded), { text, [text]: 1 })
  })

  it("a line has none of the corpus, and shows each character by its number", () => {
    for (const text of corpus) assert.notMatch(SafeText.oneLine(text), forbidden)
    assert.strictEqual(SafeText.oneLine("a\u202eb\u001b"), "a\\u{202e}b\\u{1b}")
    assert.deepStrictEqual(SafeText.lines("a\r\nb\tc\u0007"), ["a", "b  c\\u{7}"])
    assert.strictEqual(SafeText.oneLine("\ud800"), "\\u{d800}")
  })

  it("a text in the command of a hint is quoted for a shell", () => {
    for (const text of ["$(touch x)", "`id`", "it's", "a b", "\"; rm -rf \"", "", "plain-1.2:k", "#7", "~"]) {
      const echoed = spawnSync("sh", ["-c", `printf %s ${SafeText.forShell(text)}`], { encoding: "utf8" })
      assert.strictEqual(echoed.stdout, text)
    }
  })

  it.prop("JSON text is laid out and compacted without a change of its values", [Schema.String], ([text]) => {
    const json = JSON.stringify({ a: [1, { [text]: text }, []], b: {}, c: [[], [null, true]] })
    assert.strictEqual(JsonText.compact(JsonText.indented(json)), json)
    const exact = "{\"n\":12345678901234567890,\"f\":1.10,\"n\":-0e5}"
    assert.strictEqual(JsonText.compact(JsonText.indented(exact)), exact)
  })

  it("JSON text has one value a line", () => {
    assert.strictEqual(
      JsonText.indented("{\"a\":[1,{}],\"b\":\"x, {y}\"}"),
      "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x, {y}\"\n}"
    )
    assert.strictEqual(JsonText.indented("no json {"), "no json {")
  })
})

const engine = Operations.layer({ schema }).pipe(Layer.provideMerge(postgres(url, {}, schema)))
layer(engine, { excludeTestServices: true, timeout: 120_000 })("hostile texts", (it) => {
  it.effect("reach neither stream of any command", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      yield* Worker.drain(failing)
      for (const [i, text] of corpus.entries()) {
        yield* store.outbox.write([
          yield* Message.make({
            id: `id${i}${text}`,
            key: `key${i}${text}`,
            topic: "texts",
            payload: JSON.stringify({ id: "x", text }),
            headers: { [`name${text}`]: `value${text}` }
          })
        ])
      }
      yield* Worker.drain(failing, { codeVersion: `1${corpus[0]}` })
      const deadLetters = yield* DeadLetters.list({ consumer: "texts" })
      assert.lengthOf(deadLetters, corpus.length)
      for (const [i, { id }] of deadLetters.entries()) {
        yield* DeadLetters.discard(id, { by: `by${corpus[i]}`, note: `note${corpus[i]}` })
        yield* DeadLetters.restore(id, { by: `by${corpus[i]}`, note: `note${corpus[i]}` })
      }
      yield* Consumers.pause("texts", { by: `by${corpus[0]}`, note: `note${corpus[1]}` })
      const ops = yield* Operations.Operations
      const run = yield* ops.startRedrive(
        { consumer: "texts", key: deadLetters[0]!.message.key },
        { by: `by${corpus[0]}`, note: `note${corpus[1]}` }
      )
      const commands: ReadonlyArray<ReadonlyArray<string>> = [
        ["status"],
        ["status", "texts"],
        ["stuck"],
        ["audit"],
        ["redrives"],
        ["blockers"],
        ["workers", "list"],
        ["workers", "suspects"],
        ["runs", "list"],
        ["runs", "show", run.id],
        ["lanes", "texts"],
        ["unrouted"],
        ["delayed"],
        ["dead", "groups"],
        ["dead", "list"],
        ["dead", "export"],
        ["dead", "redrive", "--consumer", "texts", "--dry-run"],
        ...deadLetters.flatMap(({ id, message }) => [
          ["dead", "show", id],
          ["dead", "discard", id, "--dry-run"],
          ["find", message.id],
          ["messages", "show", message.id],
          ["keys", "show", "texts", message.key],
          ["keys", "release", "texts", message.key, "--dry-run"],
          ["keys", "advance", "texts", message.key, "--dry-run"],
          ["messages", "dead-letter", "texts", message.id, "--dry-run"]
        ]),
        // From the arguments, too.
        ...corpus.flatMap((text) => [
          ["status", text],
          ["find", text],
          [text],
          ["dead", "list", "--since", text],
          ["dead", "list", `--${text}`],
          ["keys", "show", "texts", text],
          ["runs", "show", text]
        ])
      ]
      // JSON is encoded at one place. So the lists, one of each command, and the errors of arguments are enough for it.
      const forms = [
        [[], commands],
        [["--json"], [...commands.slice(0, 24), ...commands.slice(-14)]],
        [["--ndjson"], commands.slice(0, 16)]
      ] as const
      for (const [form, some] of forms) {
        for (const command of some) {
          const { stderr, stdout } = yield* cli([...command, ...form])
          const shown = JSON.stringify([...command, ...form])
          assert.notMatch(stdout, forbidden, `standard output of ${shown}`)
          assert.notMatch(stderr, forbidden, `standard error of ${shown}`)
          if (form[0] !== "--ndjson") assert.notStrictEqual(stdout + stderr, "", shown)
          if (form[0] === "--json" && stdout !== "" && command[1] !== "export") JSON.parse(stdout)
        }
      }
    }))
})
