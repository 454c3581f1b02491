/**
 * Faults where a broker stands between publishers and workers. Workers are killed and frozen, the broker is restarted,
 * frozen and cut off, and relays are killed.
 *
 * Each run goes through a relay, so its order and its repetitions are judged, too. The short form makes all faults of
 * a broker happen in one run.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Relay } from "millrace"
import type { Child } from "../../harness/child.ts"
import { type Form, type Kind, lanes } from "../brokers.ts"
import type { BrokerServer } from "../brokerServer.ts"
import type { Count, Run } from "../fault-run.ts"
import * as Judge from "../judge.ts"
import { readerOf } from "../pieces.ts"
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
  const published = Judge.publishedFile(world, told.name)
  const child = yield* world.start({ ...told, role: "relay", broker, options: relaying, slowMillis, published })
  yield* child.ready
  return child
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

/** Kills a worker some time after its start. Some die before they are ready. */
const workerLife = Effect.fnUntraced(function*(world: World) {
  const worker = yield* world.worker()
  if (world.dice.next() < 0.85) yield* worker.ready
  yield* Effect.sleep(world.dice.whole(0, 1500))
  yield* stillRuns(worker)
  world.fault("SIGKILL", worker.name)
  yield* worker.signal("SIGKILL")
  yield* worker.ended
}, Effect.scoped)

/** Harms a world, and returns how often. */
type Harm = (world: World) => ReturnType<Run["body"]>

const workers: Harm = Effect.fnUntraced(function*(world) {
  const kills = world.scaled(50)
  const freezes = world.scaled(20)
  const freezing = Effect.gen(function*() {
    const worker = yield* world.worker()
    yield* worker.ready
    yield* whilst(() => world.happened("SIGSTOP") < freezes, freeze(world, worker))
  })
  const killing = whilst(() => world.happened("SIGKILL") < kills, workerLife(world))
  yield* Effect.all([side(2, () => freezing), side(2, () => killing)], { concurrency: 2 })
  return [
    { fault: "workers killed", wanted: kills, happened: world.happened("SIGKILL") },
    { fault: "workers frozen beyond their lease", wanted: freezes, happened: world.happened("SIGSTOP") }
  ]
})

/** Waits until more messages have ended. Dies if none does: no fault may stop the work permanently. */
const progress = Effect.fnUntraced(function*(world: World, what: string) {
  const before = yield* Tables.finished(world.schema, world.consumer)
  const more = Effect.map(Tables.finished(world.schema, world.consumer), (n) => n > before + 20)
  if (!(yield* until(more, 60_000))) return yield* Effect.die(new Error(`no work for a minute after ${what}`))
})

/** The lease of a worker on a broker, in milliseconds. SQS counts in seconds, and a poll takes a third of a lease. */
const leases: Readonly<Record<Kind, number>> = { sqs: 3000, redis: 1000 }

/** The faults of the broker's server, by their names. */
const serverFaults = (world: World, { broker, kill, proxy, signal, start }: BrokerServer) => ({
  restarted: kill.pipe(
    Effect.andThen(Effect.sleep(world.dice.whole(0, 500))),
    Effect.andThen(start)
  ),
  frozen: signal("SIGSTOP").pipe(
    Effect.andThen(Effect.sleep(world.dice.whole(200, leases[broker.kind] * 1.5))),
    Effect.andThen(signal("SIGCONT"))
  ),
  "cut off": Effect.sync(() => void proxy.cut())
})

type ServerFault = keyof ReturnType<typeof serverFaults>

const servers: Harm = Effect.fnUntraced(function*(world) {
  const wanted: Readonly<Record<ServerFault, number>> = {
    restarted: world.scaled(20),
    frozen: world.scaled(20),
    "cut off": world.scaled(40)
  }
  const names = Object.keys(wanted) as ReadonlyArray<ServerFault>
  const broker = yield* brokerOf(world)
  yield* progress(world, "the start")
  const once = Effect.gen(function*() {
    const name = world.dice.pick(names.filter((name) => world.happened(name) < wanted[name]))
    yield* Effect.sleep(world.dice.whole(0, 300))
    yield* serverFaults(world, broker)[name]
    world.fault(name)
    yield* progress(world, `it was ${name}`)
  })
  yield* whilst(() => names.some((name) => world.happened(name) < wanted[name]), once)
  return names.map((name): Count => ({
    fault: `server ${name}`,
    wanted: wanted[name],
    happened: world.happened(name)
  }))
})

