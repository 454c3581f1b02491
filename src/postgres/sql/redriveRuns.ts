/**
 * Redrive runs: their tables, and the statements of the workers that carry them out. The transaction that settles a
 * redriven message notes its outcome by `settle`. The statements of operators are in `redriveActions.ts`.
 *
 * A frozen set is a filter and a snapshot. The snapshot stays true after a crash and a failover, although the server
 * life changes. The transaction that wrote the run began after the snapshot. So if the run has survived, the server
 * gives no transaction id of before the snapshot again. In a copy of the database such ids mean nothing, so a run names
 * its cluster.
 *
 * Lock order: the run, then dead letters and holds as for every decision, then outcomes. A commit locks outcomes last,
 * and only those that have none yet. A worker that carries out a run deletes only those that have one.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { cluster } from "./serverLife.ts"

/** The condition of a run that is not over. Index: redrive_runs_open. */
export const open = "state in ('running', 'waiting', 'paused', 'stopped')"

/**
 * Notes the outcome of redriven messages, whose dead letters the condition names. The alias of the table is `o`. Does
 * nothing for a dead letter that no run has redriven. Index: redrive_outcomes_none.
 */
export const settle = (t: Names, outcome: string, whichOnes: string, fingerprint = "''"): string =>
  `update ${t.redriveOutcomes} o set outcome = ${outcome}, fingerprint = ${fingerprint}, settled_at = clock_timestamp()
  ${whichOnes} and o.outcome is null`

/** Returns the statements that create the tables. */
export const tables = (t: Names): ReadonlyArray<string> => [
  // primary key: an operator's read and action
  `create table ${t.redriveRuns} (
    id           bigint      primary key default nextval('${t.deadLetterSeq}'),  -- no server life gives an id twice
    queue_id     int         not null,
    filter       text        not null,                                -- as JSON; with the snapshot it is the frozen set
    snapshot     text        not null,
    cluster      text        not null,                                 -- where the snapshot means something
    total        int         not null,                                 -- dead letters in the set, counted to a limit
    more         boolean     not null,                                 -- the set has more than these
    up_to        bigint      not null,                                 -- the newest dead letter of the set
    rate         float8      not null,                                 -- dead letters a second
    stages       int[]       not null,                               -- sizes of the first stages; the rest follows them
    asks         boolean     not null,                                 -- waits for an operator after the first stage
    in_a_row     int         not null,                                 -- the stop rule
    of_recent    int         not null,
    state        text        not null default 'running',
    stage        int         not null default 0,                       -- the present stage, from 0
    in_stage     int         not null default 0,                      -- dead letters that it has redriven in this stage
    stage_failed int         not null default 0,
    exhausted    boolean     not null default false,                   -- nothing of the set is left
    cursor       bigint      not null default 0,                       -- the last dead letter that it has redriven
    redriven     int         not null default 0,
    committed    int         not null default 0,
    failed       int         not null default 0,
    duplicate    int         not null default 0,
    recent       text        not null default '[]',                    -- the last outcomes; '' is none that failed
    judged_from  timestamptz not null default clock_timestamp(),       -- the stop rule sees no earlier outcome
    next_at      timestamptz not null default clock_timestamp(),       -- the rate allows no earlier redrive
    worker       text        not null default '',                      -- the worker that carries out the run
    lease_until  timestamptz not null default '-infinity',
    stopped_by   text        not null default '',                    -- the part of the stop rule, and the failure group
    stopped_for  text        not null default '',
    started_by   text        not null,
    started_at   timestamptz not null default statement_timestamp(),
    note         text        not null,
    changed_by   text        not null,                                 -- empty: the run itself changed the state
    changed_at   timestamptz not null default statement_timestamp(),
    revision     int         not null default 1                     -- raised by each operator, and each change of state
  ) with (fillfactor = 50)`,
  // one open run of a consumer; the heartbeat of each worker, which asks for a running one
  `create unique index redrive_runs_open on ${t.redriveRuns} (queue_id) where ${open}`,

  // primary key: a run that counts its outcomes
  `create table ${t.redriveOutcomes} (
    run_id         bigint      not null,
    dead_letter_id bigint      not null,
    outcome        text,                                            -- committed, failed, duplicate; null if not settled
    fingerprint    text        not null default '',
    settled_at     timestamptz,
    primary key (run_id, dead_letter_id)
  ) with (fillfactor = 50)`,
  // the commit and the dead-lettering of a redriven message
  `create unique index redrive_outcomes_none on ${t.redriveOutcomes} (dead_letter_id) where outcome is null`
]

