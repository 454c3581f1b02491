/** Connections that are reset while a worker starts. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Schema } from "effect"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { proxy } from "../harness/proxy.ts"
import { eventually, freshSchema, postgres } from "./kit.ts"

const Notes = Topic.make("notes", { schema: Schema.String, id: (note) => note })

it.live("a worker starts although its connections are reset while it registers and while it opens", () => {
  const done: Array<string> = []
  return Effect.gen(function*() {
    const between = yield* proxy(inject("databaseUrl"))
    const schema = freshSchema()
    const other = yield* Layer.build(postgres(inject("databaseUrl"), {}, schema))
    const left = ["select id, lanes, dead_letter_order", "select count(*)::int as lanes"]
    between.swallow = (chunk) => {
      const text = left.find((each) => chunk.includes(each))
      if (text === undefined) return false
      left.splice(left.indexOf(text), 1)
      setImmediate(() => between.reset(text))
      return true
    }
    const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
      Pipeline.tap((note) => Effect.sync(() => done.push(note)))
    )
    const worker = Worker.layer(pipeline).pipe(
      Layer.provide(Postgres.layer({ url: Redacted.make(between.url), schema }))
    )
    yield* Layer.build(worker)
    assert.deepStrictEqual(left, [])
    yield* Effect.provide(Topic.publish(Notes, "n"), other)
    yield* eventually(Effect.sync(() => done.length === 1))
  }).pipe(Effect.scoped)
})
