/**
 * Reads the shards of a log whose lanes this worker owns, in order per key.
 *
 * The store keeps two positions for each lane (`LogLane.ts`). They are written before an entry is handed out, and a
 * stale token refuses the write. The claim of a lane moves the entries between them into the lane, without those whose
 * commits the inbox knows. If the last owner died, a crash is counted for them.
 *
 * A key is *diverted* while the lane has a message or a hold of it. Its later entries move behind these messages when
 * they are read. Only the lane's owner moves entries, so it keeps the diverted keys in memory. It compares them with
 * the database each second.
 *
 * Everything here runs while `QueueReader` is between two polls. So a hold never comes between reading and handing out.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { SqlError } from "effect/sql/SqlError"
import type { Delivery } from "../../Delivery.ts"
import { TransportError } from "../../Errors.ts"
import type { Message } from "../../Message.ts"
import * as MessageId from "../../MessageId.ts"
import type { Log, Polled } from "../../Store.ts"
import type { Demand } from "../../Transport.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as Sql from "../sql/logs.ts"
import type { Names } from "../sql/names.ts"
import { type Entry, LogLane, type LogReceipt, type Positions } from "./LogLane.ts"
import type { PgLanes } from "./PgLanes.ts"
import type { OwnedLane } from "./Row.ts"

export type LogError = SqlError | TransportError

/** The most entries of one read. */
const mostRead = 100
/** The most shards that are read at the same time. */
const together = 8
/** How often the diverted keys are compared with the database. */
const compareNanos = 1_000_000_000n

/** Returns the columns of messages that move, as parameters. */
export const columns = (messages: ReadonlyArray<Message>): ReadonlyArray<unknown> => [
  messages.map(({ id }) => id),
  messages.map(({ topic }) => topic),
  messages.map(({ key }) => key),
  messages.map(({ keyed }) => keyed),
  messages.map(({ payload }) => payload),
  messages.map(({ headers }) => JSON.stringify(headers)),
  messages.map(({ version }) => version),
  messages.map(({ publishedAt }) => publishedAt)
]

/** A message that moves into a lane. */
interface Moving {
  readonly owned: OwnedLane
  readonly message: Message
  /** Of so many messages of its key, the first ones that move, a crash is counted. */
  readonly crashes: number
  /** The fingerprint, or empty if the entry cannot be settled yet. */
  readonly print: string
}

/** An entry that is not done, with its lane. */
interface Planned {
  readonly lane: LogLane
  readonly entry: Entry
  readonly message: Message
}

/** The entries that one poll hands out, and those that it moves. */
interface Plan {
  readonly taken: Array<Planned>
  readonly moved: Array<Planned>
}

export class LogReader {
  readonly log: Log
  readonly text: ReturnType<typeof Sql.make>
  readonly #db: PgDatabase
  readonly #lanes: PgLanes
  readonly #owned = new Map<number, LogLane | OwnedLane>()
  #compareAt = 0n
  /** The most messages of one key in flight, according to the last demand. */
  #perKey = 1
  /** The bytes that the worker had room for, according to the last demand. */
  #bytes = 0
  #turn = 0
  /** Opens when entries that wait may be handed out. */
  readonly roomAgain = Latch.makeUnsafe(false)

  constructor(db: PgDatabase, names: Names, lanes: PgLanes, log: Log) {
    this.#db = db
    this.#lanes = lanes
    this.log = log
    this.text = Sql.make(names)
  }

  /** Begins to read the lane's shard, or continues. */
  add(owned: OwnedLane): void {
    const known = this.#owned.get(owned.lane)
    if (known instanceof LogLane && known.owned === owned) known.leaving = false
    else this.#owned.set(owned.lane, owned)
  }

  leave(owned: OwnedLane): void {
    const known = this.#owned.get(owned.lane)
    if (known instanceof LogLane && known.owned === owned) known.leaving = true
    else this.forget(owned)
  }

