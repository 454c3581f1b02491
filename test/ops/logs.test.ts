// Log lines identify their message, and never contain its payload.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schedule, Schema } from "effect"
import { Memory, Message, Pipeline, Retry, Store, Topic, Worker } from "millrace"
import { deadLetters, Declined, drain, order, Orders, publish, runReadyFibers, start, stop } from "../worker/support.ts"
import { logging } from "./collectors.ts"

const marker = "marker-4711"

const Secrets = Topic.make("secrets", {
  schema: Schema.Struct({ id: Schema.String, secret: Schema.String, n: Schema.Int }),
  key: () => "k",
  id: ({ id }) => id
})
const secret = (id: string) => ({ id, secret: marker, n: 1 })

class Quoting extends Schema.TaggedError<Quoting>()("Quoting", { secret: Schema.String }) {
  override get message() {
    return `cannot use a secret of ${this.secret.length} characters`
  }
}

describe("log lines", () => {
  it.effect("about a message carry consumer, topic, id, key and attempt, those of handlers too", () => {
    const { layer, lines } = logging()
    return Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "books" }).pipe(
          Pipeline.tap(() => Effect.logDebug("in a step")),
          Pipeline.commit(() =>
            Effect.andThen(Effect.logDebug("in a commit step"), Effect.fail(new Declined({ reason: "no" })))
          ),
          Pipeline.retry(Retry.exponential("10 millis", { attempts: 2 }))
        )
      )
      const fields = { consumer: "books", topic: "orders", id: "a1", key: "a" }
      const of = (text: string) => lines.filter(({ message }) => message.includes(text)).map((line) => line.fields)
      assert.deepStrictEqual(of("in a step"), [{ ...fields, attempt: 1 }, { ...fields, attempt: 2 }])
      // Each commit step runs in the group, and once more alone to find out whose failure it is.
      assert.deepStrictEqual([...new Set(of("in a commit step").map(({ attempt }) => attempt))], [1, 2])
      assert.isTrue(of("in a commit step").every(({ id }) => id === "a1"))
      const [deadLetter] = yield* deadLetters("books")
      assert.deepStrictEqual(of("became a dead letter (exhausted): Declined: declined: no"), [
        { ...fields, attempt: 2, deadLetter: deadLetter!.id }
      ])
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("have no key where the message has none", () => {
    const { layer, lines } = logging()
    const Loose = Topic.make("loose", { schema: Schema.String, id: () => "one" })
    return Effect.gen(function*() {
      yield* publish(Loose, ["x"])
      yield* drain(Pipeline.from(Loose, { consumer: "c" }).pipe(Pipeline.tap(() => Effect.log("here"))))
      const fields = lines.find(({ message }) => message === "here")?.fields
      assert.deepStrictEqual(fields, { consumer: "c", topic: "loose", id: "one", attempt: 1 })
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("never quote a payload: retries, holds, deaths, defects, schedules that throw, messages that do not decode", () => {
    const { layer, lines } = logging()
    return Effect.gen(function*() {
      const store = yield* Store.Store
      const policies: Readonly<Record<string, Retry.Policy<unknown>>> = {
        retried: Retry.exponential("10 millis", { attempts: 3 }),
        held: Retry.exponential("1 minute", { attempts: 3 }),
        died: Retry.never,
        thrown: Retry.never,
        scheduled: Schedule.modifyDelay(Schedule.forever, () => Effect.die(new Error(`cannot use ${marker}`))),
        undecodable: Retry.never,
        "no-json": Retry.never
      }
      for (const [name, policy] of Object.entries(policies)) {
        const failing = Pipeline.from(Secrets, { consumer: `c-${name}` }).pipe(
          Pipeline.tap(({ secret }) =>
            name === "thrown" ? Effect.die(new Error(`cannot use ${secret}`)) : Effect.fail(new Quoting({ secret }))
          ),
          Pipeline.retry(policy)
        )
        yield* drain(failing)
        if (name === "undecodable" || name === "no-json") {
          const payload = name === "no-json" ? `{"secret": ${marker}` : `{"secret":"${marker}","n":"${marker}"}`
          yield* store.outbox.write([yield* Message.make({ id: name, topic: "secrets", key: "k", payload })])
        } else yield* publish(Secrets, [secret(name)])
        yield* drain(failing)
      }
      const text = lines.map(({ everything }) => everything).join("\n")
      // Not vacuous: each of them left its line.
      for (
        const end of [
          "(exhausted): Quoting: cannot use a secret of 11 characters",
          "(undecodable)",
          "A retry schedule ended in a defect"
        ]
      ) {
        assert.include(text, end)
      }
      assert.notInclude(text, marker)
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("name a topic that no consumer reads once, at the first publish or emit to it", () => {
    const { layer, lines } = logging()
    return Effect.gen(function*() {
      const Typo = Topic.make("odrers", { schema: Schema.String, id: "random" })
      const named = (topic: string) =>
        lines.filter(({ message }) => message.startsWith(`No consumer reads topic "${topic}"`))
      yield* drain(Pipeline.from(Orders, { consumer: "books" }).pipe(Pipeline.emit(Typo, ({ id }) => id)))
      yield* publish(Orders, [order("a", 1), order("a", 2)])
      assert.lengthOf(lines.filter(({ message }) => message.startsWith("No consumer reads")), 0)
      yield* drain(Pipeline.from(Orders, { consumer: "books" }).pipe(Pipeline.emit(Typo, ({ id }) => id)))
      assert.lengthOf(named("odrers"), 1)
      yield* publish(Typo, ["x"])
      yield* Topic.publish(Typo, "later", { delay: "1 hour" })
      assert.lengthOf(named("odrers"), 1)
      const Another = Topic.make("other", { schema: Schema.String, id: "random" })
      yield* publish(Another, ["x"])
      assert.lengthOf(named("other"), 1)
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("say with one line each that a worker started, with which code, and that it stopped", () => {
    const { layer, lines } = logging()
    return Effect.gen(function*() {
      const worker = yield* start(Pipeline.from(Orders, { consumer: "books" }), { codeVersion: "1.4.3", name: "w" })
      yield* runReadyFibers
      const said = () => lines.map(({ message }) => message).filter((message) => message.startsWith("Worker w#"))
      assert.lengthOf(said(), 1)
      assert.match(said()[0]!, /^Worker w#[0-9a-f]{8} started with code 1\.4\.3\. It reads "orders"\.$/)
      yield* stop(worker)
      assert.match(said()[1]!, /^Worker w#[0-9a-f]{8} stopped\.$/)
      assert.lengthOf(said(), 2)
      const other = Worker.run(Pipeline.from(Orders, { consumer: "books" }), { lanes: 3, name: "w" })
      assert.strictEqual((yield* Effect.flip(other))._tag, "ConsumerConflict")
      assert.lengthOf(said(), 2)
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })
})
