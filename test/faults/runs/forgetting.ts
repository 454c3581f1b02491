/**
 * The server loses data that workers have seen, while the workers live on. Four causes: one backend is killed, and
 * Postgres recovers under the same postmaster. Postgres crashes before its last milliseconds were on the disk. It is
 * back before a worker asks again. A replica that lags is promoted.
 *
 * Messages published afterwards get the numbers of the lost ones. They must be handled all the same, and in order.
 */
import { Deferred, Effect, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Store, Topic } from "millrace"
import { durable, ownOf, pastProxy, strike } from "../comeback.ts"
import type { Count, Run } from "../fault-run.ts"
import * as Judge from "../judge.ts"
import { type Piece, piecesOf, tried } from "../pieces.ts"
import * as Load from "../traffic.ts"
import type { World } from "../world.ts"
import { busy, quick, until, waiting, whilst } from "./common.ts"

/** The disk gets what no commit waits for after ten seconds only, so that a crash loses it for certain. */
const forgetful = ["wal_writer_delay=10s"]
const keys = 15
/** Longer than a crash takes: what was handed out before is still worked on after it. */
const slowMillis = 3000

/** Pieces of each key. The first of each key takes its time. */
const family = (world: World, name: string, each: number, action: "wait" | "none" = "wait"): ReadonlyArray<Piece> =>
  Array.from({ length: each }, (_, i) =>
    Array.from(
      { length: keys },
      (_, key) => world.piece(`${name}${key}`, i === 0 ? action : "none", slowMillis)
    )).flat()

const heads = (pieces: ReadonlyArray<Piece>) => pieces.filter((piece) => piece.action === "wait").map(({ id }) => id)

/** Waits until a handler of each has begun. */
const begun = (world: World, ids: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const all = Effect.sync(() => {
      const started = Judge.started(world)
      return ids.every((id) => started.has(id))
    })
    if (!(yield* until(all, 60_000))) return yield* Effect.die(new Error("what was published is not begun"))
  })

/** Something waits on and on: the rounds end, and the checker says what that is. */
const stuck = "stuck"

/** Nothing is under way: no commit makes anything durable now. */
const quiet = Effect.fnUntraced(function*(world: World) {
  world.paused = true
  const ended = yield* until(Effect.map(waiting(world, world.consumer), (n) => n === 0), 120_000)
  if (!ended) return yield* Effect.fail(stuck)
})

/** Messages that will be moved when they are due: what moves them must not be forgotten without them. */
const later = (world: World, delay: number) =>
  Effect.gen(function*() {
    const moved = family(world, "moved", 3)
    yield* Load.publish(world, moved, { delay })
    return heads(moved)
  })

/** Messages whose publisher does not wait for the disk; a worker has some of them before the disk does. */
const loosely = (world: World, each: number) =>
  Effect.gen(function*() {
    const loose = family(world, "loose", each)
    yield* Load.publish(world, loose, { unflushed: true })
    yield* begun(world, heads(loose))
    return loose.map(({ id }) => id)
  })

/** All of this is handed out, and all that happened to it is lost with the server. */
const handOut = (world: World) =>
  Effect.gen(function*() {
    yield* begun(world, yield* later(world, 300))
    return yield* loosely(world, 4)
  })

/**
 * More than was lost, so that they get the same numbers, many of them in the same lanes. Moved messages that are due
 * again may come later.
 */
const successors = (world: World) =>
  Load.publish(world, [...family(world, "loose", 5, "none"), ...family(world, "next", 5, "none")])

const workers = (world: World) =>
  Effect.gen(function*() {
    const three = yield* Effect.forEach([1, 2, 3], () => world.worker())
    yield* Effect.forEach(three, (worker) => worker.ready)
  })

/**
 * Performs rounds until the server crashed often enough, and lost acknowledged messages often enough. A busy machine
 * may write them to the disk in time, so there are up to twice as many rounds. Returns how often both happened. `share`
 * is the share of rounds that lose something.
 */
