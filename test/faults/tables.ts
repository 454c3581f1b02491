/**
 * The ledger, and triggers that number takeovers of lanes and dead-lettering transactions with the ledger's own
 * sequence. So these can be compared with starts and commits. At the end all of it is read as entries of the history.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { DeadLetters, MessageId } from "millrace"
import type { Committed, Entry } from "../checker/History.ts"
import { readerOf } from "./pieces.ts"

/** Creates them in the schema of a store. */
export const create = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  const s = sql(schema)
  yield* sql`create table ${s}.ledger (n bigserial primary key, consumer text not null, id text not null, key text not null,
    position int not null, worker text not null, attempt int not null, lane int, token bigint, source text not null,
    transaction text not null, previous text not null, chain text not null)`
  yield* sql`create index ledger_key on ${s}.ledger (consumer, key, n)`
  yield* sql`create table ${s}.takeovers (n bigint, queue_id int, lane int, token bigint, was text, is_now text)`
  yield* sql`create table ${s}.dead_letterings (n bigint, dead_letter_id bigint)`
  yield* sql`create function ${s}.taken_over() returns trigger language plpgsql as ${
    sql.literal(`$$ begin
    insert into "${schema}".takeovers values
      (nextval('"${schema}".ledger_n_seq'), new.queue_id, new.lane, new.token,
       split_part(old.owner, '#', 1), split_part(new.owner, '#', 1));
    return null; end $$`)
  }`
  // An owner that had given its lane back left null behind: that is no takeover.
  yield* sql`create trigger taken_over after update on ${s}.lanes for each row
    when (old.token <> new.token and old.owner is not null) execute function ${s}.taken_over()`
  yield* sql`create function ${s}.dead_lettered() returns trigger language plpgsql as ${
    sql.literal(`$$ begin
    insert into "${schema}".dead_letterings values (nextval('"${schema}".ledger_n_seq'), new.id); return null; end $$`)
  }`
  yield* sql`create trigger dead_lettered after insert on ${s}.dead_letters for each row execute function ${s}.dead_lettered()`
  yield* sql`create table ${s}.departures (n bigserial primary key, port int)`
  yield* sql`create function ${s}.departed() returns trigger language plpgsql as ${
    sql.literal(`$$ begin insert into "${schema}".departures (port) values (inet_client_port()); return null; end $$`)
  }`
  yield* sql`create trigger departed after delete on ${s}.delayed for each row execute function ${s}.departed()`
})

/** How many messages have left the delayed ones by now; from there on, how many left in the session of a port. */
export const departures = Effect.fnUntraced(
  function*(schema: string, by?: { readonly port: number; readonly after: number }) {
    const sql = yield* SqlClient.SqlClient
    const t = sql`${sql(schema)}.departures`
    const [row] = yield* by === undefined
      ? sql<{ readonly n: number }>`select coalesce(max(n), 0)::float8 as n from ${t}`
      : sql<{ readonly n: number }>`select count(*)::float8 as n from ${t} where port = ${by.port} and n > ${by.after}`
    return row!.n
  }
)

/**
 * A number of the ledger's sequence. Drawing it writes nothing to the disk: it must not make anything durable that was
 * not. So numbers come again after a crash, unless they are put `forward`.
 */
export const draw = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly n: number }>`select nextval(${`"${schema}".ledger_n_seq`})::float8 as n,
    set_config('synchronous_commit', 'off', true)`
  return row!.n
})

/** How many messages of a consumer are in the ledger or a dead letter. */
export const finished = Effect.fnUntraced(function*(schema: string, consumer: string) {
  const sql = yield* SqlClient.SqlClient
  const s = sql(schema)
  const [row] = yield* sql<{ readonly n: number }>`select count(*)::int as n from (
    select id from ${s}.ledger where consumer = ${consumer}
    union select d.message_id from ${s}.dead_letters d join ${s}.consumers c on c.id = d.queue_id
      where c.name = ${consumer}) f`
  return row!.n
})

/** The first number of a server that is up again, above all that any earlier one gave. */
export const forward = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  const name = `"${schema}".ledger_n_seq`
  const [row] = yield* sql<{ readonly n: number }>`select setval(${name}, nextval(${name}) + 1000000)::float8 as n`
  return row!.n
})

interface LedgerRow extends Pick<Committed, "consumer" | "id" | "key" | "position" | "worker" | "attempt"> {
  readonly n: number
  readonly lane: number | null
  readonly token: number | null
  readonly source: string
  readonly transaction: string
  readonly previous: string
  readonly chain: string
}

