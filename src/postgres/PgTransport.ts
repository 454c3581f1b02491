/**
 * The transport on Postgres: messages wait in a table, lanes of them are leased, a commit looks at the lane's token.
 *
 * Control flow only; statements are in `sql/`, the order of reading in `QueueReader.ts`, ownership in `PgLanes.ts`.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SqlError } from "effect/sql/SqlError"
import * as Backoff from "../Backoff.ts"
import type { Delivery } from "../Delivery.ts"
import { type ConsumerRemoved, LeaseLost, TransportError } from "../Errors.ts"
import { limits } from "../Message.ts"
import type { Store } from "../Store.ts"
import type { Capabilities, Subscription, SubscriptionSpec, Transport } from "../Transport.ts"
import type { PgDatabase } from "./PgClient.ts"
import type { Queues } from "./PgConsumers.ts"
import type { PgDelayed } from "./PgDelayed.ts"
import * as PgFailure from "./PgFailure.ts"
import { PgLanes } from "./PgLanes.ts"
import { QueueReader, type ReaderPort } from "./QueueReader.ts"
import type { Meta } from "./Round.ts"
import type { Receipt } from "./Row.ts"
import * as HoldsSql from "./sql/holds.ts"
import * as LanesSql from "./sql/lanes.ts"
import * as MessagesSql from "./sql/messages.ts"
import type { Names } from "./sql/names.ts"
import type { Wake } from "./Wake.ts"

const capabilities = (durable: boolean): Capabilities => ({
  engine: "postgres",
  order: "shard",
  fence: "token",
  settle: "within",
  hold: "inPlace",
  lease: { unit: "shard", renew: "batch", renewBatch: 10_000, ceiling: Option.none() },
  received: "none",
  discardsAfter: Option.none(),
  publish: { dedupWindow: Option.none(), maxBatch: 1_000_000, orderedBatch: true, joinsTransaction: true },
  maxBytes: Option.some(limits.payloadBytes),
  maxHeaders: Option.some(limits.headers),
  retention: Option.none(),
  durable: durable ? "yes" : "no"
})

/** The reader's statements, on the machinery's connections. */
export const readerPort = (
  db: PgDatabase,
  names: Names,
  queue: number,
  lost: ReaderPort<SqlError>["lost"],
  heard: (paused: boolean) => void = () => {}
): ReaderPort<SqlError> => {
  const messages = MessagesSql.make(names)
  const lanes = LanesSql.make(names)
  const holds = HoldsSql.make(names)
  return {
    lost,
    poll: (poll) =>
      Effect.map(
        db.machinery(messages.poll, [
          queue,
          poll.lanes,
          poll.marks,
          poll.most,
          poll.running,
          poll.xmax,
          poll.over,
          poll.behindLanes,
          poll.behindFrom,
          poll.behindKeys,
          poll.rows,
          BigInt(Math.max(0, Math.floor(poll.bytes)))
        ]),
        ([first, ...rows]) => {
          const meta = first!["meta"] as Meta
          heard(meta.paused)
          return { meta, rows }
        }
      ),
    record: (top) => {
      const owned = [...top.keys()]
      return Effect.map(
        db.machinery(lanes.record, [
          queue,
          owned.map((each) => each.lane),
          owned.map((each) => each.lease.token),
          [...top.values()]
        ]),
        (rows) => new Set(rows.map((row) => row["lane"]))
      )
    },
    takeDue: (owned, keys) =>
      db.machinery(holds.takeDue, [
        queue,
        owned.map((each) => each.lane),
        owned.map((each) => each.lease.token),
        keys
      ]),
    lower: (from) => db.machinery(holds.lower, [queue, [...from.keys()], [...from.values()]])
  }
}

/** What one subscription works with. */
interface Seat {
  readonly db: PgDatabase
  readonly names: Names
  readonly wake: Wake
  readonly delayed: PgDelayed
  readonly lanes: PgLanes
  readonly reader: QueueReader<SqlError>
  readonly spec: SubscriptionSpec
}

/** Rounds that one look may take: a reader that always has more must not keep the fiber. */
const rounds = 100

const look = (
  seat: Seat,
  ...[room, accept]: Parameters<Subscription["take"]>
): Effect.Effect<boolean, SqlError | ConsumerRemoved> => {
  const again = (left: number): Effect.Effect<boolean, SqlError> =>
    Effect.flatMap(
      seat.reader.round(room, accept),
      (n) => n > 0 ? Effect.succeed(true) : seat.reader.more && left > 0 ? again(left - 1) : Effect.succeed(false)
    )
  const before = Effect.andThen(seat.delayed.whenDue, seat.lanes.balance(room.perKey))
  return Effect.andThen(before, Effect.suspend(() => again(rounds)))
}

