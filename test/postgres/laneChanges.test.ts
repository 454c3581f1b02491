/** The changes that a worker's lanes report, on Postgres and without any reader: the lanes know none. */
import { assert, it } from "@effect/vitest"
import { Duration, Effect, Redacted, Result } from "effect"
import { Reactivity } from "effect/reactivity"
import { inject } from "vitest"
import * as Migrations from "../../src/postgres/migrations/index.ts"
import { type LaneChange, PgLanes } from "../../src/postgres/queue/PgLanes.ts"
import type { OwnedLane } from "../../src/postgres/queue/Row.ts"
import * as ServerLife from "../../src/postgres/queue/ServerLife.ts"
import * as PgClient from "../../src/postgres/session/PgClient.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { freshSchema } from "./kit.ts"

/**
 * Four lanes of a consumer without messages, and one worker's view of them. Every balance sends a heartbeat and may
 * claim.
 */
const lanesOfOneWorker = Effect.gen(function*() {
  const names = Result.getOrThrow(Names.make(freshSchema()))
  const db = yield* PgClient.make({
    url: Redacted.make(inject("databaseUrl")),
    ssl: undefined,
    stream: undefined,
    maxConnections: 2,
    acquireTimeout: Duration.seconds(5),
    commitTimeout: Duration.seconds(5),
    single: false,
    pooler: false
  })
  const { sql } = db
  yield* Migrations.ensure(sql, sql.withTransaction, names, "auto")
  yield* Effect.addFinalizer(() => Effect.ignore(sql`drop schema ${sql(names.raw)} cascade`))
  yield* sql`insert into ${sql(`${names.raw}.consumers`)} (name, lanes, dead_letter_order) values ('c', 4, 'park')`
  yield* sql`insert into ${sql(`${names.raw}.lanes`)} (queue_id, lane) select 1, l from generate_series(0, 3) l`
  const life = yield* ServerLife.current(db.machinery, names)
  const changes: Array<LaneChange> = []
  const spec = {
    consumer: "c",
    topics: ["t"],
    worker: "w",
    lanes: 4,
    lease: Duration.seconds(30),
    idlePoll: Duration.zero
  }
  const lanes = new PgLanes(db, names, { queue: 1, life }, spec, (change) => changes.push(change))
  let busy: ReadonlyArray<OwnedLane> = []
  const workers = sql(`${names.raw}.workers`)
  return {
    lanes,
    /** Balances, and returns the changes of it. */
    balance: Effect.suspend(() => {
      changes.length = 0
      return Effect.map(lanes.balance(1, () => new Set(busy)), () => [...changes])
    }),
    inFlight: (owned: ReadonlyArray<OwnedLane>) => {
      busy = owned
    },
    changes,
    anotherWorker: sql`insert into ${workers} (queue_id, worker, alive_until) values (1, 'other', 'infinity')`,
    noOtherWorker: sql`delete from ${workers} where worker = 'other'`
  }
})

const tags = (changes: ReadonlyArray<LaneChange>) => changes.map(({ _tag }) => _tag)
const ownedBy = (changes: ReadonlyArray<LaneChange>) =>
  changes.flatMap((change) => change._tag === "Ended" ? [] : [change.owned])

it.live("reports the lanes that it claims, leaves and gives back, and keeps those that are in flight until they are not", () =>
  Effect.scoped(Effect.gen(function*() {
    const s = yield* lanesOfOneWorker
    const claimed = yield* s.balance
    assert.deepStrictEqual(tags(claimed), ["Opened", "Opened", "Opened", "Opened"])
    const [first, second, third] = ownedBy(claimed)
    s.inFlight([first!, second!, third!])
    yield* s.anotherWorker
    // Two lanes are above the share: the one without messages in flight goes first, and at once.
    const leaving = yield* s.balance
    assert.deepStrictEqual(tags(leaving), ["Leaving", "Leaving", "Released"])
    assert.isFalse([first, second, third].includes(ownedBy(leaving)[0]))
    assert.strictEqual(ownedBy(leaving)[2], ownedBy(leaving)[0])
    assert.lengthOf(s.lanes.held(), 3)
    assert.deepStrictEqual(yield* s.balance, [])
    s.inFlight([])
    assert.deepStrictEqual(tags(yield* s.balance), ["Released"])
    assert.lengthOf(s.lanes.held(), 2)
  })).pipe(Effect.provide(Reactivity.layer)))

it.live("reports a lane as opened again when the worker keeps it after all", () =>
  Effect.scoped(Effect.gen(function*() {
    const s = yield* lanesOfOneWorker
    const owned = ownedBy(yield* s.balance)
    s.inFlight(owned)
    yield* s.anotherWorker
    const left = yield* s.balance
    assert.deepStrictEqual(tags(left), ["Leaving", "Leaving"])
    yield* s.noOtherWorker
    const kept = yield* s.balance
    assert.deepStrictEqual(tags(kept), ["Opened", "Opened"])
    assert.sameMembers(ownedBy(kept) as Array<OwnedLane>, ownedBy(left) as Array<OwnedLane>)
    assert.lengthOf(s.lanes.held(), 4)
  })).pipe(Effect.provide(Reactivity.layer)))

it.live("reports the lanes that the worker gives back, and once that all are lost permanently", () =>
  Effect.scoped(Effect.gen(function*() {
    const s = yield* lanesOfOneWorker
    yield* s.balance
    s.changes.length = 0
    yield* s.lanes.release(s.lanes.held().slice(0, 1))
    assert.deepStrictEqual(tags(s.changes), ["Released"])
    s.lanes.end("for this test")
    s.lanes.end("for this test")
    assert.deepStrictEqual(tags(s.changes), ["Released", "Ended"])
    assert.isEmpty(s.lanes.held())
    assert.strictEqual((yield* Effect.flip(s.balance))._tag, "SubscriptionLost")
  })).pipe(Effect.provide(Reactivity.layer)))
