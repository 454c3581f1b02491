/**
 * The pipeline of a worker process. Its steps fail, wait or kill as the piece says. Its commit writes the ledger in the
 * message's own transaction, and emits a receipt that a second pipeline reads.
 *
 * The ledger has no unique constraint: the database must not hide errors of the worker. Each row has the chain of its
 * key's last row, so that two overlapping commits would fork the chain.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { type Delivery, Pipeline, Retry } from "millrace"
import type { Entry } from "../checker/History.ts"
import { type Broker, orderOf } from "./brokers.ts"
import * as Faults from "./Faults.ts"
import { attempts, type Piece, piecesOf, readerOf, receiptsOf } from "./pieces.ts"
import * as Tables from "./tables.ts"

/** Names the table in the proxy's ear, too. */
export const ledgerMark = /insert into \S*ledger/

export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  id: Schema.String,
  retryable: Schema.Boolean,
  /** Milliseconds. With -1 the schedule decides. */
  retryAfter: Schema.Number
}) {}

export interface Self {
  readonly name: string
  readonly schema: string
  readonly consumer: string
  readonly broker?: Broker | undefined
  readonly record: (entry: Entry) => void
}

/** A number of the ledger's own sequence; undefined where the database does not answer at once. */
const draw = (self: Self): Effect.Effect<number | undefined, never, SqlClient.SqlClient> =>
  Tables.draw(self.schema).pipe(
    Effect.timeout("1 second"),
    Effect.catchCause((cause) => Effect.succeed(undefined).pipe(Effect.tap(() => Effect.logDebug(cause))))
  )

const refuse = (piece: Piece, retryable: boolean, retryAfter = -1) =>
  Effect.fail(new Refused({ id: piece.id, retryable, retryAfter }))

/** The handler proper. */
const action = (piece: Piece, delivered: Delivery.DeliveryContext): Effect.Effect<void, Refused> => {
  switch (piece.action) {
    case "wait":
      return Effect.sleep(piece.millis)
    case "flaky":
      return delivered.attempt <= 2 ? refuse(piece, true) : Effect.void
    case "held":
      return delivered.attempt === 1 ? refuse(piece, true, 200) : Effect.void
    case "rejected":
      return delivered.redriven === 0 ? refuse(piece, false) : Effect.void
    case "exhausted":
      return delivered.redriven === 0 ? refuse(piece, true) : Effect.void
    case "exit":
      return Effect.sync(() => void process.kill(process.pid, "SIGKILL")).pipe(Effect.andThen(Effect.never))
    case "flakyCommit":
    case "none":
      return Effect.void
  }
}

/**
 * Records the handler: its start before anything is done, and its end after everything was, also after an interruption.
 */
const handle = (self: Self) => (piece: Piece, delivered: Delivery.DeliveryContext) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const faults = yield* Faults.Faults
      const { id, key } = piece
      const lease = faults.handed.get(id)?.lease
      const entry = { process: self.name, consumer: self.consumer, id, key }
      const under = lease === undefined ? {} : laneOf(lease)
      const begun = yield* restore(draw(self))
      self.record({ _tag: "HandlerStarted", ...entry, ...under, attempt: delivered.attempt, ...drawn(begun) })
      const exit = yield* Effect.exit(restore(Effect.andThen(faults.at("step.running"), action(piece, delivered))))
      const outcome = Exit.isSuccess(exit) ? "done" : Exit.hasInterrupts(exit) ? "interrupted" : "failed"
      const ended = outcome === "done" ? yield* draw(self) : undefined
      self.record({ _tag: "HandlerEnded", ...entry, outcome, ...drawn(ended) })
      return yield* exit
    })
  )

const drawn = (n: number | undefined) => n === undefined ? {} : { draw: n }

/** The lane of a lease and its fencing token. A lease of another kind has none: the inbox refuses its stale owner. */
const laneOf = ({ name, token }: Delivery.Delivery["lease"]): { readonly lane?: number; readonly token?: number } =>
  name.startsWith("lane-") ? { lane: Number(name.slice("lane-".length)), token: Number(token) } : {}

/** One row, as data. */
const ledger = (
  self: Self,
  consumer: string,
  row: { readonly key: string; readonly position: number; readonly source: string },
  delivered: Delivery.DeliveryContext,
  delivery: Delivery.Delivery | undefined,
  sql: SqlClient.SqlClient
) => {
  const { lane = null, token = null } = delivery === undefined ? {} : laneOf(delivery.lease)
  return sql`insert into ${sql(self.schema)}.ledger
        (consumer, id, key, position, worker, attempt, lane, token, source, transaction, previous, chain)
      select ${consumer}, ${delivered.message.id}, ${row.key}, ${row.position}, ${self.name}, ${delivered.attempt}, ${lane},
        ${token}, ${row.source}, pg_current_xact_id()::text, last, md5(last || ${delivered.message.id})
      from (select coalesce((select chain from ${sql(self.schema)}.ledger
        where consumer = ${consumer} and key = ${row.key} order by n desc limit 1), '') as last) l`
}

const policy = Retry.exponential("20 millis", { attempts, cap: "150 millis" })

type Source<O extends Pipeline.KeyOrder> = Pipeline.Pipeline<Piece, never, never, "steps", "effectivelyOnce", O>

const handled = <O extends Pipeline.KeyOrder>(self: Self, source: Source<O>) => {
  const { consumer } = self
  return source.pipe(
    Pipeline.tap(() => Faults.at("step.decoded")),
    Pipeline.tap(handle(self)),
    Pipeline.tap(() => Faults.at("step.ready")),
    Pipeline.commit((piece, delivered) =>
      Effect.gen(function*() {
        const delivery = yield* Faults.commitStep(delivered)
        const sql = yield* SqlClient.SqlClient
        yield* ledger(self, consumer, { ...piece, source: "" }, delivered, delivery, sql)
        if (piece.action === "flakyCommit" && delivered.attempt === 1) return yield* refuse(piece, true)
        return piece
      })
    ),
    Pipeline.emit(receiptsOf(consumer), (piece) => ({ source: piece.id, key: piece.key, position: piece.position })),
    Pipeline.retry(policy)
  )
}

/** The pipeline of the pieces. A broker without order gets one that needs none. */
export const pieces = (self: Self) => {
  const { broker, consumer } = self
  const topic = piecesOf(consumer)
  return broker?.ordered === false
    ? handled(self, Pipeline.from(topic, { consumer, order: "none" }))
    : handled(self, Pipeline.from(topic, { consumer })).pipe(Pipeline.deadLetter({ order: orderOf(broker) }))
}

/** The pipeline of the receipts: its statements are data, and go over the wire together. */
export const receipts = (self: Self) => {
  const consumer = readerOf(self.consumer)
  return Pipeline.from(receiptsOf(self.consumer), { consumer }).pipe(
    Pipeline.mapEffect((receipt, { message }) =>
      Effect.map(Faults.Faults, ({ handed }) => ({ receipt, delivery: handed.get(message.id) }))
    ),
    Pipeline.commitSql(({ delivery, receipt }, sql, delivered) =>
      ledger(self, consumer, receipt, delivered, delivery, sql)
    ),
    Pipeline.retry(policy)
  )
}
