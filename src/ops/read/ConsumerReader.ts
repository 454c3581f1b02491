/**
 * Reads the facts about consumers, their lanes and their workers.
 */
import * as Effect from "effect/Effect"
import type { DeadLetterOrder } from "../../DeadLetter.ts"
import { ConsumerNotFound, type StoreFailure } from "../../Errors.ts"
import * as FactsSql from "../../postgres/sql/facts.ts"
import type { Names } from "../../postgres/sql/names.ts"
import type { ConsumerFacts, LaneFacts, WorkerFacts } from "../ConsumerFacts.ts"
import type { Blocker } from "../DatabaseFacts.ts"
import { type Count, upTo } from "../Fact.ts"
import type { Operations } from "../Operations.ts"
import { counted, type FactQuery, number, type Row, text, texts, time } from "./FactQuery.ts"
import * as LagCauses from "./LagCauses.ts"

const perSecond = (row: Row, column: string): number | undefined =>
  row[column] === null || row[column] === undefined ? undefined : Number(row[column])

const pausedOf = (row: Row): ConsumerFacts["paused"] => {
  const at = time(row, "paused_since")
  return at === undefined
    ? undefined
    : { by: text(row, "paused_by"), at, note: text(row, "paused_note"), until: time(row, "pause_ends") }
}

/** Returns the consumer of a row, with the cause of its lag. */
const consumerOf = (
  row: Row,
  blocker: Blocker | undefined,
  oneKey: { readonly key: string; readonly share: number } | undefined
): ConsumerFacts => {
  const facts: Omit<ConsumerFacts, "lag"> = {
    consumer: text(row, "consumer"),
    topics: texts(row, "topics"),
    lanes: number(row, "lanes"),
    order: text(row, "dead_letter_order") as DeadLetterOrder,
    registeredAt: time(row, "registered") ?? 0,
    paused: pausedOf(row),
    waiting: counted(row, "unsettled"),
    oldestAt: time(row, "oldest"),
    rates: { inPerSecond: perSecond(row, "in_per_second"), outPerSecond: perSecond(row, "out_per_second") },
    delayedKeys: counted(row, "delayed_keys"),
    parkedKeys: counted(row, "parked_keys"),
    pausedKeys: counted(row, "paused_keys"),
    deadLetters: counted(row, "dead_letters"),
    redriving: upTo(number(row, "redriving"), 10_000),
    workers: number(row, "workers"),
    codeVersions: texts(row, "code_versions"),
    ownedLanes: number(row, "owned_lanes"),
    freeLanes: number(row, "free_lanes")
  }
  // The first 10,000 messages were looked at. If all of them are held, later ones may still be ready.
  const ready: Count = { value: number(row, "waiting"), kind: facts.waiting.kind }
  return { ...facts, lag: LagCauses.explain({ facts, lagMillis: number(row, "lag_millis"), ready, blocker, oneKey }) }
}

const laneOf = (row: Row): LaneFacts => {
  const worker = text(row, "owner")
  const owned = row["owned"] === true
  return {
    lane: number(row, "lane"),
    owner: worker === "" || !owned ? undefined : { worker, leaseUntil: time(row, "lease_until") ?? 0 },
    deadOwner: worker === "" || owned ? undefined : worker,
    waiting: upTo(number(row, "waiting"), 1_000),
    oldestAt: time(row, "oldest"),
    alone: row["alone"] === true
  }
}

const workerOf = (row: Row): WorkerFacts => ({
  consumer: text(row, "consumer"),
  worker: text(row, "worker"),
  codeVersion: text(row, "code_version"),
  startedAt: time(row, "started") ?? 0,
  aliveUntil: time(row, "alive_until") ?? 0,
  alive: row["alive"] === true,
  lanes: number(row, "lanes")
})

export const make = (
  { exists, read }: FactQuery,
  names: Names,
  blockers: Operations["Service"]["blockers"]
): Pick<Operations["Service"], "consumers" | "consumer" | "lanes" | "workers"> => {
  const sql = FactsSql.make(names)
  const look = (consumer: string | null) => read("look at consumers", sql.consumers, [consumer])
  /** Returns the longest wait for a lock, if any message waits at all. */
  const blockerOf = (rows: ReadonlyArray<Row>): Effect.Effect<Blocker | undefined, StoreFailure> =>
    rows.some((row) => number(row, "waiting") > 0)
      ? Effect.map(blockers, (all) => all.toSorted((a, b) => b.waitsMillis - a.waitsMillis)[0])
      : Effect.undefined
  return {
    consumers: Effect.gen(function*() {
      const rows = yield* look(null)
      const blocker = yield* blockerOf(rows)
      return rows.map((row) => consumerOf(row, blocker, undefined))
    }),
    consumer: Effect.fnUntraced(function*(consumer) {
      const rows = yield* look(consumer)
      const [row] = rows
      if (row === undefined) return yield* new ConsumerNotFound({ consumer })
      const blocker = yield* blockerOf(rows)
      const [key] = yield* read("look for the key that has most", sql.oneKey, [consumer])
      return consumerOf(
        row,
        blocker,
        key === undefined ? undefined : { key: text(key, "key"), share: number(key, "share") }
      )
    }),
    lanes: (consumer) =>
      Effect.andThen(
        exists(consumer),
        Effect.map(read("look at lanes", sql.lanes, [consumer]), (rows) => rows.map(laneOf))
      ),
    workers: Effect.map(read("look at workers", sql.workers), (rows) => rows.map(workerOf))
  }
}
