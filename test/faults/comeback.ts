/**
 * A server crashes and returns, or another one takes its place, and may have lost what it confirmed. Nothing reaches
 * the new one before it was read. So the history knows what was lost with the server, and every later loss happened
 * after it.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Entry } from "../checker/History.ts"
import type { Own } from "./proxiedServer.ts"
import { until } from "./runs/common.ts"
import * as Tables from "./tables.ts"
import { layer, type Services, type World } from "./world.ts"

/** The world's own server. */
export const ownOf = (world: World): Effect.Effect<Own> =>
  world.own === undefined ? Effect.die(new Error("the server is not ours")) : Effect.succeed(world.own)

/** Runs an effect on connections to the server itself, past the proxy. The connections end with the effect. */
export const pastProxy = <A, E>(world: World, effect: Effect.Effect<A, E, Services>) =>
  Effect.flatMap(ownOf(world), (own) => Effect.provide(effect, layer(world, own.proxy.target)))

/**
 * Runs a command on the server while the proxy refuses connections. Then reads what the new server has, and runs
 * `first` before any client connects. Returns those of the ids `among` that were lost with the server.
 */
export const strike = <E = never>(
  world: World,
  command: string,
  more: { readonly first?: Effect.Effect<unknown, E, Services>; readonly among?: ReadonlyArray<string> } = {}
) =>
  Effect.gen(function*() {
    const { proxy, tell } = yield* ownOf(world)
    yield* effects(world)
    proxy.shut = true
    yield* tell(command)
    proxy.cut()
    const held = yield* pastProxy(world, Effect.tap(returned(world), () => more.first ?? Effect.void))
    proxy.shut = false
    return (more.among ?? []).filter((id) => !held.has(id))
  })

/** The state that a server has of the world, by the server's number. */
const holds = Effect.fnUntraced(function*(world: World, kinds: ReadonlyArray<Entry["_tag"]>, durable: boolean) {
  const held = new Set<string>()
  for (const consumer of world.consumers) {
    for (const entry of yield* Tables.facts(world.schema, consumer)) {
      const as = asOf(entry)
      if (as === undefined || !kinds.includes(entry._tag)) continue
      const { consumer, id, key } = entry as Extract<Entry, { readonly _tag: "Committed" }>
      const { servers: server } = world
      const loose = durable ? {} : { durable }
      world.record({ _tag: "ServerHolds", process: "parent", server, consumer, id, key, as, ...loose })
      held.add(id)
    }
  }
  return held
})

const asOf = ({ _tag }: Entry) =>
  _tag === "Committed"
    ? "committed"
    : _tag === "Waiting"
    ? "waiting"
    : _tag === "DeadLettered"
    ? "deadLetter"
    : undefined

/**
 * Reads the ledger just before the server goes. A worker waits until its commits are on the disk, but not for a
 * replica.
 */
const effects = (world: World) => holds(world, ["Committed"], world.durable)

/** Reads what a new server has. */
const returned = (world: World) =>
  Effect.gen(function*() {
    world.servers++
    const held = yield* holds(world, ["Committed", "Waiting", "DeadLettered"], true)
    const draw = yield* Tables.forward(world.schema)
    world.record({ _tag: "ServerReturned", process: "parent", server: world.servers, draw })
    return held
  })

/**
 * Waits until everything acknowledged by now is as safe as a condition says. The history gets that entry at the place
 * where it became true, since later acknowledgements may be unsafe.
 */
export const durable = <E, R>(world: World, reached: (position: string) => Effect.Effect<boolean, E, R>) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const place = world.entries.length
    const [row] = yield* sql<{ readonly at: string }>`select pg_current_wal_insert_lsn()::text as at`
    if (!(yield* until(reached(row!.at), 30_000))) return yield* Effect.die(new Error("the replica does not follow"))
    world.entries.splice(place, 0, { _tag: "Durable", process: "parent" })
  })
