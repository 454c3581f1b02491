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
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { Delivery } from "../../Delivery.ts"
import { type ConsumerRemoved, LeaseLost, type SubscriptionLost, TransportError } from "../../Errors.ts"
import * as Backoff from "../../internal/Backoff.ts"
import type { Store } from "../../Store.ts"
import type { Capabilities, Subscription, SubscriptionSpec, Transport } from "../../Transport.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as HoldsSql from "../sql/holds.ts"
import * as LanesSql from "../sql/lanes.ts"
import * as MessagesSql from "../sql/messages.ts"
import type { Names } from "../sql/names.ts"
import type { Queues } from "../store/PgConsumers.ts"
import type { PgDelayed } from "./PgDelayed.ts"
import { PgLanes, type Reader } from "./PgLanes.ts"
import { QueueReader, type ReaderPort } from "./QueueReader.ts"
import type { Meta } from "./Round.ts"
import type { Receipt } from "./Row.ts"
import * as ServerLife from "./ServerLife.ts"
import type { Wake } from "./Wake.ts"

const capabilities: Capabilities = {
  engine: "postgres",
  order: "shard",
  acknowledge: "within",
  hold: "inPlace",
  discardsAfter: Option.none(),
  retention: Option.none()
}

/** The reader's statements, on the machinery's connections. */
export const readerPort = (
  db: PgDatabase,
  names: Names,
  queue: number,
  life: string,
  lanesOf: {
    readonly lost: ReaderPort<SqlError>["lost"]
    readonly heard: (paused: boolean) => void
    /** Fails if the snapshot is of another life of the server. */
    readonly sameLife: (life: unknown) => Effect.Effect<void, SubscriptionLost>
  }
): ReaderPort<SqlError | SubscriptionLost> => {
  const messages = MessagesSql.make(names)
  const lanes = LanesSql.make(names)
  const holds = HoldsSql.make(names)
  return {
    lost: lanesOf.lost,
    poll: (poll) =>
      Effect.flatMap(
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
          return Effect.map(lanesOf.sameLife(meta.life), () => {
            lanesOf.heard(meta.paused)
            return { meta, rows }
          })
        }
      ),
    record: (top) => {
      const owned = [...top.keys()]
      return Effect.map(
        db.machinery(lanes.record, [
          queue,
          owned.map((each) => each.lane),
          owned.map((each) => each.lease.token),
          life,
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
        keys,
        life
      ]),
    lower: (from) => db.machinery(holds.lower, [queue, [...from.keys()], [...from.values()], life])
  }
}

/** What one subscription works with. */
interface Seat {
  readonly db: PgDatabase
  readonly names: Names
  readonly wake: Wake
  readonly delayed: PgDelayed
  readonly lanes: PgLanes
  readonly reader: Reader
  readonly spec: SubscriptionSpec
}

type ReadError = SqlError | ConsumerRemoved | SubscriptionLost

/** Rounds that one look may take: a reader that always has more must not keep the fiber. */
const rounds = 100

const look = (
  seat: Seat,
  ...[room, accept]: Parameters<Subscription["take"]>
): Effect.Effect<boolean, ReadError> => {
  const again = (left: number): Effect.Effect<boolean, ReadError> =>
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
      Effect.mapError((error) => error._tag === "SqlError" ? PgFailure.transportError("read messages")(error) : error)
    )
  })

/** A lease that was given up here may still stand in the database: its row must not be removed, nobody handles it. */
const current = (delivery: Delivery): boolean =>
  !(delivery.receipt as Receipt).owned.lost && !Deferred.isDoneUnsafe(delivery.lease.lost)

/** How a delivery is settled: by the fast statement, as a redriven one at a place that was another message's before, or as one that stays. */
type Kind = "settle" | "settleRedriven" | "settleLarge"

const kindOf = ({ large, redriven }: Receipt): Kind =>
  large ? "settleLarge" : redriven === 0 ? "settle" : "settleRedriven"

const removeInTransaction = (seat: Seat): Subscription["removeInTransaction"] => {
  const text = MessagesSql.make(seat.names)
  const { life, queue } = seat.lanes
  const settle = (kind: Kind, deliveries: ReadonlyArray<Delivery>) => {
    const tokens = new Map<number, bigint>()
    const seqs: Array<bigint> = []
    for (const { lease, receipt } of deliveries) {
      const { lane, seq } = receipt as Receipt
      tokens.set(lane, lease.token)
      seqs.push(seq)
    }
    const places = [queue, [...tokens.keys()], [...tokens.values()], life, seqs]
    const named = () => [
      deliveries.map((delivery) => delivery.message.id),
      deliveries.map((delivery) => (delivery.receipt as Receipt).redriven)
    ]
    return seat.db.within(text[kind], kind === "settle" ? places : [...places, ...named()])
  }
  const apart = (deliveries: ReadonlyArray<Delivery>) => {
    const kinds = Map.groupBy(deliveries, (delivery) => kindOf(delivery.receipt as Receipt))
    return Effect.map(Effect.forEach(kinds, ([kind, some]) => settle(kind, some)), (rows) => rows.flat())
  }
  return (all) => {
    const deliveries = all.every(current) ? all : all.filter(current)
    if (deliveries.length === 0) return Effect.succeed([])
    const ordinary = deliveries.every((delivery) => kindOf(delivery.receipt as Receipt) === "settle")
    return Effect.mapError(
      Effect.flatMap(
        ordinary ? settle("settle", deliveries) : apart(deliveries),
        (rows) => ours(seat, deliveries, rows)
      ),
      (error) => error._tag === "SqlError" ? PgFailure.transportError("settle messages")(error) : error
    )
  }
}

