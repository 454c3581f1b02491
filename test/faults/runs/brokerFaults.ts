/**
 * Faults where a broker stands between publishers and workers. Workers are killed and frozen, the broker is restarted,
 * frozen and cut off, and relays are killed.
 *
 * Each run goes through a relay, so its order and its repetitions are judged, too.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Relay } from "millrace"
import { join } from "node:path"
import type { Child } from "../../harness/child.ts"
import { type Kind, lanes } from "../brokers.ts"
import type { BrokerServer } from "../brokerServer.ts"
import type { Run } from "../fault-run.ts"
import * as Judge from "../judge.ts"
import * as Tables from "../tables.ts"
import * as Load from "../traffic.ts"
import type { World } from "../world.ts"
import { busy, quick, side, until, whilst } from "./common.ts"

const brokerOf = (world: World): Effect.Effect<BrokerServer> =>
  world.broker === undefined ? Effect.die(new Error("there is no broker")) : Effect.succeed(world.broker)

/** No fault of these runs ends a process but SIGKILL. */
const stillRuns = (child: Child) =>
  Effect.suspend(() =>
    child.isRunning() ? Effect.void : Effect.die(new Error(`${child.name} ended by itself: ${child.output()}`))
  )

/** Short leases and small waves, so that many waves are in flight when a relay dies. */
const relaying: Relay.RelayOptions = { lease: "1 second", idlePoll: "100 millis", wave: 20, lanes: 8 }

/** Starts a relay process, and waits until it runs. */
const relay = Effect.fnUntraced(function*(world: World, slowMillis = 0) {
  const { broker } = yield* brokerOf(world)
  const told = world.told("r")
  const published = join(world.directory, `${told.name}.published`)
  const child = yield* world.start({ ...told, role: "relay", broker, options: relaying, slowMillis, published })
  yield* child.ready
  return child
})

/** A relay and workers, which are ready, and messages that keep them busy. */
const started = Effect.fnUntraced(function*(world: World, count: number) {
  yield* relay(world)
  const workers = yield* Effect.forEach(Array.from({ length: count }), () => world.worker())
  yield* Effect.forEach(workers, (worker) => worker.ready)
  yield* Load.keepBusy(world, busy)
})

/** Whether another worker has committed one of these messages. */
const committedElsewhere = Effect.fnUntraced(function*(world: World, worker: string, ids: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`select from ${sql(world.schema)}.ledger
    where consumer = ${world.consumer} and worker <> ${worker} and ${sql.in("id", ids)} limit 1`
  return rows.length > 0
})

/** Freezes a worker in the middle of its work until another one has committed a message that it had begun. */
const freeze = Effect.fnUntraced(function*(world: World, worker: Child) {
  yield* Effect.sleep(world.dice.whole(200, 600))
  yield* stillRuns(worker)
  yield* worker.signal("SIGSTOP")
  const ids = Judge.unfinished(world, worker.name)
  const taken = ids.length > 0 && (yield* until(committedElsewhere(world, worker.name, ids), 20_000))
  yield* worker.signal("SIGCONT")
  if (taken) world.fault("SIGSTOP", worker.name)
})

const life = (world: World) =>
  Effect.scoped(Effect.gen(function*() {
    const worker = yield* world.worker()
    if (world.dice.next() < 0.85) yield* worker.ready
    yield* Effect.sleep(world.dice.whole(0, 1500))
    yield* stillRuns(worker)
    world.fault("SIGKILL", worker.name)
    yield* worker.signal("SIGKILL")
    yield* worker.ended
  }))

/** Waits until more messages have ended. Dies if none does: no fault may stop the work for good. */
const progress = Effect.fnUntraced(function*(world: World, what: string) {
  const before = yield* Tables.finished(world.schema, world.consumer)
  const more = Effect.map(Tables.finished(world.schema, world.consumer), (n) => n > before + 20)
  if (!(yield* until(more, 60_000))) return yield* Effect.die(new Error(`no work for a minute after ${what}`))
})

/** The faults of the broker's server, by their names. */
const serverFaults = (world: World, { kill, proxy, signal, start }: BrokerServer, leaseMillis: number) => ({
  restart: kill.pipe(
    Effect.andThen(Effect.sleep(world.dice.whole(0, 500))),
    Effect.andThen(start)
  ),
  frozen: signal("SIGSTOP").pipe(
    Effect.andThen(Effect.sleep(world.dice.whole(200, leaseMillis * 1.5))),
    Effect.andThen(signal("SIGCONT"))
  ),
  "cut off": Effect.sync(() => void proxy.cut())
})