/** Until a hold of ours ends or a delayed message is due, at most the idle poll. */
const untilDue = (seat: Seat): Effect.Effect<number, SqlError> => {
  const idle = Duration.toMillis(seat.spec.idlePoll)
  const lanes = seat.lanes.held().map((lease) => Number(lease.name.slice("lane-".length)))
  if (lanes.length === 0) return Effect.succeed(idle)
  return Effect.flatMap(seat.db.machinery(HoldsSql.make(seat.names).next, [seat.lanes.queue, lanes]), ([row]) => {
    const held = row?.["millis"]
    const millis = typeof held === "number" ? Math.min(idle, Math.max(0, held)) : idle
    const delayed = row?.["delayed"]
    if (typeof delayed !== "number") return Effect.succeed(millis)
    if (delayed > 0) return Effect.as(seat.delayed.expect(delayed), Math.min(millis, Math.ceil(delayed)))
    // What somebody else keeps from being moved is looked at again after the idle poll.
    return Effect.map(seat.delayed.move, (moved) => moved > 0 ? 0 : millis)
  })
}

const take = (seat: Seat): Subscription["take"] => (room, accept) =>
  Effect.suspend(() => {
    // Made before the last look: what is published after it wakes this waiter.
    const waiter = seat.wake.waiter(seat.lanes.queue)
    const idle = Duration.toMillis(seat.spec.idlePoll)
    const wait = Effect.flatMap(untilDue(seat), (millis) =>
      Effect.andThen(
        Effect.raceFirst(Effect.raceFirst(waiter.woken, seat.reader.roomAgain.await), Effect.sleep(millis)),
        Effect.asVoid(look(seat, room, accept))
      ))
    return look(seat, room, accept).pipe(
      Effect.flatMap((found) =>
        found ? Effect.void : Effect.flatMap(
          Effect.andThen(seat.wake.announce(seat.lanes.queue, idle + 200), look(seat, room, accept)),
          (found) => found ? Effect.void : wait
        )
      ),
      Effect.ensuring(Effect.sync(waiter.done)),
      Effect.mapError((error) =>
        error._tag === "ConsumerRemoved" ? error : PgFailure.transportError("read messages")(error)
      )
    )
  })

/** A lease that was given up here may still stand in the database: its row must not be removed, nobody handles it. */
const current = (delivery: Delivery): boolean =>
  !(delivery.receipt as Receipt).owned.lost && !Deferred.isDoneUnsafe(delivery.lease.lost)

const settleWithin = (seat: Seat): Subscription["settleWithin"] => {
  const text = MessagesSql.make(seat.names)
  const settle = (statement: string, deliveries: ReadonlyArray<Delivery>, large: boolean) => {
    const tokens = new Map<number, bigint>()
    const seqs: Array<bigint> = []
    for (const delivery of deliveries) {
      const receipt = delivery.receipt as Receipt
      if (receipt.large !== large) continue
      tokens.set(receipt.lane, delivery.lease.token)
      seqs.push(receipt.seq)
    }
    return seqs.length === 0
      ? Effect.succeed([])
      : seat.db.within(statement, [seat.lanes.queue, [...tokens.keys()], [...tokens.values()], seqs])
  }
  const ours = (deliveries: ReadonlyArray<Delivery>, rows: ReadonlyArray<{ readonly [column: string]: unknown }>) => {
    const gone = new Map(rows.map((row) => [row["seq"], row["lane"]]))
    return deliveries.filter((delivery) => {
      const { lane, seq } = delivery.receipt as Receipt
      if (gone.get(seq) !== lane) return false
      gone.delete(seq)
      return true
    })
  }
  return (all) => {
    const deliveries = all.every(current) ? all : all.filter(current)
    const some = settle(text.settle, deliveries, false)
    const large = deliveries.some((delivery) => (delivery.receipt as Receipt).large)
    return Effect.mapError(
      Effect.map(
        large
          ? Effect.flatMap(
            some,
            (rows) => Effect.map(settle(text.settleLarge, deliveries, true), (more) => [...rows, ...more])
          )
          : some,
        (rows) => ours(deliveries, rows)
      ),
      PgFailure.transportError("settle messages")
    )
  }
}

const fence = (seat: Seat): Subscription["fence"] => {
  const text = LanesSql.make(seat.names).fence
  return (all) => {
    const deliveries = all.filter(current)
    const tokens = new Map(deliveries.map(({ lease, receipt }) => [(receipt as Receipt).lane, lease.token]))
    return Effect.mapBoth(seat.db.within(text, [seat.lanes.queue, [...tokens.keys()], [...tokens.values()]]), {
      onFailure: PgFailure.transportError("look at fencing tokens"),
      onSuccess: (rows) => {
        const ours = new Set(rows.map((row) => row["lane"]))
        return deliveries.filter((delivery) => ours.has((delivery.receipt as Receipt).lane))
      }
    })
  }
}