const rounds = <E, R>(
  world: World,
  fault: string,
  full: number,
  once: Effect.Effect<ReadonlyArray<string>, E, R>,
  share = 1
) =>
  Effect.gen(function*() {
    const wanted = world.scaled(full)
    const wantedLossy = Math.ceil(wanted * share)
    let lossy = 0
    yield* Load.keepBusy(world, { ...busy, outstanding: 100 })
    yield* workers(world)
    yield* whilst(
      () => world.happened(fault) < wanted || (lossy < wantedLossy && world.happened(fault) < 2 * wanted),
      Effect.gen(function*() {
        const lost = yield* once
        if (lost.length > 0) lossy++
        world.fault(fault)
        world.say(`${lost.length} messages were lost with the server`)
        world.paused = false
        yield* Effect.sleep(world.dice.whole(500, 1500))
      })
    ).pipe(Effect.catch((error) => error === stuck ? Effect.void : Effect.fail(error)))
    const counts: ReadonlyArray<Count> = [
      { fault, wanted, happened: world.happened(fault) },
      { fault: `${fault}: acknowledged messages were lost with it`, wanted: wantedLossy, happened: lossy }
    ]
    return counts
  })

const options = { ...quick, lease: "30 seconds", lanes: 4, maxCrashes: 1000 } as const
const expects = { redelivered: 0, losesServers: true }

/** A backend of a client, one of the workers' as a rule. */
const backend = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly pid: number; readonly since: string }>`
    select pid, pg_postmaster_start_time()::text as since from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1`
  // Right after a crash no client has connected again yet: the caller retries.
  return row === undefined ? yield* Effect.fail("no client backend") : row
})

export const backendKilled: Run = {
  name: "one backend killed",
  ownServer: forgetful,
  options,
  expects,
  operator: true,
  body: (world) => {
    let n = 0
    return rounds(
      world,
      "one backend killed, the postmaster lives on",
      20,
      Effect.gen(function*() {
        // Every second time while everything is under way, so that others make durable what would be lost.
        if (n++ % 2 === 0) yield* quiet(world)
        const among = yield* handOut(world)
        const { pid, since } = yield* backend
        const lost = yield* strike(world, `kill ${pid}`, { first: successors(world), among })
        const after = yield* Effect.retry(backend, Schedule.spaced("100 millis"))
        if (after.since !== since) return yield* Effect.die(new Error("the postmaster was started again"))
        return lost
      }),
      1 / 2
    )
  }
}

export const lastMoments: Run = {
  name: "last moments lost",
  ownServer: forgetful,
  options,
  expects,
  operator: true,
  body: (world) =>
    rounds(
      world,
      "Postgres restarted without its last moments",
      20,
      Effect.gen(function*() {
        yield* quiet(world)
        const among = yield* handOut(world)
        return yield* strike(world, "restart", { first: successors(world), among })
      })
    )
}

/**
 * A publisher whose transaction stays open, beside others that commit. So workers have seen more than is on the disk.
 * Its own messages are never seen. Returns the last messages that were published and handed out.
 */
const ahead = (world: World) =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    const sql = yield* SqlClient.SqlClient
    const never = family(world, "never", 20)
    for (const piece of never) world.record(tried("parent", world.consumer, piece, "never"))
    const open = yield* Deferred.make<void>()
    const publish = Effect.andThen(Topic.publishAll(piecesOf(world.consumer), never), Deferred.succeed(open, undefined))
    yield* Effect.forkScoped(Effect.exit(store.transact(Effect.andThen(publish, Effect.never))))
    yield* Deferred.await(open)
    yield* sql`do $$ begin for i in 1..300 loop perform pg_current_xact_id(); commit; end loop; end $$`
    return yield* loosely(world, 1)
  })

export const beforeNextPoll: Run = {
  name: "restart before the next poll",
  ownServer: forgetful,
  options: { ...options, idlePoll: "5 seconds" },
  expects,
  operator: true,
  body: (world) =>
    rounds(
      world,
      "Postgres restarted before a worker asked again",
      20,
      Effect.scoped(Effect.gen(function*() {
        yield* quiet(world)
        const among = yield* ahead(world)
        return yield* strike(world, "restart", { first: successors(world), among })
      }))
    )
}

/** The replica has received everything that was sent to it. */
const replayed = (at: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ readonly there: boolean }>`
      select coalesce(bool_and(replay_lsn >= ${at}::pg_lsn), false) as there from pg_stat_replication`
    return row!.there
  })

export const failover: Run = {
  name: "failover to a replica that lags",
  ownServer: [],
  options,
  expects,
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const { tell } = yield* ownOf(world)
      // No commit waits for the replica.
      world.durable = false
      const once = Effect.gen(function*() {
        yield* tell("replica")
        const moved = yield* later(world, 1500)
        yield* pastProxy(world, durable(world, replayed))
        yield* tell("lag")
        yield* begun(world, moved)
        const among = yield* loosely(world, 4)
        return yield* strike(world, "promote", { first: successors(world), among })
      })
      return yield* rounds(world, "failover to a replica that lags", 10, once)
    })
}
