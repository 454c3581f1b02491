/** Where an effect outside of the database happens again: the process dies at every point, on Postgres and Redis. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Ref, Schema } from "effect"
import { Inbox, Pipeline, Topic } from "millrace"
import { Postgres } from "millrace/postgres"
import { RedisConnection, RedisInbox } from "millrace/redis"
import { TestPipeline } from "millrace/testing"
import { randomUUID } from "node:crypto"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { freshSchema } from "../postgres/kit.ts"
import { anyServer, redisRuns } from "./redisServer.ts"

const runs = await redisRuns("the crash points of an effect with its id on Redis")
const url = inject("databaseUrl")

/** The mails that a server outside of the database has sent. */
class Mails extends Context.Service<Mails, Ref.Ref<ReadonlyArray<string>>>()("Mails") {}

const Orders = Topic.make("orders", { schema: Schema.String, id: (order) => order })
const sending = (order: string) =>
  Mails.use((sent) => TestPipeline.around("mail", Ref.update(sent, (mails) => [...mails, order])))

const plain = Pipeline.from(Orders, { consumer: "mails" }).pipe(Pipeline.tap(sending))
const once = Pipeline.from(Orders, { consumer: "mails" }).pipe(
  Pipeline.tap((order) =>
    Inbox.once({ consumer: "sent-mails", id: order }, sending(order), {
      result: Schema.Void,
      inbox: RedisInbox.RedisInbox
    })
  )
)

/** Every run has a schema, keys on Redis and a mail server of its own. */
const services = (redis: string) =>
  Layer.unwrap(Effect.sync(() =>
    Layer.mergeAll(
      Postgres.layer({ url: Redacted.make(url), schema: freshSchema(), retention: false }),
      Layer.effect(Mails, Ref.make<ReadonlyArray<string>>([])),
      RedisInbox.layer({ prefix: `test:${randomUUID()}`, marker: "1 second" }).pipe(
        Layer.provide(RedisConnection.layer(redis))
      )
    )
  ))

/** The points after whose crash the mail was sent again, without the attempt's number. */
const again = Effect.fnUntraced(function*<E, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<string, E, Mails | RedisInbox.RedisInbox, P>,
  redis: string
) {
  const counts: Array<number> = []
  const { points } = yield* TestPipeline.crashEverywhere(pipeline, {
    scenario: (test) => test.publish(Orders, "o1"),
    state: Mails.use(Ref.get),
    layer: services(redis),
    same: (clean, crashed) => {
      assert.deepStrictEqual(clean, ["o1"])
      counts.push(crashed.length)
      return true
    }
  })
  assert.lengthOf(counts, points.length)
  assert.isTrue(counts.every((count) => count === 1 || count === 2), String(counts))
  return points.filter((_, i) => counts[i] === 2)
})

describe.runIf(runs)("a mail", () => {
  const testTime = limit(300_000)

  it.live(
    "with its id on Redis is sent again after a crash between the mail and the done marker only",
    () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* again(once, (yield* anyServer) ?? ""), ["o1, attempt 1: after mail"])
      }),
    testTime
  )

  it.live("without it is sent again after a crash at any point up to the commit", () =>
    Effect.gen(function*() {
      const points = yield* again(plain, (yield* anyServer) ?? "")
      assert.include(points, "o1, attempt 1: after mail")
      assert.include(points, "o1, attempt 1: after step 1 (Tap)")
      assert.isTrue(points.some((point) => point.includes("before COMMIT")), String(points))
    }), testTime)
})
