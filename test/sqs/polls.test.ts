/** Polls of a broker are whole: neither a failing poll beside them nor the end of the scope interrupts them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { TransportError } from "../../src/Errors.ts"
import type { Received } from "../../src/internal/broker/BrokerQueue.ts"
import * as Polls from "../../src/internal/broker/Polls.ts"

const received = (messageId: string): Received => ({
  messageId,
  handle: messageId,
  groupId: undefined,
  sequence: undefined,
  receiveCount: 1
})

/** Polls of two messages each. `answer` is the answer to the poll with this number, after a second. */
const polling = (answer: (nth: number) => Effect.Effect<ReadonlyArray<Received>, TransportError>) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const accepted: Array<string> = []
    let nth = 0
    const polls = Polls.make(
      // A request bounds its own time, so it can be interrupted.
      { batchSize: 2, receive: () => Effect.interruptible(Effect.andThen(Effect.sleep("1 second"), answer(++nth))) },
      {
        waitMillis: 1000,
        restMillis: 0,
        leaseMillis: 30_000,
        accept: (messages) => {
          accepted.push(...messages.map(({ messageId }) => messageId))
          return messages.length
        }
      },
      scope
    )
    return { accepted, round: polls.round({ messages: 100, bytes: 1e9 }), scope }
  })

const failed = new TransportError({ engine: "test", operation: "receive", kind: "temporary", detail: "reset" })

describe("a poll of a broker", () => {
  it.effect("ends, although a poll beside it fails", () =>
    Effect.gen(function*() {
      const { accepted, round } = yield* polling((nth) =>
        nth === 2
          ? Effect.fail(failed)
          : Effect.delay(Effect.succeed([received(`${nth}a`), received(`${nth}b`)]), "1 second")
      )
      // The first round is full, so the second one has two polls.
      for (const expected of ["Success", "Failure"]) {
        const waiting = yield* Effect.forkChild(Effect.exit(round))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Fiber.join(waiting))._tag, expected)
      }
      assert.deepStrictEqual(accepted, ["1a", "1b", "3a", "3b"])
    }))

  it.effect("ends, although its scope closes meanwhile", () =>
    Effect.gen(function*() {
      const { accepted, round, scope } = yield* polling(() => Effect.succeed([received("a")]))
      yield* Effect.forkChild(round, { startImmediately: true })
      yield* TestClock.adjust("10 millis")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(closing)
      assert.deepStrictEqual(accepted, ["a"])
    }))
})
