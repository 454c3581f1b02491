/**
 * A producer that keeps workers busy, and an operator that decides about dead letters. Both continue through every
 * failure of the database.
 */
import { Cause, Effect, Exit, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Store, Topic } from "millrace"
import { acts, type Mix, pick, type Piece, piecesOf, tried } from "./pieces.ts"
import * as Tables from "./tables.ts"
import type { World } from "./world.ts"

const spaced = Schedule.spaced("200 millis")

export interface Load {
  readonly mix: Mix
  /** The number of keys, or undefined if each piece has its own. */
  readonly keys: number | undefined
  /** Messages that wait or run at any time. */
  readonly outstanding: number
  /** Longest wait of a piece that waits. */
  readonly millis?: number | undefined
  /** Milliseconds between two publishes at least; default 0. */
  readonly pace?: number | undefined
  /** Messages of one publish. */
  readonly batch?: number | undefined
}

/** How something is published. */
export interface How {
  readonly consumer?: string | undefined
  /** It is due so much later, in milliseconds. */
  readonly delay?: number | undefined
  /** The publisher does not wait until its commit is on the disk. */
  readonly unflushed?: boolean | undefined
}

const published = (pieces: ReadonlyArray<Piece>, consumer: string, { delay, unflushed }: How) => {
  const all = Topic.publishAll(piecesOf(consumer), pieces, delay === undefined ? {} : { delay })
  if (unflushed !== true) return all
  return Effect.gen(function*() {
    const store = yield* Store.Store
    const sql = yield* SqlClient.SqlClient
    return yield* store.transact(Effect.andThen(sql`set local synchronous_commit = off`, all))
  })
}

/** Publishes until it is confirmed: a refusal may hide a success, so it is repeated with the same ids. */
export const publish = (world: World, pieces: ReadonlyArray<Piece>, how: How = {}) =>
  Effect.gen(function*() {
    const consumer = how.consumer ?? world.consumer
    const batch = world.nextName("batch")
    const loose = world.durable && how.unflushed !== true ? {} : { durable: false }
    while (true) {
      for (const piece of pieces) world.record(tried("parent", consumer, piece, batch))
      const exit = yield* Effect.exit(published(pieces, consumer, how))
      const answer = Exit.isSuccess(exit) ? "acknowledged" : "unknown"
      for (const { id } of pieces) world.record({ _tag: "PublishAnswered", process: "parent", id, answer, ...loose })
      if (answer === "acknowledged") break
      yield* Effect.sleep("100 millis")
    }
    world.published += pieces.length
  })

const batchOf = (world: World, load: Load): ReadonlyArray<Piece> =>
  Array.from(
    { length: load.batch ?? 40 },
    () =>
      world.piece(
        keyOf(world, load),
        pick(load.mix, world.dice.next()),
        world.dice.whole(1, load.millis ?? 10)
      )
  )

const keyOf = (world: World, { keys }: Load): string =>
  keys === undefined ? world.nextName("own") : `k${world.dice.whole(0, keys - 1)}`

/** How much of the main consumer waits or runs; undefined if the database does not say. */
const outstanding = Effect.fnUntraced(function*(world: World) {
  if (world.broker !== undefined) return world.published - (yield* Tables.finished(world.schema, world.consumer))
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly n: number }>`select count(*)::int as n from ${sql(world.schema)}.messages m
    join ${sql(world.schema)}.consumers c on c.id = m.queue_id where c.name = ${world.consumer}`
  return row!.n
}, (effect) => Effect.catchCause(effect, () => Effect.succeed(undefined)))

/** One piece of each kind in the mix, so that even a short run has every kind of failure. */
const oneOfEach = (world: World, load: Load): ReadonlyArray<Piece> =>
  acts.filter((action) => (load.mix[action] ?? 0) > 0).map((action) =>
    world.piece(keyOf(world, load), action, world.dice.whole(1, load.millis ?? 10))
  )

/** In a fiber of the scope, until the world is to come to rest. */
export const keepBusy = (world: World, load: Load) => {
  const first = publish(world, oneOfEach(world, load))
  const more = Effect.gen(function*() {
    const waiting = world.paused ? undefined : yield* outstanding(world)
    if (waiting !== undefined && waiting < load.outstanding) {
      yield* publish(world, batchOf(world, load))
      yield* Effect.sleep(load.pace ?? 0)
    } else yield* Effect.sleep("30 millis")
  })
  const loop = Effect.whileLoop({ while: () => !world.resting, body: () => more, step: () => {} })
  return Effect.map(Effect.forkScoped(Effect.andThen(first, loop)), (fiber) => void world.loads.push(fiber))
}

/** Redrives most dead letters and discards the others, one after the other. Never ends by itself. */
export const operator = (world: World) =>
  Effect.forever(
    Effect.gen(function*() {
      for (const consumer of world.consumers) {
        for (const deadLetter of yield* DeadLetters.list({ consumer, state: "open", limit: 100 })) {
          if (world.spared?.test(deadLetter.message.key) === true) continue
          // The first decisions are redrives until one succeeds, so that even a run with one dead letter has one.
          const action = !world.hasRedriven || world.dice.next() < 0.75 ? "redrive" : "discard"
          yield* Effect.uninterruptible(decide(world, consumer, action, deadLetter.id, deadLetter.message))
        }
      }
      yield* Effect.sleep("100 millis")
    }).pipe(
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : Effect.sleep("100 millis")
      )
    )
  )

/** The operator's decision is known in the end, even without an answer: the dead letter says who decided about it. */
const decide = Effect.fnUntraced(function*(
  world: World,
  consumer: string,
  action: "redrive" | "discard",
  deadLetterId: string,
  message: { readonly id: string; readonly key: string }
) {
  const by = { by: "operator" }
  const exit = yield* Effect.exit(
    action === "redrive" ? DeadLetters.redrive(deadLetterId, by) : DeadLetters.discard(deadLetterId, by)
  )
  if (Exit.isFailure(exit)) {
    const now = yield* Effect.retry(DeadLetters.get(deadLetterId), { times: 100, schedule: spaced })
    if (now.changedBy !== "operator" || now.state === "open") return
  }
  if (action === "redrive") world.hasRedriven = true
  const draw = yield* Effect.retry(Tables.draw(world.schema), { times: 100, schedule: spaced })
  const { id, key } = message
  world.record({ _tag: "OperatorActed", process: "parent", action, consumer, id, key, draw })
})