/**
 * Kills a relay. Most die around a publish, and the others at any time after their start. Every sixth one is frozen
 * beyond its lease before.
 */
const relayLife = Effect.fnUntraced(function*(world: World, number: number) {
  const child = yield* relay(world, 100)
  if (world.dice.next() < 0.7) {
    yield* until(Effect.sync(() => Judge.published(world, child.name).length > 0), 3000)
  }
  yield* Effect.sleep(world.dice.whole(0, 100))
  if (number % 6 === 5) {
    yield* child.signal("SIGSTOP")
    yield* Effect.sleep("1500 millis")
    yield* child.signal("SIGCONT")
    yield* Effect.sleep(world.dice.whole(0, 100))
    world.fault("relay frozen", child.name)
  }
  yield* stillRuns(child)
  world.fault("relay killed", child.name)
  yield* child.signal("SIGKILL")
  yield* child.ended
}, Effect.scoped)

/** Each relay is killed soon, and at the end one is left that lives. */
const relays: Harm = Effect.fnUntraced(function*(world) {
  const wanted = world.scaled(200)
  let number = 0
  yield* side(3, () => whilst(() => number < wanted, Effect.suspend(() => relayLife(world, number++))))
  yield* relay(world)
  const frozen = Math.floor(wanted / 6)
  return [
    { fault: "relays killed", wanted, happened: world.happened("relay killed") },
    { fault: "relays frozen beyond their lease", wanted: frozen, happened: world.happened("relay frozen") },
    { fault: "messages published again", wanted: 1, happened: Judge.publishedAgain(world) }
  ]
})

/** The loads of a form without order. With keys of their own, no rule about keys has something to compare. */
const loads = { "own keys": { ...busy, keys: undefined }, "shared keys": busy } as const

const nameOf = ({ kind, ordered }: Form): string => ordered ? kind : `${kind} without order`

const run = (form: Form, name: string, harms: ReadonlyArray<Harm>, load: Load.Load = busy): Run => ({
  name: `${nameOf(form)}, ${name}`,
  broker: form,
  options: { ...quick, lanes, lease: leases[form.kind], maxCrashes: 1000 },
  // Keys with order are parked, so an operator must decide.
  operator: form.ordered,
  body: (world) =>
    Effect.gen(function*() {
      // Two workers that no fault harms, so that another worker can always take over.
      const workers = yield* Effect.forEach([1, 2], () => world.worker())
      yield* Effect.forEach(workers, (worker) => worker.ready)
      // The relay's consumer registers before the first message. A run that kills relays has no other ones.
      yield* harms.includes(relays) ? Effect.scoped(relay(world)) : relay(world)
      yield* Load.keepBusy(world, { ...load, outstanding: 150 })
      const counts = yield* Effect.forEach(harms, (harm) => harm(world), { concurrency: "unbounded" })
      return counts.flat().map((count) => ({ ...count, fault: `${nameOf(form)}: ${count.fault}` }))
    }),
  expects: (world) => ({
    ...(harms.includes(workers) ? {} : { redelivered: 0 }),
    // A receipt has the position of its piece. So the consumer of the receipts has no order, either.
    ...(form.ordered ? {} : { unordered: [world.consumer, readerOf(world.consumer)] })
  })
})

/** The runs of `--transport`. Relays are the same for both forms of a broker. */
export const brokerRuns = (kind: Kind, short: boolean): ReadonlyArray<Run> => {
  const [ordered, without] = [{ kind, ordered: true }, { kind, ordered: false }]
  return short
    ? [
      run(ordered, "all faults", [workers, servers, relays]),
      run(without, "all faults, own keys", [workers, servers], loads["own keys"]),
      run(without, "all faults, shared keys", [workers, servers], loads["shared keys"])
    ]
    : [
      run(ordered, "workers", [workers]),
      run(ordered, "server", [servers]),
      run(ordered, "relays", [relays]),
      run(without, "workers, own keys", [workers], loads["own keys"]),
      run(without, "workers, shared keys", [workers], loads["shared keys"]),
      run(without, "server, own keys", [servers], loads["own keys"]),
      run(without, "server, shared keys", [servers], loads["shared keys"])
    ]
}