const hold = (seat: Seat): Subscription["hold"] => {
  const text = HoldsSql.make(seat.names)
  const stale = (delivery: Delivery) =>
    Effect.fail(
      new LeaseLost({
        lease: `${delivery.lease.name} of "${seat.spec.consumer}"`,
        token: String(delivery.lease.token),
        reason: "another worker took it over"
      })
    )
  // Where the hold begins is asked when it is written, while no poll is under way: it may be made before, and written again.
  return (delivery, attempts, hold) =>
    Effect.suspend(() => {
      const { lane, owned, seq } = delivery.receipt as Receipt
      if (owned.lost) return stale(delivery)
      const parked = hold._tag === "Parked"
      const put = seat.db.within(text.put, [
        seat.lanes.queue,
        lane,
        delivery.lease.token,
        delivery.message.key,
        parked ? null : Duration.toMillis(hold.delay),
        seat.reader.heldFrom(delivery),
        seq,
        parked ? null : JSON.stringify(attempts)
      ])
      return Effect.flatMap(Effect.mapError(put, PgFailure.transportError("hold a key")), (rows) =>
        rows.length === 0
          ? stale(delivery)
          : seat.db.sql.afterCommit(Effect.sync(() => seat.reader.held(delivery))))
    })
}

const subscription = (seat: Seat): Subscription => {
  const { lanes, reader } = seat
  return {
    take: take(seat),
    paused: () => lanes.paused,
    undisturbed: (delivery, write) => reader.undisturbed(delivery, write),
    held: () => lanes.held(),
    renew: (leases) => Effect.mapError(lanes.renew(leases), PgFailure.transportError("renew leases")),
    settleWithin: settleWithin(seat),
    fence: fence(seat),
    settleAfter: (deliveries) =>
      Effect.sync(() => {
        for (const delivery of deliveries) reader.settled(delivery)
      }),
    hold: hold(seat),
    isolate: (delivery) =>
      Effect.acquireRelease(
        Effect.mapError(lanes.isolate(delivery), PgFailure.transportError("isolate a message")),
        () => reunited(seat, 0)
      ),
    release: (leases) => Effect.mapError(lanes.release(leases), PgFailure.transportError("release leases"))
  }
}

/**
 * Other messages wait until the store knows that the isolated one has company again. If the process died before that, the record would convict
 * it. A worker that ends tries once.
 */
const reunited = (seat: Seat, tries: number): Effect.Effect<void> =>
  Effect.catch(
    seat.lanes.reunite,
    (error) =>
      Effect.logWarning(PgFailure.transportError("end an isolation")(error).message).pipe(
        Effect.annotateLogs({ consumer: seat.spec.consumer }),
        Effect.andThen(Backoff.pause(tries, { first: 50, cap: 5000 })),
        Effect.andThen(Effect.suspend(() => reunited(seat, tries + 1))),
        Effect.interruptible
      )
  )

/** How long closing waits for a database that does not answer: the leases run out by themselves. */
const closing = Duration.seconds(5)

const open = (
  db: PgDatabase,
  names: Names,
  queues: Queues,
  wake: Wake,
  delayed: PgDelayed
): Transport["Service"]["open"] =>
  Effect.fnUntraced(function*(spec) {
    const queue = yield* Effect.mapError(queues.byName(spec.consumer), (error) =>
      new TransportError({
        engine: "postgres",
        operation: "open",
        kind: error.kind === "refused" ? "permanent" : "temporary",
        detail: error.detail
      }))
    const [row] = yield* Effect.mapError(
      db.machinery(LanesSql.make(names).count, [queue]),
      PgFailure.transportError("open")
    )
    if (row?.["lanes"] !== spec.lanes) {
      const detail = `consumer "${spec.consumer}" has ${String(row?.["lanes"])} lanes, not ${spec.lanes}`
      return yield* new TransportError({ engine: "postgres", operation: "open", kind: "permanent", detail })
    }
    yield* wake.listen
    const lanes = new PgLanes(db, names, queue, spec)
    const reader = new QueueReader(
      readerPort(
        db,
        names,
        queue,
        (owned) => lanes.lost(owned, "another worker took it over"),
        (paused) => {
          lanes.paused = paused
        }
      )
    )
    lanes.readBy(reader)
    return yield* Effect.acquireRelease(
      Effect.succeed(subscription({ db, names, wake, delayed, lanes, reader, spec })),
      () => Effect.ignore(Effect.timeout(Effect.interruptible(lanes.leave), closing))
    )
  })

export const make = (
  db: PgDatabase,
  names: Names,
  queues: Queues,
  wake: Wake,
  delayed: PgDelayed,
  store: Store["Service"],
  durable: boolean
): Transport["Service"] => ({
  capabilities: capabilities(durable),
  publish: store.outbox.write,
  open: open(db, names, queues, wake, delayed)
})
