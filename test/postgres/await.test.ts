/** `Inbox.await` while another process commits: two layers on one schema, with pools and wake-ups of their own. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import { Clock, Deferred, Duration, Effect, Fiber, Layer, Queue, Redacted } from "effect"
import { Inbox, Store } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { freshSchema, open, postgres, register } from "./kit.ts"

const url = inject("databaseUrl")
const schema = freshSchema()
const channel = `millrace_${schema}`

/** A process of its own, while the test runs. */
const process = Effect.map(
  Layer.build(Postgres.layer({ url: Redacted.make(url), schema, migrate: "check" })),
  (context) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideContext(effect, context)
)

/**
 * Waits on a clock on which the fourth look never comes, so that only a notification ends it. Returns when it has
 * looked three times.
 */
const awaiting = Effect.fnUntraced(function*(consumer: string, id: string) {
  const looked = yield* Deferred.make<void>()
  const clock = yield* Clock.Clock
  const stopped: Clock.Clock = Object.assign(Object.create(clock), {
    sleep: (duration: Duration.Duration) => {
      const millis = Duration.toMillis(duration)
      if (millis < 100) return clock.sleep(duration)
      return Effect.andThen(millis === 160 ? Deferred.succeed(looked, undefined) : Effect.void, Effect.never)
    }
  })
  const fiber = yield* Effect.forkScoped(
    Effect.provideService(Inbox.await({ consumer, id }), Clock.Clock, stopped)
  )
  yield* Deferred.await(looked)
  return fiber
})

const commit = (consumer: string, id: string) =>
  Effect.flatMap(Store.Store, (store) => store.transact(store.inbox.claim(consumer, [{ id, fingerprint: "f" }])))

/** The notes on the channel from here on. */
const listening = Effect.gen(function*() {
  const client = yield* PgClient.PgClient
  const said = yield* client.listen(channel)
  return Effect.map(Queue.take(said), ({ payload }) => payload)
})

let consumers = 0

layer(postgres(url, {}, schema), { excludeTestServices: true })("await", (it) => {
  it.effect("is woken by the process that commits the message, which was asked by who waits", () =>
    Effect.gen(function*() {
      const consumer = `c${++consumers}`
      const mine = { consumer, topics: ["t"], idlePoll: Duration.minutes(1) }
      yield* register(mine)
      const worker = yield* process
      yield* worker(open("w", mine))
      const said = yield* listening
      // On a busy machine a question may get lost, or be heard after the commit: looking finds that one, on another
      // clock.
      const notified = Effect.fnUntraced(function*(id: string) {
        const waiter = yield* awaiting(consumer, id)
        while (!(yield* said).endsWith(`:${id}`));
        assert.isUndefined(waiter.pollUnsafe())
        yield* worker(commit(consumer, id))
        return yield* Fiber.join(waiter)
      })
      let rounds = 0
      const round = Effect.suspend(() => Effect.timeout(notified(`round-${++rounds}`), "5 seconds"))
      assert.deepStrictEqual(yield* Effect.retry(round, { times: 4 }), { _tag: "Committed" })
    }).pipe(Effect.scoped))

  it.effect("makes no worker notify without a waiter in another process", () =>
    Effect.gen(function*() {
      const consumer = `c${++consumers}`
      const mine = { consumer, topics: ["t"] }
      yield* register(mine)
      yield* open("w", mine)
      const said = yield* listening
      for (let i = 0; i < 20; i++) yield* commit(consumer, `${i}`)
      const waiter = yield* awaiting(consumer, "own")
      assert.match(yield* said, /^await:[^:]+:c\d+:own$/)
      yield* commit(consumer, "own")
      assert.deepStrictEqual(yield* Effect.timeout(Fiber.join(waiter), "5 seconds"), { _tag: "Committed" })
      // Notes keep their order, so there was none between these two.
      yield* awaiting(consumer, "last")
      assert.match(yield* said, /^await:[^:]+:c\d+:last$/)
    }).pipe(Effect.scoped))
})
