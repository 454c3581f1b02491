/**
 * Schemas that tests use one after the other. To make and drop Millrace's tables takes a fifth of a second of processor
 * time. To empty them takes a tenth of that.
 *
 * A test gets a schema that looks new: its tables are empty, and its sequences begin again. A schema is dropped if its
 * test has changed a definition or a setting, or if a session still has a lock in it. Tests of start-up, plans and
 * sizes need a new schema (`freshSchema`).
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Redacted, type Scope } from "effect"
import type * as SqlClient from "effect/sql/SqlClient"
import { Postgres } from "millrace/postgres"
import { randomBytes } from "node:crypto"

interface Schema {
  readonly name: string
  /** The highest object id after the migration: the test has made the objects above it. */
  readonly last: number
  /** The definitions and kept rows after the migration. */
  readonly made: string
}

const free: Array<Schema> = []
/** A server that was given stays behind, so nothing is left on it. */
const isGiven = (process.env["DATABASE_URL"] ?? "") !== ""

/** Provides the layer of a schema that looks new, on the server of the whole run. */
export const recycled = <A, E, R>(url: string, layer: (schema: string) => Layer.Layer<A, E, R>) =>
  Layer.unwrap(Effect.map(leased(url), ({ name }) => layer(name)))

/** Runs a test with Millrace on a schema that looks new, on the server of the whole run. */
export const withSchema = <A, E, R>(
  url: string,
  test: (schema: string) => Effect.Effect<A, E, R>,
  options: Partial<Postgres.PostgresOptions> = {}
) =>
  Effect.scoped(Effect.flatMap(leased(url), ({ name }) =>
    Effect.provide(
      Effect.scoped(test(name)),
      Postgres.layer({ url: Redacted.make(url), schema: name, ...options })
    )))

const leased = (url: string): Effect.Effect<Schema, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => {
      const next = free.pop()
      return next === undefined ? made(url) : Effect.succeed(next)
    }),
    (schema) => Effect.ignore(connected(url, (sql) => givenBack(sql, schema)))
  )

const connected = <A, E>(url: string, use: (sql: PgClient.PgClient) => Effect.Effect<A, E>) =>
  Effect.flatMap(PgClient.PgClient, use).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 }))
  )

const made = (url: string): Effect.Effect<Schema> =>
  Effect.gen(function*() {
    const name = `test_${randomBytes(5).toString("hex")}`
    yield* Effect.scoped(Layer.build(Postgres.layer({ url: Redacted.make(url), schema: name, retention: false })))
    return yield* connected(url, (sql) =>
      Effect.gen(function*() {
        const [row] = yield* sql<{ last: number }>`select greatest(
          (select max(oid::int8) from pg_class where relnamespace = ${name}::regnamespace),
          (select max(oid::int8) from pg_proc where pronamespace = ${name}::regnamespace))::int as last`
        const { last } = row!
        return { name, last, made: yield* definitions(sql, name, last) }
      }))
  }).pipe(Effect.orDie)

const givenBack = (sql: PgClient.PgClient, schema: Schema) =>
  Effect.gen(function*() {
    const { last, made, name } = schema
    const own = yield* sql<{ relation: string }>`select oid::regclass::text as relation from pg_class
      where relnamespace = ${name}::regnamespace and relkind = 'r' and oid::int8 > ${last}`
    for (const { relation } of own) yield* sql.unsafe(`drop table ${relation} cascade`)
    const [locked] = yield* sql`select from pg_locks l join pg_class c on c.oid = l.relation
      where c.relnamespace = ${name}::regnamespace and l.pid is distinct from pg_backend_pid() limit 1`
    if (isGiven || locked !== undefined || (yield* definitions(sql, name, last)) !== made) {
      yield* sql`drop schema ${sql(name)} cascade`
    } else {
      yield* emptied(sql, name)
      free.push(schema)
    }
  })

/**
 * Returns a digest of the definitions and the kept rows. Each change of a definition writes a row of the catalogue, so
 * the digest is made of the transactions that wrote these rows.
 */
const definitions = (sql: PgClient.PgClient, schema: string, last: number) =>
  Effect.map(
    sql<{ digest: string }>`with classes as (
      select oid, xmin from pg_class where relnamespace = ${schema}::regnamespace and oid::int8 <= ${last}
    ), written as (
      select oid, xmin from classes
      union all select attrelid, xmin from pg_attribute where attrelid in (select oid from classes)
      union all select oid, xmin from pg_trigger where tgrelid in (select oid from classes)
      union all select oid, xmin from pg_constraint where conrelid in (select oid from classes)
      union all select oid, xmin from pg_rewrite where ev_class in (select oid from classes)
      union all select indexrelid, xmin from pg_index where indrelid in (select oid from classes)
      union all select oid, xmin from pg_proc where pronamespace = ${schema}::regnamespace
      union all select oid, xmin from pg_namespace where oid = ${schema}::regnamespace
    )
    select md5(
      (select string_agg(oid || ' ' || xmin, ',' order by oid, xmin::text) from written)
      || (select string_agg(s::text, ',') from ${sql(schema)}.settings s)
      || (select string_agg(l::text, ',') from ${sql(schema)}.server_life l)
    ) as digest`,
    (rows) => rows[0]!.digest
  )

/** Deletes all rows but those that the migration has made, and lets the sequences begin again. */
export const emptied = (sql: SqlClient.SqlClient, schema: string) =>
  sql.unsafe(`do $$ declare one record; begin
    set local session_replication_role = replica;
    for one in select oid::regclass as name from pg_class where relnamespace = '${schema}'::regnamespace
      and relkind = 'r' and relname not in ('migrations', 'settings', 'server_life') loop
      execute format('delete from %s', one.name);
    end loop;
    perform setval(seqrelid::regclass, seqstart, false) from pg_sequence
      where seqrelid in (select oid from pg_class where relnamespace = '${schema}'::regnamespace);
  end $$`)
