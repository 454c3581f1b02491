/** The waves of a relay, without a worker that orders the messages before them. */
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Message } from "millrace"
import * as PublishWaves from "../../src/worker/relay/PublishWaves.ts"

const message = (id: string, key: string) => Message.make({ id, key, topic: "t", payload: "{}" })

it.effect("has one message of a key and of an id in a request, and the next one in the next request", () =>
  Effect.gen(function*() {
    const requests: Array<ReadonlyArray<string>> = []
    const publish = (messages: ReadonlyArray<Message.Message>) =>
      Effect.sync(() => void requests.push(messages.map(({ id, key }) => `${id}${key}`)))
    const waves = yield* PublishWaves.make({ consumer: "c", target: { publish }, most: 100, requests: 1 })
    const given = [["1", "a"], ["2", "a"], ["3", "b"], ["1", "c"], ["4", "a"]] as const
    yield* Effect.forEach(given, ([id, key]) => Effect.flatMap(message(id, key), waves.publish), {
      concurrency: "unbounded"
    })
    assert.deepStrictEqual(requests, [["1a", "3b"], ["2a", "1c"], ["4a"]])
  }))

it.effect("does not publish a message again whose lease was lost meanwhile", () =>
  Effect.gen(function*() {
    const [begun, answer] = [yield* Deferred.make<void>(), yield* Deferred.make<never, Errors.TransportError>()]
    const requests: Array<ReadonlyArray<string>> = []
    const publish = (messages: ReadonlyArray<Message.Message>) =>
      Effect.suspend(() => {
        requests.push(messages.map(({ id }) => id))
        return requests.length > 1
          ? Effect.void
          : Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(answer))
      })
    const waves = yield* PublishWaves.make({ consumer: "c", target: { publish }, most: 100, requests: 1 })
    const lost = yield* Effect.forkChild(Effect.flatMap(message("1", "a"), waves.publish))
    yield* Deferred.await(begun)
    yield* Fiber.interrupt(lost)
    const away = { engine: "e", operation: "publish", kind: "temporary", detail: "away" } as const
    yield* Deferred.fail(answer, new Errors.TransportError(away))
    const next = yield* Effect.forkChild(Effect.flatMap(message("2", "b"), waves.publish))
    yield* TestClock.adjust("1 second")
    yield* Fiber.join(next)
    assert.deepStrictEqual(requests, [["1"], ["2"]])
  }))

it.effect("fail for health only while a message waits for another try", () =>
  Effect.gen(function*() {
    const away = { engine: "e", operation: "publish", kind: "temporary", detail: "away" } as const
    const publish = () => Effect.fail(new Errors.TransportError(away))
    const waves = yield* PublishWaves.make({ consumer: "c", target: { publish }, most: 100, requests: 1 })
    assert.isUndefined(waves.failing())
    const lost = yield* Effect.forkChild(Effect.flatMap(message("1", "a"), waves.publish))
    yield* TestClock.adjust("1 minute")
    assert.include(waves.failing()?.detail, "away")
    yield* Fiber.interrupt(lost)
    yield* TestClock.adjust("6 seconds")
    assert.isUndefined(waves.failing())
  }))

it.effect("publishes the next message of a key at once after the one before it was refused", () =>
  Effect.gen(function*() {
    const requests: Array<ReadonlyArray<string>> = []
    const failed = [{ id: "1", outcome: "refused", detail: "too large" }] as const
    const publish = (messages: ReadonlyArray<Message.Message>) =>
      Effect.suspend(() => {
        requests.push(messages.map(({ id }) => id))
        return requests.length > 1 ? Effect.void : Effect.fail(new Errors.PublishFailed({ engine: "e", failed }))
      })
    const waves = yield* PublishWaves.make({ consumer: "c", target: { publish }, most: 100, requests: 1 })
    const publishing = yield* Effect.forkChild(
      Effect.forEach(["1", "2"], (id) => Effect.result(Effect.flatMap(message(id, "a"), waves.publish)), {
        concurrency: "unbounded"
      })
    )
    yield* TestClock.adjust("1 millis")
    assert.deepStrictEqual(requests, [["1"], ["2"]])
    const published = yield* Fiber.join(publishing)
    assert.deepStrictEqual(published.map(({ _tag }) => _tag), ["Failure", "Success"])
  }))
