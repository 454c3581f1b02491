/**
 * The list of runs in a database. Every run has a schema of its own.
 *
 * An unfinished run continues when it is started again with the same seed and number of messages.
 * After a finished run, the same flags begin a new one.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export interface Run {
  readonly number: number
  readonly seed: number
  readonly messages: number
  /** The schema of its tables, and of the library's. */
  readonly schema: string
  /** An earlier start was interrupted, and this one continues it. */
  readonly resumed: boolean
}

/** The schema of the list. */
export const home = "millrace_main_job"

/** The only run of a database in memory. */
export const only = (seed: number, messages: number): Run => make({ number: 1, seed, messages, resumed: false })

const make = (run: Omit<Run, "schema">): Run => ({ ...run, schema: `webhooks_s${run.seed}_r${run.number}` })

/**
 * Opens the unfinished run, or a new one. A new one drops all finished runs with the same seed except the last. With
 * `continues` false the run is a new one that no later start continues.
 */
export const open = Effect.fnUntraced(function*(seed: number, messages: number, continues: boolean) {
  const sql = yield* SqlClient.SqlClient
  const runs = sql(`${home}.runs`)
  yield* sql`create schema if not exists ${sql(home)}`
  yield* sql`create table if not exists ${runs} (
    number int generated always as identity primary key, seed int not null, messages int not null,
    started_at timestamptz not null default now(), finished_at timestamptz
  )`
  const [unfinished] = yield* sql<{ readonly number: number }>`
    select number from ${runs} where seed = ${seed} and messages = ${messages} and finished_at is null
    order by number desc limit 1`
  if (unfinished !== undefined && continues) return make({ number: unfinished.number, seed, messages, resumed: true })
  const finished = yield* sql<{ readonly number: number }>`
    select number from ${runs} where seed = ${seed} and finished_at is not null order by number desc offset 1`
  for (const { number } of finished) {
    yield* sql`drop schema if exists ${sql(make({ number, seed, messages, resumed: false }).schema)} cascade`
    yield* sql`delete from ${runs} where number = ${number}`
  }
  const [started] = yield* sql<{ readonly number: number }>`
    insert into ${runs} (seed, messages, finished_at)
    values (${seed}, ${messages}, case when ${continues} then null else now() end) returning number`
  return make({ number: started!.number, seed, messages, resumed: false })
})

/** Marks the run as finished, so that the next start with the same flags is a new one. */
export const finish = Effect.fnUntraced(function*(run: Run) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`update ${sql(`${home}.runs`)} set finished_at = now() where number = ${run.number}`
})
