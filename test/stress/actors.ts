/** The participants of the order stress: publishers, workers and an operator. Each is a loop with bad habits. */
import { Cause, Data, Duration, Effect, Random } from "effect"
import { SqlClient } from "effect/sql"
import { type Delivery, Hold, Message, Store, Transport } from "millrace"

export const lanes = 8
export const keys = 24
const lease = Duration.millis(700)

/** State that all of them share: the clock of the run, and counts of what happened. */
export interface Run {
  readonly schema: string
  readonly ledger: string
  /** Publishing continues, and things fail. */
  publishing: boolean
  failing: boolean
  stopped: boolean
  readonly counts: Record<string, number>
}

export const count = (run: Run, what: string, n = 1) =>
  Effect.sync(() => {
    run.counts[what] = (run.counts[what] ?? 0) + n
  })

const below = (n: number) => Effect.map(Random.next, (x) => Math.floor(x * n))
const chance = (p: number) => Effect.map(Random.next, (x) => x < p)
const pause = (millis: number) => Effect.flatMap(below(millis), (n) => Effect.sleep(n))

class RolledBack extends Data.TaggedError("RolledBack") {}

/** Publishes `c:1`, `c:2`, ... each after the commit of the one before. Returns how many. */
export const publisher = Effect.fnUntraced(function*(run: Run, c: number) {
  const store = yield* Store.Store
  const sql = yield* SqlClient.SqlClient
  const put = (n: number) =>
    Effect.flatMap(
      Message.make({ id: `${c}:${n}`, topic: "t", key: `k${c % keys}`, payload: "{}" }),
      (message) => store.outbox.write([message])
    )
  let n = 0
  while (run.publishing) {
    if (yield* chance(0.6)) {
      yield* put(++n)
      if (yield* chance(0.3)) yield* pause(20)
      continue
    }
    const from = n
    const kind = yield* below(5)
    const work = Effect.gen(function*() {
      if (kind === 0) {
        yield* put(from + 1)
        yield* pause(200)
        return from + 1
      }
      if (kind === 1) {
        for (let i = 1; i <= 3; i++) yield* Effect.andThen(put(from + i), pause(70))
        return from + 3
      }
      if (kind === 2) {
        // A number is drawn and thrown away in a savepoint.
        const thrown = Effect.andThen(put(from + 1), Effect.andThen(pause(50), new RolledBack()))
        yield* Effect.ignore(sql.withTransaction(thrown))
        yield* Effect.andThen(sql.withTransaction(put(from + 1)), pause(150))
        return from + 1
      }
      if (kind === 3) {
        yield* Effect.andThen(put(from + 1), pause(200))
        return yield* new RolledBack()
      }
      for (let i = 1; i <= 12; i++) yield* put(from + i)
      yield* pause(100)
      return from + 12
    })
    n = yield* Effect.catchTag(sql.withTransaction(work), "RolledBack", () => Effect.succeed(from))
    yield* count(run, `publisher's transaction ${["late", "in steps", "savepoints", "rolled back", "of twelve"][kind]}`)
  }
  return n
})

/** Others that hold snapshots and transaction ids open, so that the marks have something to stumble over. */
export const bystander = Effect.fnUntraced(function*(run: Run) {
  const sql = yield* SqlClient.SqlClient
  while (run.publishing) {
    yield* sql.withTransaction(Effect.andThen(sql`select pg_current_xact_id()::text`, pause(2_000)))
  }
})

interface Desk {
  readonly name: string
  readonly sub: Transport.Subscription
  /** In this worker's hands, by key, in order. */
  readonly queues: Map<string, Array<Delivery.Delivery>>
}

/**
 * Runs one worker after another under one name. A worker that stopped renewing ends, with all deliveries that it holds.
 */