/** Returns what was found; a lease that is not ours any more is lost from here on. */
const missed = (
  lanes: PgLanes,
  asked: ReadonlyArray<Delivery>,
  found: ReadonlyArray<Delivery>
): Effect.Effect<ReadonlyArray<Delivery>, SqlError> => {
  if (found.length === asked.length) return Effect.succeed(found)
  const there = new Set(found)
  const gone = asked.filter((delivery) => !there.has(delivery))
  return Effect.as(lanes.notice(gone.map(({ receipt }) => receipt as Receipt)), found)
}

/**
 * What was settled. A place that has another message than the one that was handed out cannot happen within one life of the server. If it
 * does (a sequence that was set by hand), the commit is refused, and the subscription begins again.
 */
const ours = (
  { lanes }: Seat,
  deliveries: ReadonlyArray<Delivery>,
  rows: Rows
): Effect.Effect<ReadonlyArray<Delivery>, TransportError | SqlError> => {
  const gone = new Map(rows.map((row) => [row["seq"], row]))
  let other = false
  const settled = deliveries.filter((delivery) => {
    const { lane, redriven, seq } = delivery.receipt as Receipt
    const row = gone.get(seq)
    if (row === undefined || row["lane"] !== lane || (row["redriven"] ?? 0) !== redriven) return false
    gone.delete(seq)
    other ||= row["id"] !== delivery.message.id
    return true
  })
  if (!other) return missed(lanes, deliveries, settled)
  const detail = "a place in the queue has another message than the one that was handed out"
  return Effect.andThen(
    Effect.logError(`Commit refused: ${detail}. Nothing was lost. Look for a sequence that was set back by hand.`),
    Effect.suspend(() => {
      lanes.end(detail)
      return Effect.fail(
        new TransportError({ engine: "postgres", operation: "settle messages", kind: "temporary", detail })
      )
    })
  )
}

const fence = (seat: Seat): Subscription["fence"] => {
  const text = LanesSql.make(seat.names).fence
  return (all) => {
    const deliveries = all.filter(current)
    const tokens = new Map(deliveries.map(({ lease, receipt }) => [(receipt as Receipt).lane, lease.token]))
    const looked = seat.db.within(text, [seat.lanes.queue, [...tokens.keys()], [...tokens.values()], seat.lanes.life])
    return Effect.mapError(
      Effect.flatMap(looked, (rows) => {
        const ours = new Set(rows.map((row) => row["lane"]))
        return missed(seat.lanes, deliveries, deliveries.filter(({ receipt }) => ours.has((receipt as Receipt).lane)))
      }),
      PgFailure.transportError("look at fencing tokens")
    )
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
      const { lane, owned, redriven, seq } = delivery.receipt as Receipt
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
        parked ? null : JSON.stringify(attempts),
        seat.lanes.life,
        delivery.message.id,
        redriven
      ])
      const held = Effect.flatMap(put, (rows) =>
        rows.length > 0
          ? seat.db.sql.afterCommit(Effect.sync(() => seat.reader.held(delivery)))
          : Effect.andThen(seat.lanes.notice([delivery.receipt as Receipt]), stale(delivery)))
      return Effect.mapError(
        held,
        (error) => error._tag === "SqlError" ? PgFailure.transportError("hold a key")(error) : error
      )
    })
}

const subscription = (seat: Seat): Subscription => {
  const { lanes, reader } = seat
  return {
    take: take(seat),
    paused: () => lanes.paused,
    whileNotReading: (delivery, write) => reader.whileNotReading(delivery, write),
    held: () => lanes.held(),
    renew: (leases) => Effect.mapError(lanes.renew(leases), PgFailure.transportError("renew leases")),
    removeInTransaction: removeInTransaction(seat),
    fence: fence(seat),
    acknowledge: (deliveries) =>
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

const inTime = (leave: Effect.Effect<void, SqlError>): Effect.Effect<void> =>
  Effect.ignore(Effect.timeout(Effect.interruptible(leave), closing))

const open = (
  db: PgDatabase,
  names: Names,
  queues: Queues,
  wake: Wake,
  delayed: PgDelayed,
  opened: Set<PgLanes>
): Transport["Service"]["open"] =>
  Effect.fnUntraced(function*(spec) {
    // First: what is found later belongs to this life, or the next statement sees that it is over.
    const life = yield* Effect.mapError(ServerLife.current(db.machinery, names), PgFailure.transportError("open"))
    yield* Effect.mapError(ServerLife.warn(db, names), PgFailure.transportError("open"))
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
    const lanes = new PgLanes(db, names, { queue, life }, spec)
    const reader = new QueueReader(
      readerPort(db, names, queue, life, {
        lost: (owned) => lanes.lost(owned, "another worker took it over"),
        heard: (paused) => {
          lanes.paused = paused
        },
        sameLife: (found) => lanes.sameLife(found)
      })
    )
    lanes.readBy(reader)
    yield* Effect.mapError(lanes.begin, PgFailure.transportError("open"))
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        opened.add(lanes)
        return subscription({ db, names, wake, delayed, lanes, reader, spec })
      }),
      () => {
        opened.delete(lanes)
        return inTime(lanes.leave)
      }
    )
  })

export const make = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names,
  queues: Queues,
  wake: Wake,
  delayed: PgDelayed,
  store: Store["Service"]
): Effect.fn.Return<Transport["Service"], never, Scope.Scope> {
  const opened = new Set<PgLanes>()
  // A worker that outlives the layer has it end under its hands.
  yield* Effect.addFinalizer(() =>
    Effect.forEach(opened, (lanes) => inTime(lanes.abandon), { concurrency: "unbounded", discard: true })
  )
  return {
    capabilities,
    publish: store.outbox.write,
    open: open(db, names, queues, wake, delayed, opened)
  }
})
