/**
 * The bare idea of the design: leased lanes and group commit, a loop a lane. It has no renewals, retries, dead letters,
 * order across late commits, or fibers. The difference to Millrace's figure is the cost of those.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const lanes = 64

interface Row {
  readonly seq: bigint
  readonly id: string
  readonly key: string
  readonly payload: { readonly amount: number }
}

const tables = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  yield* sql`drop table if exists proto_inbox, proto_ledger, proto_messages, proto_lanes, proto_holds`
  yield* sql`create table proto_inbox (consumer text, message_id text, at timestamptz default now(), primary key (consumer, message_id))`
  yield* sql`create table proto_ledger (id bigserial primary key, message_id text, key text, amount int)`
  yield* sql`create table proto_messages (queue text, lane int, seq bigserial, id text not null, key text, payload jsonb, headers jsonb,
    attempts int default 0, available_at timestamptz default now(), primary key (queue, lane, seq))`
  yield* sql`create table proto_lanes (queue text, lane int, lease_until timestamptz default '-infinity', token bigint default 0,
    primary key (queue, lane)) with (fillfactor = 50)`
  yield* sql`create table proto_holds (queue text, key text, until timestamptz, primary key (queue, key))`
  yield* sql`insert into proto_lanes (queue, lane) select 'q', generate_series(0, ${lanes - 1}::int)`
})

const publish = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, messages: number, keys: number) {
  for (let from = 0; from < messages; from += 1000) {
    const ids = Array.from({ length: 1000 }, (_, i) => `m${from + i}`)
    const key = ids.map((_, i) => `k${(from + i) * 7919 % keys}`)
    const payloads = ids.map((id, i) => JSON.stringify({ id, key: key[i], amount: i, pad: "x".repeat(150) }))
    yield* sql`insert into proto_messages (queue, lane, id, key, payload)
      select 'q', abs(hashtext(k)) % ${lanes}::int, i, k, p::jsonb
      from unnest(${ids}::text[], ${key}::text[], ${payloads}::text[]) as u (i, k, p)`
  }
})

export const prototype = Effect.fnUntraced(function*(messages: number, keys: number) {
  const sql = yield* SqlClient.SqlClient
  yield* tables(sql)
  yield* publish(sql, messages, keys)
  let done = 0
  const group = (lane: number, token: bigint, rows: ReadonlyArray<Row>) =>
    sql.withTransaction(Effect.gen(function*() {
      const ids = rows.map((row) => row.id)
      const fresh = yield* sql<{ readonly message_id: string }>`
        with fence as (select 1 from proto_lanes where queue = 'q' and lane = ${lane} and token = ${token} for update)
        insert into proto_inbox (consumer, message_id) select 'c', i from unnest(${ids}::text[]) i, fence
        on conflict do nothing returning message_id`
      const set = new Set(fresh.map((row) => row.message_id))
      for (const row of rows) {
        if (!set.has(row.id)) continue
        yield* sql`insert into proto_ledger (message_id, key, amount) values (${row.id}, ${row.key}, ${row.payload.amount})`
      }
      yield* sql`delete from proto_messages where queue = 'q' and lane = ${lane} and seq = any(${
        rows.map((row) => row.seq)
      }::bigint[])`
    }))
  const worker = Effect.gen(function*() {
    while (done < messages) {
      const [lane] = yield* sql<{ readonly lane: number; readonly token: bigint }>`
        update proto_lanes l set lease_until = now() + interval '30 s', token = token + 1 from (
          select lane from proto_lanes where queue = 'q' and lease_until < now()
            and exists (select 1 from proto_messages m where m.queue = 'q' and m.lane = proto_lanes.lane)
          order by random() limit 1 for update skip locked) s
        where l.queue = 'q' and l.lane = s.lane returning l.lane, l.token`
      if (lane === undefined) {
        yield* Effect.sleep(5)
        continue
      }
      while (true) {
        const rows = yield* sql<Row>`select seq, id, key, payload from proto_messages m
          where queue = 'q' and lane = ${lane.lane} and available_at <= now()
            and not exists (select 1 from proto_holds h where h.queue = 'q' and h.key = m.key and h.until > now())
          order by seq limit 100`
        if (rows.length === 0) break
        yield* group(lane.lane, lane.token, rows)
        done += rows.length
      }
      yield* sql`update proto_lanes set lease_until = '-infinity' where queue = 'q' and lane = ${lane.lane} and token = ${lane.token}`
    }
  })
  const started = performance.now()
  yield* Effect.all(Array.from({ length: 4 }, () => worker), { concurrency: "unbounded", discard: true })
  return messages / (performance.now() - started) * 1000
})