export const worker = Effect.fnUntraced(function*(run: Run, name: string) {
  const transport = yield* Transport.Transport
  let life = 0
  while (!run.stopped) {
    yield* Effect.scoped(Effect.gen(function*() {
      const spec = {
        consumer: "c",
        topics: ["t"],
        worker: `${name}-${++life}`,
        lanes,
        lease,
        idlePoll: Duration.millis(100)
      }
      const sub = yield* transport.open(spec)
      const desk: Desk = { name, sub, queues: new Map() }
      yield* Effect.raceAllFirst([fetching(run, desk), renewing(run, desk), handling(run, desk)])
    }))
  }
})

const fetching = Effect.fnUntraced(function*(run: Run, desk: Desk) {
  while (!run.stopped) {
    const room = {
      messages: [15, 40, 200][yield* below(3)]!,
      bytes: [1, 100, 1_000_000][yield* below(3)]!,
      perKey: [2, 5, 50][yield* below(3)]!
    }
    if ([...desk.queues.values()].reduce((n, queue) => n + queue.length, 0) > 300) {
      yield* Effect.sleep(5)
      continue
    }
    yield* Effect.ignore(desk.sub.take(room, (deliveries) => {
      for (const delivery of deliveries) {
        const queue = desk.queues.get(delivery.message.key)
        if (queue === undefined) desk.queues.set(delivery.message.key, [delivery])
        else queue.push(delivery)
      }
    }))
  }
})

const renewing = Effect.fnUntraced(function*(run: Run, desk: Desk) {
  while (!run.stopped) {
    yield* Effect.sleep(Duration.toMillis(lease) / 5)
    if (run.failing && (yield* chance(0.02))) {
      // Stops renewing but continues to commit. Then it is a new worker.
      yield* count(run, "stopped renewing")
      yield* Effect.sleep(Duration.toMillis(lease) * 3)
      return
    }
    yield* Effect.ignore(desk.sub.renew(desk.sub.held()))
    const held = desk.sub.held()
    if (run.failing && held.length > 0 && (yield* chance(0.05))) {
      const lane = held[yield* below(held.length)]!
      dropLane(desk, lane)
      yield* Effect.ignore(desk.sub.release([lane]))
      yield* count(run, "lanes released")
    }
  }
})

const dropLane = (desk: Desk, lease: Delivery.HeldLease) => {
  for (const [key, queue] of desk.queues) if (queue[0]?.lease === lease) desk.queues.delete(key)
}

const handling = Effect.fnUntraced(function*(run: Run, desk: Desk) {
  while (!run.stopped) {
    const group: Array<Delivery.Delivery> = []
    let failed: Delivery.Delivery | undefined
    for (const [key, queue] of desk.queues) {
      if (run.failing && failed === undefined && (yield* chance(0.03))) {
        failed = queue[0]
        continue
      }
      group.push(...queue.splice(0, 1 + (yield* below(4))))
      if (queue.length === 0) desk.queues.delete(key)
    }
    if (group.length > 0) yield* commit(run, desk, group)
    if (failed !== undefined) yield* fail(run, desk, failed)
    if (group.length === 0) yield* Effect.sleep(2)
  }
})