type ServerFault = keyof ReturnType<typeof serverFaults>

/** The lease of a worker on this broker, in milliseconds. SQS counts in seconds, and a poll takes a third of a lease. */
const leases: Readonly<Record<Kind, number>> = { sqs: 3000, redis: 1000 }

const options = (kind: Kind) => ({ ...quick, lanes, lease: leases[kind], maxCrashes: 1000 })

/** On Redis keys are parked, so an operator must decide. On SQS no worker reads what an operator redrives. */
const decided = (kind: Kind) => ({ operator: kind === "redis" })

const workers = (kind: Kind): Run => ({
  name: "workers of a broker",
  options: options(kind),
  ...decided(kind),
  body: (world) =>
    Effect.gen(function*() {
      const kills = world.scaled(50)
      const freezes = world.scaled(20)
      // Two workers that no fault harms, so that another worker can always take over.
      yield* started(world, 2)
      const freezing = Effect.gen(function*() {
        const worker = yield* world.worker()
        yield* worker.ready
        yield* whilst(() => world.happened("SIGSTOP") < freezes, freeze(world, worker))
      })
      const killing = whilst(() => world.happened("SIGKILL") < kills, life(world))
      yield* Effect.all([side(2, () => freezing), side(2, () => killing)], { concurrency: 2 })
      return [
        { fault: `${kind}: workers killed`, wanted: kills, happened: world.happened("SIGKILL") },
        { fault: `${kind}: workers frozen beyond their lease`, wanted: freezes, happened: world.happened("SIGSTOP") }
      ]
    })
})

const servers = (kind: Kind): Run => ({
  name: "server of a broker",
  options: options(kind),
  ...decided(kind),
  body: (world) =>
    Effect.gen(function*() {
      const wanted: Readonly<Record<ServerFault, number>> = {
        restart: world.scaled(20),
        frozen: world.scaled(20),
        "cut off": world.scaled(40)
      }
      const names = Object.keys(wanted) as ReadonlyArray<ServerFault>
      const broker = yield* brokerOf(world)
      yield* started(world, 3)
      yield* progress(world, "the start")
      const once = Effect.gen(function*() {
        const name = world.dice.pick(names.filter((name) => world.happened(name) < wanted[name]))
        yield* Effect.sleep(world.dice.whole(0, 300))
        yield* serverFaults(world, broker, leases[kind])[name]
        world.fault(name)
        yield* progress(world, `${name} ${world.happened(name)}`)
      })
      yield* whilst(() => names.some((name) => world.happened(name) < wanted[name]), once)
      return names.map((name) => ({
        fault: `${kind}: ${name}`,
        wanted: wanted[name],
        happened: world.happened(name)
      }))
    }),
  expects: { redelivered: 0 }
})

/** Kills a relay around a publish. Every sixth one is frozen beyond its lease before. */
const relayLife = Effect.fnUntraced(function*(world: World, number: number) {
  const child = yield* relay(world, 100)
  yield* Effect.sleep(world.dice.whole(50, 800))
  if (number % 6 === 5) {
    yield* child.signal("SIGSTOP")
    yield* Effect.sleep("1500 millis")
    yield* child.signal("SIGCONT")
    yield* Effect.sleep(world.dice.whole(0, 100))
    world.fault("relay frozen", child.name)
  }
  yield* stillRuns(child)
  world.fault("SIGKILL", child.name)
  yield* child.signal("SIGKILL")
  yield* child.ended
}, Effect.scoped)

const relays = (kind: Kind): Run => ({
  name: "relay to a broker",
  options: options(kind),
  ...decided(kind),
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(200)
      const workers = yield* Effect.forEach([1, 2], () => world.worker())
      yield* Effect.forEach(workers, (worker) => worker.ready)
      // The relay's consumer registers before the first message.
      yield* Effect.scoped(relay(world))
      yield* Load.keepBusy(world, busy)
      let number = 0
      yield* side(3, () => whilst(() => number < wanted, Effect.suspend(() => relayLife(world, number++))))
      yield* relay(world)
      return [
        { fault: `${kind}: relays killed`, wanted, happened: world.happened("SIGKILL") },
        {
          fault: `${kind}: relays frozen beyond their lease`,
          wanted: Math.floor(wanted / 6),
          happened: world.happened("relay frozen")
        },
        { fault: `${kind}: messages published again`, wanted: 1, happened: Judge.publishedAgain(world) }
      ]
    }),
  expects: { redelivered: 0 }
})

/** The runs of `--transport`. */
export const brokerRuns = (kind: Kind): ReadonlyArray<Run> => [workers(kind), servers(kind), relays(kind)]
