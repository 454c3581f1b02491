/**
 * The reconciliation: compares the plan and the sender's own record with the contents of the database.
 *
 * It reads this program's tables by SQL of its own, and computes the hash chains again.
 * The library only supplies the dead letters. Each line has an expected and a found number, which must be equal.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters } from "millrace"
import { hash } from "node:crypto"
import type { Tables } from "./tables.ts"

/** One line of the reconciliation. */
export interface ReconcileLine {
  readonly name: string
  readonly expected: number
  readonly found: number
}

/** The numbers of sendings in the plan. */
export interface Planned {
  readonly deliveries: number
  readonly redeliveries: number
}

export const agrees = (line: ReconcileLine): boolean => line.expected === line.found

/** Computes all lines. No worker may be running. */
export const reconcile = Effect.fnUntraced(function*(tables: Tables, planned: Planned) {
  const deadLetters = yield* openDeadLetters("activity")
  const notifierDeadLetters = yield* openDeadLetters("notifier")
  const sent = yield* sending(tables)
  const log = yield* applying(tables, deadLetters)
  const chain = yield* chainBreaks(tables)
  const dead = yield* dying(tables, deadLetters)
  const notified = yield* notifying(tables)
  const planting = (reason: string): ReconcileLine => {
    const counts = dead.find((row) => row.reason === reason)
    return { name: `dead letters, ${reason}`, expected: counts?.planted ?? 0, found: counts?.found ?? 0 }
  }
  const matched = dead.reduce((sum, { found }) => sum + found, 0)
  return [
    { name: "sent", expected: planned.deliveries + planned.redeliveries, found: sent.sent },
    { name: "distinct", expected: planned.deliveries, found: sent.distinct },
    { name: "redelivered", expected: planned.redeliveries, found: sent.redelivered },
    { name: "applied", expected: sent.applicable, found: log.applied },
    { name: "lost", expected: 0, found: log.lost },
    { name: "applied twice", expected: 0, found: log.twice },
    { name: "never sent", expected: 0, found: log.unsent },
    { name: "out of order", expected: 0, found: log.disorder },
    { name: "broken links of the hash chains", expected: 0, found: chain },
    { name: "wrong states of issues and pull requests", expected: 0, found: log.wrongStates },
    planting("undecodable"),
    planting("rejected"),
    planting("exhausted"),
    {
      name: "dead letters, not planted",
      expected: 0,
      found: deadLetters.length - matched + notifierDeadLetters.length
    },
    { name: "notifications, one per applied", expected: log.applied, found: notified.matched },
    { name: "notifications, others", expected: 0, found: notified.others },
    { name: "notifications, out of order", expected: 0, found: notified.disorder }
  ] satisfies ReadonlyArray<ReconcileLine>
})

interface OpenDeadLetter {
  readonly delivery: string
  readonly reason: string
}

/** Lists the consumer's open dead letters, page by page. */
export const openDeadLetters = Effect.fnUntraced(function*(consumer: string) {
  const deadLetters: Array<OpenDeadLetter> = []
  let before: string | undefined
  do {
    const page = yield* DeadLetters.list({ consumer, state: "open", before, limit: 500 })
    deadLetters.push(...page.map(({ message, reason }) => ({ delivery: message.id, reason })))
    before = page.at(-1)?.id
  } while (before !== undefined)
  return deadLetters
})

const sending = Effect.fnUntraced(function*(tables: Tables) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<
    { readonly sent: number; readonly distinct: number; readonly redelivered: number; readonly applicable: number }
  >`
    select count(*)::int as sent,
      count(distinct delivery)::int as distinct,
      (count(*) filter (where copy = 2))::int as redelivered,
      (count(*) filter (where copy = 1 and outcome = 'applied'))::int as applicable
    from ${sql(tables.sent)}`
  return row!
})

const applying = Effect.fnUntraced(function*(tables: Tables, deadLetters: ReadonlyArray<OpenDeadLetter>) {
  const sql = yield* SqlClient.SqlClient
  const { activity, sent, subjects } = tables
  const [row] = yield* sql<{
    readonly applied: number
    readonly twice: number
    readonly lost: number
    readonly unsent: number
    readonly disorder: number
    readonly wrongStates: number
  }>`
    with dead_letters as (
      select delivery from json_to_recordset(${JSON.stringify(deadLetters)}::json) as dead_letter (delivery text)
    ), placed as (
      select position, sequence, lag(position) over source as before, row_number() over source as place
      from ${sql(activity)} window source as (partition by source order by id)
    ), agreed as (
      select distinct on (source, subject) source, subject, state
      from ${sql(sent)} where outcome = 'applied' and subject is not null order by source, subject, position desc
    )
    select
      (select count(*)::int from ${sql(activity)}) as applied,
      (select (count(*) - count(distinct delivery))::int from ${sql(activity)}) as twice,
      (select count(*)::int from (
        select delivery from ${sql(sent)} except select delivery from ${
    sql(activity)
  } except select delivery from dead_letters
      ) as missing) as lost,
      (select count(*)::int from (
        select delivery from ${sql(activity)} except select delivery from ${sql(sent)}
      ) as foreign_rows) as unsent,
      (select count(*)::int from placed where position <= before or sequence <> place) as disorder,
      (select count(*)::int from agreed full join ${sql(subjects)} as kept using (source, subject)
        where agreed.state is distinct from kept.state) as "wrongStates"`
  return row!
})

/** Computes the hash chain of every source again. The stored head must be the end of the log. */
const chainBreaks = Effect.fnUntraced(function*(tables: Tables) {
  const sql = yield* SqlClient.SqlClient
  const log = yield* sql<{ readonly source: string; readonly delivery: string; readonly hash: string }>`
    select source, delivery, hash from ${sql(tables.activity)} order by id`
  const heads = yield* sql<{ readonly source: string; readonly head: string }>`
    select source, head from ${sql(tables.sources)}`
  const ends = new Map<string, string>()
  let breaks = 0
  for (const row of log) {
    const link = hash("sha256", (ends.get(row.source) ?? "") + row.delivery, "hex")
    if (link !== row.hash) breaks++
    ends.set(row.source, link)
  }
  for (const { head, source } of heads) if (ends.get(source) !== head) breaks++
  return breaks
})

const dying = Effect.fnUntraced(function*(tables: Tables, deadLetters: ReadonlyArray<OpenDeadLetter>) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<{ readonly reason: string; readonly planted: number; readonly found: number }>`
    with dead_letters as (
      select distinct delivery, reason
      from json_to_recordset(${JSON.stringify(deadLetters)}::json) as dead_letter (delivery text, reason text)
    )
    select outcome as reason, count(*)::int as planted, count(dead_letters.delivery)::int as found
    from ${sql(tables.sent)} as sent
    left join dead_letters on dead_letters.delivery = sent.delivery and dead_letters.reason = sent.outcome
    where copy = 1 and outcome <> 'applied'
    group by outcome`
})

const notifying = Effect.fnUntraced(function*(tables: Tables) {
  const sql = yield* SqlClient.SqlClient
  const { activity, notified } = tables
  const [row] = yield* sql<{ readonly matched: number; readonly others: number; readonly disorder: number }>`
    with matched as (
      select count(distinct notification.delivery)::int as count
      from ${sql(notified)} as notification join ${sql(activity)} as log using (source, sequence, delivery)
    ), placed as (
      select sequence, lag(sequence) over (partition by source order by id) as before from ${sql(notified)}
    )
    select matched.count as matched,
      (select count(*)::int from ${sql(notified)}) - matched.count as others,
      (select count(*)::int from placed where sequence < before) as disorder
    from matched`
  return row!
})
