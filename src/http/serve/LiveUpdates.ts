/**
 * Sends live updates to browsers (Server-Sent Events).
 *
 * One loop reads the facts for all streams, and runs only while a stream is open. It keeps the latest updates, so a
 * browser that reconnects gets those that it missed, or the request to read everything again.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as RcRef from "effect/RcRef"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Audit from "../../Audit.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import { escapeJson } from "../../internal/HarmlessText.ts"
import type { ConsumerFacts } from "../../ops/ConsumerFacts.ts"
import * as Operations from "../../ops/Operations.ts"
import { Store } from "../../Store.ts"
import * as Views from "../answers/Views.ts"
import { RateLimited } from "../api/Problems.ts"
import { type ConsumerStats, Update } from "../schema/LiveSchema.ts"
import { Settings } from "../security/ServerSettings.ts"

type OneUpdate = typeof Update.Type

/** The updates that are kept for a browser that reconnects. */
const mostKept = 100

/** How often a comment shows that the stream is open. */
const comment = "15 seconds"

/** Returns how often the facts are read. On PGlite each reading holds the only session. */
const statsEvery = (maxTransactions: number): number => maxTransactions === 1 ? 5_000 : 2_000

const statsOf = (one: ConsumerFacts): typeof ConsumerStats.Type => ({
  consumer: one.consumer,
  waiting: one.waiting,
  lagMillis: one.lag.millis,
  sentence: one.lag.sentence,
  inPerSecond: one.rates.inPerSecond,
  outPerSecond: one.rates.outPerSecond,
  parkedKeys: one.parkedKeys,
  delayedKeys: one.delayedKeys,
  deadLetters: one.deadLetters,
  workers: one.workers,
  ownedLanes: one.ownedLanes,
  lanes: one.lanes,
  paused: one.paused !== undefined
})

/** The live updates of a server. */
export class LiveUpdates extends Context.Service<LiveUpdates, {
  /** How often `stats` come, in milliseconds. */
  readonly statsEvery: number
  /** Opens a stream of bytes, behind the update with this id. Fails if too many are open. */
  readonly open: (lastId: string | undefined) => Effect.Effect<Stream.Stream<Uint8Array>, RateLimited>
}>()("millrace/http/LiveUpdates") {}

const encodeUpdate = Schema.encodeEffect(Update)

/** Returns an update as the browser reads it. JSON has no line break, so it is one line of data. */
const rendered = (update: OneUpdate): Effect.Effect<string> =>
  Effect.map(
    Effect.orDie(encodeUpdate(update)),
    ({ data, event, id }) => `id: ${id}\nevent: ${event}\ndata: ${escapeJson(data)}\n\n`
  )

/** The part of the state that one reading compares with the reading before. */
interface Seen {
  readonly deadLetter: string
  readonly audit: string
  readonly workers: string
  readonly runs: string
}

