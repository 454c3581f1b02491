/** Advances a held key, one message at a time and in order, on Postgres and on PGlite. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Audit, Consumers, DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"

const by = { by: "anna" }
const quick = { idlePoll: "50 millis", lanes: 4 } as const

/** A consumer whose handler fails for the ids in the set, and what it has handled. */
const advanced = (consumer: string) => {
  const Notes = Topic.make(consumer, {
    schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
    key: ({ key }) => key,
    id: ({ id }) => id
  })
  const failing = new Set<string>()
  const handled: Array<string> = []
  const pipeline = Pipeline.from(Notes, { consumer }).pipe(
    Pipeline.tap(({ id }) =>
      Effect.suspend(() => {
        if (failing.has(id)) return Effect.fail({ retryable: !id.startsWith("dead") })
        handled.push(id)
        return Effect.void
      })
    ),
    Pipeline.retry(Retry.exponential("1 hour", { attempts: 8 })),
    Pipeline.deadLetter({ order: "park" })
  )
  const publish = (...ids: ReadonlyArray<string>) => Topic.publishAll(Notes, ids.map((id) => ({ id, key: "k" })))
  return { consumer, failing, handled, pipeline, publish }
}

const schema = freshSchema()
const engines: ReadonlyArray<readonly [string, Layer.Layer<any, any>]> = [
  ["postgres", postgres(inject("databaseUrl"), {}, schema)],
  ["pglite", pglite({ schema })]
]

for (const [engine, services] of engines) {
  const ports = services as ReturnType<typeof pglite>
  layer(Operations.layer({ schema }).pipe(Layer.provideMerge(ports)), { excludeTestServices: true, timeout: 60_000 })(
    `advances on ${engine}`,
    (it) => {
      it.effect("let one message of a parked key through, then the next one, and then the rest in order", () =>
        Effect.gen(function*() {
          const ops = yield* Operations.Operations
          const { consumer, failing, handled, pipeline, publish } = advanced("parked")
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            failing.add("dead1")
            yield* publish("dead1", "b", "c", "d", "e")
            yield* eventually(Effect.map(DeadLetters.list({ consumer }), (deadLetters) => deadLetters.length === 1))
            failing.clear()
            const [deadLetter] = yield* DeadLetters.list({ consumer })
            const has = (...ids: ReadonlyArray<string>) =>
              Effect.andThen(
                eventually(Effect.sync(() => handled.length >= ids.length)),
                Effect.andThen(Effect.sleep("300 millis"), Effect.sync(() => assert.deepStrictEqual(handled, ids)))
              )
            const first = yield* ops.advanceKey(consumer, "k", by)
            assert.deepStrictEqual(first, { messageId: "dead1", deadLetterId: deadLetter!.id })
            yield* has("dead1")
            const [key] = yield* ops.stuckKeys({ consumer })
            assert.deepInclude(key, { parked: false, behind: { value: 4, kind: "exact" } })
            assert.strictEqual(key!.paused?.by, "anna")
            const second = yield* ops.advanceKey(consumer, "k", { by: "ben" })
            assert.deepStrictEqual(second, { messageId: "b", deadLetterId: undefined })
            yield* has("dead1", "b")
            yield* Consumers.resumeKey(consumer, "k", by)
            yield* has("dead1", "b", "c", "d", "e")
            const audit = yield* Audit.list({ about: "consumers", consumer })
            assert.deepStrictEqual(audit.map(({ action, by, detail }) => [by, action, detail]), [
              ["anna", "resumed", ""],
              ["ben", "advanced", "b"],
              ["anna", "advanced", "dead1"]
            ])
            const over = yield* Effect.flip(ops.advanceKey(consumer, "k", by))
            assert.deepInclude(over, { _tag: "NothingToAdvance", held: false })
          }))
        }))

      it.effect("let nothing else through when the message fails: dead again, or held for a retry", () =>
        Effect.gen(function*() {
          const ops = yield* Operations.Operations
          const { consumer, failing, handled, pipeline, publish } = advanced("failing")
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            failing.add("dead2").add("later")
            yield* publish("dead2", "later", "last")
            const open = Effect.map(DeadLetters.list({ consumer, state: "open" }), ([deadLetter]) => deadLetter)
            yield* eventually(Effect.map(open, (deadLetter) => deadLetter !== undefined))
            yield* ops.advanceKey(consumer, "k", by)
            yield* eventually(Effect.map(open, (deadLetter) => deadLetter?.redriven === 1))
            yield* Effect.sleep("300 millis")
            assert.deepStrictEqual(handled, [])
            // The dead letter is the first message again. Without it the next one is, whose retry is delayed.
            failing.delete("dead2")
            assert.strictEqual((yield* ops.advanceKey(consumer, "k", by)).messageId, "dead2")
            const committed = (id: string) =>
              eventually(Effect.map(ops.find(id, { key: "k" }), ({ consumers }) => consumers[0]?.state === "committed"))
            yield* committed("dead2")
            assert.strictEqual((yield* ops.advanceKey(consumer, "k", by)).messageId, "later")
            yield* eventually(
              Effect.map(ops.find("later", { key: "k" }), ({ consumers }) => consumers[0]?.queue?.attempts === 1)
            )
          }))
          const committed = (id: string) =>
            eventually(Effect.map(ops.find(id, { key: "k" }), ({ consumers }) => consumers[0]?.state === "committed"))
          const tried = Effect.map(ops.find("later", { key: "k" }), ({ consumers }) => consumers[0]?.queue?.attempts)
          // A worker that starts now reads the key from its beginning, and must not try the message again.
          yield* Worker.drain(pipeline, quick)
          assert.strictEqual(yield* tried, 1)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            failing.clear()
            assert.strictEqual((yield* ops.advanceKey(consumer, "k", by)).messageId, "later")
            yield* committed("later")
            yield* Effect.sleep("300 millis")
            assert.deepStrictEqual(handled, ["dead2", "later"])
          }))
          // A worker that starts later reads the key from its beginning, and lets only the advanced message through.
          yield* ops.advanceKey(consumer, "k", by)
          yield* publish("new")
          yield* Worker.drain(pipeline, quick)
          assert.deepStrictEqual(handled, ["dead2", "later", "last"])
          const unknown = yield* Effect.flip(ops.advanceKey("unknown", "k", by))
          assert.strictEqual(unknown._tag, "ConsumerNotFound")
        }))
    }
  )
}
