/**
 * Redrive runs: the statements of operators. An action is one statement, which also writes the audit entry. If two
 * operators change one run at once, the second statement waits for the first one. Then it compares the state and the
 * revision again, and changes nothing.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import type { Names } from "./names.ts"
import { ids, type Way } from "./narrowing.ts"
import { open } from "./redriveRuns.ts"
import { cluster } from "./serverLife.ts"

/** The condition that the snapshot of a frozen set shows the transaction that opened a dead letter `d` last. */
const also = "pg_visible_in_snapshot(d.opened, $14::text::pg_snapshot)"

const columns = "d.id, d.key, d.parked, d.code_version, d.died_at"

const padded = (id: string) => `lpad(${id}::text, 16, '0')`

/**
 * Returns an operator action on a run: the change of its row, and the condition. $1 run $2 operator $3 note $4 action
 * $5 revision, or null
 */
const changing = (t: Names, change: string, condition: string, detail = "''") =>
  `with changed as (
  update ${t.redriveRuns} r set ${change}, changed_by = $2, changed_at = statement_timestamp(), revision = revision + 1
  where id = $1::bigint and ($5::int is null or revision = $5) and ${condition} returning *
), noted as (
  insert into ${t.audit} (done_by, action, consumer, run_id, note, detail)
  select $2, $4, c.name, r.id, $3, ${detail} from changed r join ${t.consumers} c on c.id = r.queue_id
)
select ${padded("id")} as run from changed`

export const make = (t: Names) => ({
  /**
   * Looks at a frozen set. Counts at most $13 dead letters, and reads keys, versions and times of the first $15. Index:
   * that of the way. No locks. $1 to $9 filter $10 state $11 null $12 version $13 most, plus 1 $14 snapshot $15 dead
   * letters
   */
  preview: (way: Way) =>
    `with seen as materialized (
  ${ids(t, way, { also, columns, most: "$15::int", order: "any" })}
)
select (select count(*)::int from (${ids(t, way, { also, most: "$13::int", order: "any" })}) d) as n,
  count(distinct key)::int as keys, count(distinct key) filter (where parked)::int as parked_keys,
  ${millis("min(died_at)")} as first, ${millis("max(died_at)")} as last,
  array_agg(distinct code_version) filter (where code_version <> '') as died_on,
  (select ${padded("d.id")} from (${ids(t, way, { also, most: "1", order: "newest" })}) d) as up_to
from seen`,

  /**
   * Returns the pause, the workers and the open run of a consumer, and the messages that it committed in 5 minutes.
   * Indexes: (name), primary keys, redrive_runs_open. $1 consumer
   */
  surroundings: `select c.paused_by,
  (select count(*)::int from ${t.workers} w where w.queue_id = c.id and w.alive_until > clock_timestamp()) as workers,
  array(select distinct w.code_version from ${t.workers} w where w.queue_id = c.id and w.alive_until > clock_timestamp()
    and w.code_version <> '' order by 1) as running_now,
  (select ${padded("r.id")} from ${t.redriveRuns} r where r.queue_id = c.id and r.${open}) as run,
  (select coalesce(sum(s.committed), 0)::float8 from ${t.series} s where s.queue_id = c.id and s.seconds = 10
    and s.at >= statement_timestamp() - interval '5 minutes') as committed
from ${t.consumers} c where c.name = $1 and c.lanes > 0`,

  /** Returns the run of a consumer that is not over. Index: redrive_runs_open. $1 queue */
  openOf: `select ${padded("r.id")} as run, r.state, r.started_by, ${millis("r.started_at")} as started
from ${t.redriveRuns} r where r.queue_id = $1::int and r.${open}`,

  /**
   * Starts a run.
   *
   * $1 queue $2 filter $3 snapshot $4 total $5 more $6 up to $7 rate $8 stages $9 asks $10 in a row. $11 of recent $12
   * operator $13 note
   */
  start: `with started as (
  insert into ${t.redriveRuns} (queue_id, filter, snapshot, cluster, total, more, up_to, rate, stages, asks, in_a_row, of_recent,
    started_by, note, changed_by)
  values ($1::int, $2, $3, ${
    cluster(t)
  }, $4::int, $5::boolean, $6::bigint, $7::float8, $8::int[], $9::boolean, $10::int, $11::int,
    $12, $13, $12) returning *
), noted as (
  insert into ${t.audit} (done_by, action, consumer, run_id, note, detail)
  select $12, 'started', c.name, r.id, $13, r.total || case when r.more then '+' else '' end || ' dead letters, ' || r.rate || ' a second'
  from started r join ${t.consumers} c on c.id = r.queue_id
)
select ${padded("id")} as run from started`,

  /**
   * Continues a run. Outcomes from before do not count for the stop rule. A run of another cluster stays as it is.
   * Index: primary key. Locks the run. $1 to $5 as above $6 rate, or null
   */
  continue: changing(
    t,
    `state = 'running', stopped_by = '', stopped_for = '', recent = '[]', judged_from = clock_timestamp(),
    stage_failed = 0, rate = coalesce($6::float8, rate), next_at = clock_timestamp()`,
    `state in ('waiting', 'paused', 'stopped') and cluster = ${cluster(t)}`,
    "r.rate || ' a second'"
  ),

  /** Pauses a run. Index: primary key. Locks the run. $1 to $5 as above */
  pause: changing(t, "state = 'paused', worker = '', lease_until = '-infinity'", "state = 'running'"),

  /** Cancels a run that is not over. Index: primary key. Locks the run. $1 to $5 as above */
  cancel: changing(t, "state = 'cancelled', worker = '', lease_until = '-infinity'", open),

  /** Changes the rate of a run that is not over. Index: primary key. Locks the run. $1 to $5 as above $6 rate */
  rate: changing(t, "rate = $6::float8, next_at = clock_timestamp()", open, "r.rate || ' a second'"),

  /**
   * Lists runs with their counts, newest first. Outcomes that the run has not counted yet are added here. Indexes:
   * primary keys. No locks. $1 run, or null $2 consumer, or null $3 only open ones $4 limit
   */
  list: `select ${padded("r.id")} as run, c.name as consumer, r.filter, r.snapshot, ${padded("r.cursor")} as cursor,
  ${
    padded("r.up_to")
  } as up_to, r.state, r.stopped_by, r.stopped_for, r.rate, r.stages, r.stage, r.asks, r.in_a_row, r.of_recent, r.total,
  r.more, r.redriven, r.committed + coalesce(o.committed, 0) as committed, r.failed + coalesce(o.failed, 0) as failed,
  r.duplicate + coalesce(o.duplicate, 0) as duplicate, r.started_by, ${millis("r.started_at")} as started, r.note,
  r.changed_by, ${millis("r.changed_at")} as changed, r.revision
from ${t.redriveRuns} r join ${t.consumers} c on c.id = r.queue_id cross join lateral (
  select count(*) filter (where outcome = 'committed')::int as committed, count(*) filter (where outcome = 'failed')::int as failed,
    count(*) filter (where outcome = 'duplicate')::int as duplicate from ${t.redriveOutcomes} o where o.run_id = r.id) o
where ($1::bigint is null or r.id = $1::bigint) and ($2::text is null or c.name = $2) and (not $3::boolean or r.${open})
order by r.id desc limit $4::int`,

  /**
   * Counts the dead letters that a run has not redriven. Index: that of the way. $1 to $9 filter $10 state $11 cursor
   * $12 version $13 most $14 snapshot
   */
  untouched: (way: Way) =>
    `select count(*)::int as n from (${ids(t, way, { also, most: "$13::int", order: "oldest" })}) d`
})