/** Runs the loop that reads the facts, and returns how to subscribe to what it finds. */
const makeLoop = Effect.fnUntraced(function*(every: number) {
  const operations = yield* Operations.Operations
  const views = Views.make(yield* Settings)
  // Another loop of this process, or of another one, has other ids.
  const life = (yield* Clock.currentTimeMillis).toString(36)
  const updates = yield* PubSub.sliding<OneUpdate>(mostKept)
  const kept: Array<OneUpdate> = []
  let seq = 0
  let seen: Seen | undefined
  const send = Effect.fnUntraced(function*(update: Omit<OneUpdate, "id">) {
    const numbered = { ...update, id: `${life}-${++seq}` } as OneUpdate
    kept.push(numbered)
    if (kept.length > mostKept) kept.shift()
    yield* PubSub.publish(updates, numbered)
  })
  const read = Effect.gen(function*() {
    const consumers = yield* operations.consumers
    const runs = yield* operations.redriveRuns({ limit: 20 })
    const [deadLetter] = yield* operations.reading(DeadLetters.list({ limit: 1 }))
    const [entry] = yield* operations.reading(Audit.list({ limit: 1 }))
    const workers = yield* operations.workers
    const now: Seen = {
      // A dead letter that changes without an audit entry is one that died again, or was committed.
      deadLetter: JSON.stringify([deadLetter?.id, consumers.map((one) => [one.deadLetters, one.redriving])]),
      audit: entry?.id ?? "",
      workers: JSON.stringify(workers.map(({ alive, lanes, worker }) => [worker, alive, lanes])),
      runs: JSON.stringify(runs.map(({ id, redriven, revision, waiting }) => [id, revision, redriven, waiting]))
    }
    const stats = { asOf: yield* Clock.currentTimeMillis, consumers: consumers.map(statsOf) }
    yield* send({ event: "stats", data: stats })
    if (seen === undefined || seen.runs !== now.runs) {
      yield* send({ event: "runs", data: { runs: runs.map(views.run) } })
    }
    const about = seen === undefined ? [] : [
      ...(seen.deadLetter === now.deadLetter ? [] : ["deadLetters" as const]),
      ...(seen.audit === now.audit ? [] : ["audit" as const]),
      ...(seen.workers === now.workers ? [] : ["workers" as const])
    ]
    if (about.length > 0) yield* send({ event: "changed", data: { about } })
    seen = now
  })
  yield* Effect.forkScoped(Effect.forever(
    Effect.andThen(
      Effect.catch(
        read,
        (error) => Effect.logWarning("The live updates could not be read. They are read again.", error)
      ),
      Effect.sleep(every)
    )
  ))
  return {
    /** The updates behind this id, and those to come. */
    after: Effect.fnUntraced(function*(lastId: string | undefined): Effect.fn.Return<
      Stream.Stream<OneUpdate>,
      never,
      Scope.Scope
    > {
      const subscription = yield* PubSub.subscribe(updates)
      const at = kept.findIndex(({ id }) => id === lastId)
      const missed: ReadonlyArray<OneUpdate> = lastId === undefined
        // A new stream begins with the present state.
        ? [kept.findLast(({ event }) => event === "stats"), kept.findLast(({ event }) => event === "runs")]
          .filter((one) => one !== undefined)
        : at >= 0
        ? kept.slice(at + 1)
        : [{ id: `${life}-${seq}`, event: "reset", data: {} }]
      return Stream.concat(Stream.fromIterable(missed), Stream.fromSubscription(subscription))
    })
  }
})

export const layer: Layer.Layer<LiveUpdates, never, Operations.Operations | Settings | Store> = Layer.effect(
  LiveUpdates,
  Effect.gen(function*() {
    const settings = yield* Settings
    const store = yield* Store
    const every = statsEvery(store.maxTransactions)
    const context = yield* Effect.context<Operations.Operations | Settings | Store>()
    const loop = yield* RcRef.make({
      acquire: Effect.provideContext(makeLoop(every), context),
      idleTimeToLive: Duration.seconds(30)
    })
    let open = 0
    const comments = Stream.fromEffectRepeat(Effect.as(Effect.sleep(comment), ":\n\n"))
    const stream = (lastId: string | undefined) =>
      Stream.unwrap(Effect.gen(function*() {
        yield* Effect.acquireRelease(Effect.sync(() => open++), () => Effect.sync(() => open--))
        const { after } = yield* RcRef.get(loop)
        const updates = Stream.mapEffect(yield* after(lastId), rendered)
        return Stream.encodeText(Stream.merge(Stream.concat(Stream.make("retry: 2000\n\n"), updates), comments))
      }))
    return LiveUpdates.of({
      statsEvery: every,
      open: (lastId) =>
        Effect.suspend(() => {
          if (open >= settings.streams) {
            return Effect.fail(
              new RateLimited({
                detail: `${settings.streams} live streams are open, which is the limit. Close one, or try again later.`,
                retryAfterSeconds: 10
              })
            )
          }
          return Effect.succeed(stream(lastId))
        })
    })
  })
)