  forget(owned: OwnedLane): void {
    const known = this.#owned.get(owned.lane)
    if (known !== undefined && ownedOf(known) === owned) this.#owned.delete(owned.lane)
  }

  lanesInFlight(): ReadonlyArray<OwnedLane> {
    return this.#open().filter((lane) => lane.inFlight).map(({ owned }) => owned)
  }

  /** Whether an operator has paused the consumer. */
  get paused(): boolean {
    return this.#lanes.paused
  }

  /** Returns the positions behind which new entries are awaited. */
  awaited(): ReadonlyMap<number, string> {
    const lanes = this.#open()
    return new Map(
      lanes.filter((lane) => lane.most(1, this.#bytes / lanes.length) > 0).map((lane) => [lane.owned.lane, lane.read])
    )
  }

  #open(): ReadonlyArray<LogLane> {
    return [...this.#owned.values()].filter((one) => one instanceof LogLane)
  }

  /** Reads the shards, and passes to `accept` the deliveries that the demand has room for. */
  poll(demand: Demand, accept: (deliveries: ReadonlyArray<Delivery>) => void): Effect.Effect<Polled, LogError> {
    return Effect.gen({ self: this }, function*() {
      for (const one of this.#owned.values()) if (ownedOf(one).lost) this.forget(ownedOf(one))
      this.roomAgain.closeUnsafe()
      if (this.paused) return { handed: 0, moved: false }
      yield* this.#begin(demand.perKey)
      yield* this.#compare()
      yield* this.#read(demand)
      const plan = this.#plan(demand)
      const lost = yield* this.#write(plan)
      const taken = plan.taken.filter(({ lane }) => !lost.has(lane))
      for (const { entry, lane } of taken) lane.set(entry, "out")
      if (taken.length > 0) accept(taken.map(({ entry, lane, message }) => lane.delivery(entry, message)))
      return { handed: taken.length, moved: plan.moved.length > 0 }
    })
  }

  /** Writes the positions that changed since they were written last. A failure only makes the next owner read more. */
  readonly save: Effect.Effect<void> = Effect.suspend(() => Effect.ignore(this.#write({ taken: [], moved: [] })))

  /** Takes over the positions of lanes that were claimed. */
  #begin(perKey: number): Effect.Effect<void, LogError> {
    return Effect.gen({ self: this }, function*() {
      const claimed = [...this.#owned.values()].filter((one): one is OwnedLane => !(one instanceof LogLane))
      if (claimed.length === 0) return
      const { queue } = this.#lanes
      const found = yield* this.#db.machinery(this.text.positions, [queue, claimed.map(({ lane }) => lane)])
      const byLane = new Map(found.map((row) => [row["lane"], row]))
      for (const owned of claimed) {
        const row = byLane.get(owned.lane)
        if (row !== undefined && row["log"] !== this.log.name) {
          return yield* this.#permanent(
            `lane ${owned.lane} has the positions of log "${String(row["log"])}", and not of "${this.log.name}"; `
              + "give the other log another consumer, or remove this consumer first"
          )
        }
        const stored = row === undefined
          ? yield* this.#first(owned)
          : yield* this.#takeOver(
            owned,
            { settled: String(row["settled"]), handed: String(row["handed"]) },
            owned.crashed ? perKey : 0
          )
        if (stored !== undefined) this.#owned.set(owned.lane, new LogLane(owned, stored))
      }
      this.#compareAt = 0n
    })
  }

  #permanent(detail: string): TransportError {
    return new TransportError({ engine: this.log.engine, operation: "read the log", kind: "permanent", detail })
  }

  /** Writes the first positions of a lane. Returns undefined if the lane is lost. */
  #first(owned: OwnedLane): Effect.Effect<string | undefined, LogError> {
    return Effect.flatMap(this.log.begin(owned.lane), (position) =>
      Effect.map(
        this.#note([{ owned, positions: { settled: position, handed: position } }], []),
        ({ ours }) => ours.has(owned.lane) ? position : undefined
      ))
  }

  /**
   * Moves the unsettled entries between both positions into the lane. Counts a crash for the first `most` of each key.
   * Returns the position to read from, or undefined if the lane is lost.
   */
  #takeOver(owned: OwnedLane, from: Positions, most: number): Effect.Effect<string | undefined, LogError> {
    return Effect.gen({ self: this }, function*() {
      const left = new Map<string, number>()
      let { settled } = from
      while (settled !== from.handed) {
        const read = yield* this.log.read(owned.lane, settled, mostRead)
        const end = read.findIndex(({ position }) => position === from.handed)
        const entries = end < 0 ? read : read.slice(0, end + 1)
        const last = entries.at(-1)
        if (last === undefined) {
          return yield* this.#permanent(
            `shard ${owned.lane} of "${this.log.name}" ends before entries that were handed out already; the server has lost them`
          )
        }
        settled = last.position
        const moving = entries.map(({ message }): Moving => ({
          owned,
          message,
          crashes: left.get(message.key) ?? most,
          print: MessageId.ofMessage(message)
        }))
        const { keys, ours } = yield* this.#note([{ owned, positions: { settled, handed: from.handed } }], moving)
        if (!ours.has(owned.lane)) return undefined
        for (const key of keys) left.set(key, (left.get(key) ?? most) - 1)
      }
      return settled
    })
  }

  /**
   * Writes positions and moves entries. Gives up lanes that another worker has claimed. Returns the others, and the
   * keys of what moved.
   */
  #note(
    lanes: ReadonlyArray<{ readonly owned: OwnedLane; readonly positions: Positions }>,
    moving: ReadonlyArray<Moving>
  ): Effect.Effect<{ readonly ours: ReadonlySet<unknown>; readonly keys: ReadonlyArray<string> }, SqlError> {
    const params = [
      this.#lanes.queue,
      lanes.map(({ owned }) => owned.lane),
      lanes.map(({ owned }) => owned.lease.token),
      this.#lanes.life,
      lanes.map(({ positions }) => positions.settled),
      lanes.map(({ positions }) => positions.handed),
      this.log.name
    ]
    const written = moving.length === 0
      ? this.#db.machinery(this.text.note, params)
      : this.#db.machinery(this.text.move, [
        ...params,
        ...columns(moving.map(({ message }) => message)),
        moving.map(({ crashes }) => crashes),
        moving.map(({ print }) => print),
        moving.map(({ owned }) => owned.lane)
      ])
    return Effect.map(written, (rows) => {
      const ours = new Set<unknown>(rows.map((row) => row["lane"]))
      for (const { owned } of lanes) {
        if (!ours.has(owned.lane) && !owned.lost) this.#lanes.lost(owned, "another worker took it over")
      }
      const moved = rows.find((row) => row["lane"] === null)
      return { ours, keys: (moved?.["keys"] ?? []) as ReadonlyArray<string> }
    })
  }

  /** Reads from the database which keys are diverted. */
  #compare(): Effect.Effect<void, SqlError> {
    return Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      const lanes = this.#open()
      if (now < this.#compareAt || lanes.length === 0) return Effect.void
      return Effect.map(
        this.#db.machinery(this.text.diverted, [this.#lanes.queue, lanes.map(({ owned }) => owned.lane)]),
        (rows) => {
          this.#compareAt = now + compareNanos
          const keys = Map.groupBy(rows, (row) => row["lane"])
          for (const lane of lanes) {
            lane.diverted = new Set((keys.get(lane.owned.lane) ?? []).map((row) => String(row["key"])))
          }
        }
      )
    })
  }

  /** Reads further entries of the shards that have few waiting ones. */
  #read(demand: Demand): Effect.Effect<void, TransportError> {
    const lanes = this.#open()
    this.#bytes = demand.bytes
    const share = Math.min(mostRead, Math.ceil(Math.max(0, demand.messages) / Math.max(1, lanes.length)))
    return Effect.forEach(lanes, (lane) => {
      const most = lane.most(share, demand.bytes / lanes.length)
      return most <= 0
        ? Effect.void
        : Effect.map(this.log.read(lane.owned.lane, lane.read, most), (entries) => lane.add(entries))
    }, { concurrency: together, discard: true })
  }

  /** Decides which entries are handed out, and which move. */
  #plan(demand: Demand): Plan {
    const plan: Plan = { taken: [], moved: [] }
    let { bytes } = demand
    let full = demand.messages <= 0
    this.#perKey = demand.perKey
    // Another shard is the first one each time, so that none of them waits for the others under load.
    const open = this.#open().filter(({ leaving, waiting }) => !leaving && waiting > 0)
    const first = this.#turn++ % Math.max(1, open.length)
    for (const lane of [...open.slice(first), ...open.slice(0, first)]) {
      const counts = new Map<string, number>()
      lane.blocked = 0
      for (const entry of lane.entries()) {
        const { bytes: size, key, message, state } = entry
        if (state !== "waiting" || message === undefined) continue
        const ofKey = counts.get(key) ?? lane.out(key)
        const diverted = lane.diverted.has(key)
        // While the worker has an entry of a diverted key, later entries of that key wait. That entry may still move
        // into the lane, and must stand before them.
        const most = diverted ? 1 : demand.perKey
        if (ofKey >= most) lane.blocked++
        else if (diverted) plan.moved.push({ lane, entry, message })
        else if (!full) {
          full = plan.taken.length > 0 && size > bytes
          if (full) continue
          bytes -= size
          counts.set(key, ofKey + 1)
          plan.taken.push({ lane, entry, message })
          full = plan.taken.length >= demand.messages
        }
      }
    }
    return plan
  }

  /** Notes that the worker has settled the delivery (\`done\`), or gives it back (\`waiting\`). */
  ended(delivery: Delivery, state: "done" | "waiting"): void {
    const { entry, of } = delivery.receipt as LogReceipt
    of.set(entry, state)
    if (of.waiting > 0 && of.out(entry.key) <= this.#perKey / 2) this.roomAgain.openUnsafe()
  }

  /**
   * Hands the entries of a key out again, or moves them if the key is diverted by now. The worker has forgotten them.
   */
  readAgain(key: string): void {
    for (const lane of this.#open()) lane.readAgain(key)
    this.#compareAt = 0n
    this.roomAgain.openUnsafe()
  }

  /** Writes the positions before anything of the plan is handed out. Returns the lanes that are lost. */
  #write({ moved, taken }: Plan): Effect.Effect<ReadonlySet<LogLane>, SqlError> {
    return Effect.suspend(() => {
      const takenEntries = new Set(taken.map(({ entry }) => entry))
      const movedEntries = new Set(moved.map(({ entry }) => entry))
      // An entry that moves may stand between both positions, and then they do not change.
      const movedFrom = new Set(moved.map(({ lane }) => lane))
      const changed = this.#open().map((lane) => ({
        lane,
        owned: lane.owned,
        positions: lane.positions(takenEntries, movedEntries)
      })).filter(({ lane, positions }) => movedFrom.has(lane) || !lane.isStored(positions))
      if (changed.length === 0) return Effect.succeed(new Set())
      const moving = moved.map(({ lane, message }): Moving => ({ owned: lane.owned, message, crashes: 0, print: "" }))
      return Effect.map(this.#note(changed, moving), ({ ours }) => {
        const lost = new Set<LogLane>()
        for (const { lane, owned, positions } of changed) {
          if (!ours.has(owned.lane)) {
            lost.add(lane)
            this.forget(owned)
            continue
          }
          for (const entry of lane.entries()) if (movedEntries.has(entry)) lane.set(entry, "done")
          lane.stored(positions)
        }
        return lost
      })
    })
  }
}

const ownedOf = (one: LogLane | OwnedLane): OwnedLane => one instanceof LogLane ? one.owned : one