/** Reads the facts of a consumer as entries, the ledger in the order of its commits. */
export const facts = Effect.fnUntraced(function*(schema: string, consumer: string) {
  const sql = yield* SqlClient.SqlClient
  const s = sql(schema)
  const reader = readerOf(consumer)
  const ledger = yield* sql<LedgerRow>`select n::float8 as n, consumer, id, key, position, worker, attempt, lane,
    token::float8 as token, source, transaction, previous, chain from ${s}.ledger
    where consumer in (${consumer}, ${reader}) order by n`
  const entries: Array<Entry> = []
  for (const row of ledger) {
    if (row.consumer === reader) {
      entries.push({ _tag: "Outgoing", id: row.id, key: row.key, consumer, source: row.source })
      entries.push(committed(row, []))
    } else entries.push(committed(row, [MessageId.ofEmit(consumer, row.id, 0)]))
  }
  entries.push(...(yield* takeovers(schema, consumer)), ...(yield* deadLetters(schema, consumer)))
  for (const { consumer: queue, id, key, source, state } of yield* waiting(schema, [consumer, reader])) {
    // A receipt that is not read yet is published all the same.
    if (queue === reader) entries.push({ _tag: "Outgoing", id, key, consumer, source })
    else entries.push({ _tag: "Waiting", consumer, id, key, state })
  }
  return entries
})

interface WaitingRow {
  readonly consumer: string
  readonly id: string
  readonly key: string
  readonly source: string
  readonly state: "ready" | "held" | "parked" | "due"
}

const waiting = Effect.fnUntraced(function*(schema: string, consumers: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const s = sql(schema)
  return yield* sql<
    WaitingRow
  >`select c.name as consumer, m.id, m.key, coalesce(m.payload::json ->> 'source', '') as source,
    case when h.key is null then 'ready' when h.until = 'infinity' then 'parked' else 'held' end as state, m.seq
    from ${s}.messages m join ${s}.consumers c on c.id = m.queue_id
    left join ${s}.holds h on h.queue_id = m.queue_id and h.key = m.key and h.from_seq <= m.seq
    where c.name in ${sql.in(consumers)}
    union all select c, u.id, u.key, u.payload::json ->> 'source', 'ready', u.seq
    from ${s}.unrouted u join unnest(${consumers}::text[]) c on u.topic = regexp_replace(c, '-reader$', '-receipts')
    union all select c, d.id, d.key, '', case when d.due_at <= clock_timestamp() then 'ready' else 'due' end, d.seq
    from ${s}.delayed d join unnest(${consumers}::text[]) c on d.topic = c || '-pieces'
    order by seq`
})

const committed = (row: LedgerRow, emits: ReadonlyArray<string>): Entry => ({
  _tag: "Committed",
  consumer: row.consumer,
  id: row.id,
  key: row.key,
  position: row.position,
  worker: row.worker,
  attempt: row.attempt,
  ...(row.lane === null || row.token === null ? {} : { lane: row.lane, token: row.token }),
  draw: row.n,
  transaction: row.transaction,
  emits,
  previous: row.previous,
  chain: row.chain
})

const takeovers = Effect.fnUntraced(function*(schema: string, consumer: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ n: number; lane: number; token: number; was: string; is_now: string }>`
    select n::float8 as n, lane, token::float8 as token, was, is_now from ${sql(schema)}.takeovers t
    join ${sql(schema)}.consumers c on c.id = t.queue_id where c.name = ${consumer} order by n`
  return rows.map((row): Entry => ({
    _tag: "Takeover",
    consumer,
    lane: row.lane,
    token: row.token,
    from: row.was,
    to: row.is_now,
    draw: row.n
  }))
})

const deadLetters = Effect.fnUntraced(function*(schema: string, consumer: string) {
  const sql = yield* SqlClient.SqlClient
  const drawn = new Map(
    (yield* sql<
      { deadLetterId: string; n: number }
    >`select lpad(dead_letter_id::text, 16, '0') as "deadLetterId", n::float8 as n
      from ${sql(schema)}.dead_letterings`).map((row) => [row.deadLetterId, row.n])
  )
  const entries: Array<Entry> = []
  let before: string | undefined
  while (true) {
    const page = yield* DeadLetters.list({ consumer, limit: 1000, before })
    for (const { attempts, id, message, parked, reason, redriven, state } of page) {
      const draw = drawn.get(id)
      entries.push({
        _tag: "DeadLettered",
        consumer,
        id: message.id,
        key: message.key,
        reason,
        state,
        parked,
        redriven,
        attempts: attempts.map(({ attempt, tag }) => ({ attempt, tag })),
        ...(draw === undefined ? {} : { draw })
      })
    }
    before = page.at(-1)?.id
    if (page.length < 1000) return entries
  }
})