/** Runs it again until it succeeds: every failure here is transient. */
const insist = <A, E, R>(
  run: Run,
  what: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A | undefined, never, R> =>
  Effect.catchCause(effect, (cause) =>
    run.stopped || Cause.hasInterruptsOnly(cause)
      ? Effect.succeed(undefined)
      : Effect.andThen(count(run, `${what} again`), Effect.suspend(() => insist(run, what, effect))))

/** Settle, claim, effect, in one transaction. */
const commit = Effect.fnUntraced(function*(run: Run, desk: Desk, group: ReadonlyArray<Delivery.Delivery>) {
  const store = yield* Store.Store
  const sql = yield* SqlClient.SqlClient
  const body = Effect.gen(function*() {
    const ours = yield* desk.sub.removeInTransaction(group)
    const claims = ours.map((d) => ({ id: d.message.id, fingerprint: "f", deadLetterId: d.redrive?.deadLetterId }))
    const answers = yield* store.inbox.claim("c", claims)
    const fresh = claims.filter((_, i) => answers[i] === "fresh")
    for (const { id } of fresh) yield* sql`insert into ${sql(run.ledger)} (id, worker) values (${id}, ${desk.name})`
    if (yield* chance(0.1)) yield* pause(run.failing ? 100 : 20)
    return { ours: ours.length, fresh: fresh.length }
  })
  const done = yield* insist(
    run,
    "commit",
    Effect.provideService(store.transact(body), Store.WorkerTransaction, "pipelined")
  )
  yield* desk.sub.acknowledge(group)
  if (done === undefined) return
  yield* count(run, "groups")
  yield* count(run, "messages committed", done.fresh)
  yield* count(run, "refused by the fence", group.length - done.ours)
  yield* count(run, "known to the inbox", done.ours - done.fresh)
})

/**
 * The key's first message fails: its key is held for a while, or the message becomes a dead letter and the key is
 * parked.
 */
const fail = Effect.fnUntraced(function*(run: Run, desk: Desk, delivery: Delivery.Delivery) {
  const store = yield* Store.Store
  const what = yield* below(10)
  const park = Effect.gen(function*() {
    const ours = yield* desk.sub.removeInTransaction([delivery])
    // Not ours any more: then nothing of the key may be forgotten here, a newer claim may have brought it again.
    if (ours.length === 0) return yield* new RolledBack()
    yield* store.deadLetters.add("c", [{
      delivery,
      reason: "exhausted",
      attempts: [],
      fingerprint: "f",
      parked: true
    }])
    yield* desk.sub.hold(delivery, [], Hold.parked)
  })
  const delay = Duration.millis(what < 7 ? yield* below(60) : 500 + (yield* below(1_000)))
  const work = what < 9 ? desk.sub.hold(delivery, [], Hold.delayed(delay)) : park
  const write = Effect.tap(store.transact(work), () => Effect.sync(() => desk.queues.delete(delivery.message.key)))
  const exit = yield* Effect.exit(desk.sub.whileNotReading(delivery, write))
  if (exit._tag === "Success") return yield* count(run, what < 7 ? "short holds" : what < 9 ? "long holds" : "parked")
  // The key is not held, so its deliveries continue in order. If the lane is lost, the fence refuses them.
  yield* count(run, "holds refused")
})

/** Redrives what is parked, and parks keys of his own. */
export const operator = Effect.fnUntraced(function*(run: Run) {
  const store = yield* Store.Store
  const sql = yield* SqlClient.SqlClient
  const holds = `${run.schema}.holds`
  const deadLetters = `${run.schema}.dead_letters`
  // Only his own, which cover the whole key, and not where a dead letter's message has to go first. Looked at in two
  // statements: while the first waits for a lock, a dead letter may be written.
  const release = Effect.andThen(
    sql`select from ${sql(holds)} where until = 'infinity' and from_seq = 0 order by key for update`,
    sql`update ${sql(holds)} h set until = clock_timestamp() where until = 'infinity' and from_seq = 0
      and not exists (select from ${sql(deadLetters)} l where l.key = h.key and l.state = 'open')`
  )
  while (!run.stopped) {
    yield* Effect.andThen(Effect.sleep(50), pause(150))
    for (const deadLetter of yield* store.deadLetters.list({ state: "open" })) {
      if (run.failing && (yield* chance(0.5))) continue
      yield* store.deadLetters.redrive(deadLetter.id, { by: "stress" })
      yield* count(run, "redriven")
    }
    if (yield* chance(0.5)) yield* sql.withTransaction(release)
    if (!run.failing || (yield* chance(0.5))) continue
    const key = `k${yield* below(keys)}`
    yield* sql`insert into ${sql(holds)} (queue_id, key, lane, until, from_seq)
      select queue_id, ${key}, lane, 'infinity', 0 from ${sql(`${run.schema}.messages`)} where key = ${key} limit 1
      on conflict (queue_id, key) do nothing`
    yield* count(run, "an operator's parks")
  }
})