export const make = (t: Names) => ({
  /**
   * Locks the running run of a consumer, unless another worker carries it out. A locked run is skipped. Index:
   * redrive_runs_open. $1 queue $2 worker
   */
  lock: `select r.id, r.filter, r.up_to, r.snapshot, r.cluster = ${
    cluster(t)
  } as here, r.rate, r.stages, r.asks, r.in_a_row,
  r.of_recent, r.state, r.stage, r.in_stage, r.stage_failed, r.exhausted, r.cursor, r.redriven, r.committed, r.failed,
  r.duplicate, r.recent, r.started_by, r.note, c.name as consumer, c.paused_by is not null as paused,
  greatest(0, extract(epoch from r.next_at - clock_timestamp()) * 1000)::float8 as pause
from ${t.redriveRuns} r join ${t.consumers} c on c.id = r.queue_id
where r.queue_id = $1 and r.state = 'running' and (r.worker = $2 or r.lease_until < clock_timestamp())
for no key update of r skip locked`,

  /**
   * Takes the outcomes that are known, in the order of their times. Index: primary key. $1 run
   */
  take: `with known as (
  delete from ${t.redriveOutcomes} where run_id = $1 and outcome is not null returning outcome, fingerprint, settled_at
)
select outcome, fingerprint, settled_at >= (select judged_from from ${t.redriveRuns} where id = $1) as judged from known order by settled_at`,

  /** Notes that the run has redriven dead letters, whose outcomes it awaits. $1 run $2 dead letters */
  await: `insert into ${t.redriveOutcomes} (run_id, dead_letter_id) select $1, unnest($2::bigint[])`,

  /**
   * Stores the progress of a locked run. The rate counts from the beginning of the step, so a slow step does not make
   * the run slower. Returns the milliseconds until the next redrive. Index: primary key.
   *
   * $1 run $2 state $3 stage $4 in stage $5 failed in stage $6 exhausted $7 cursor $8 redriven $9 committed. $10 failed
   * $11 duplicate $12 recent $13 milliseconds until the next redrive $14 stopped by. $15 stopped for $16 worker $17
   * milliseconds of its lease
   */
  save: `update ${t.redriveRuns} set stage = $3, in_stage = $4, stage_failed = $5, exhausted = $6, cursor = $7,
  redriven = $8, committed = $9, failed = $10, duplicate = $11, recent = $12,
  next_at = greatest(next_at, now()) + $13::float8 * interval '1 ms', stopped_by = $14, stopped_for = $15,
  worker = $16, lease_until = clock_timestamp() + $17::float8 * interval '1 ms',
  changed_by = case when state = $2::text then changed_by else '' end,
  changed_at = case when state = $2::text then changed_at else statement_timestamp() end,
  revision = revision + (state <> $2::text)::int, state = $2::text
where id = $1 returning greatest(0, extract(epoch from next_at - clock_timestamp()) * 1000)::float8 as pause`,

  /** Ends a worker's lease on the run of a consumer. Index: redrive_runs_open. $1 queue $2 worker */
  release: `update ${t.redriveRuns} set worker = '', lease_until = '-infinity'
where queue_id = $1 and state = 'running' and worker = $2`,

  /** Writes what the run itself did. $1 run $2 action $3 consumer $4 detail */
  note: `insert into ${t.audit} (done_by, action, consumer, run_id, detail) values ('millrace', $2, $3, $1, $4)`
})
