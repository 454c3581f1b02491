/**
 * Named leases. A claim locks its row first and then raises the token, because a plain update does not wait for a
 * fence's `for key share`. The claim skips a locked row rather than wait for it, so it takes part in no deadlock. All
 * statements use the primary key.
 *
 * @since 0.1.0
 */
import { nextToken } from "./lanes.ts"
import type { Names } from "./names.ts"

const milliseconds = (parameter: string) => `clock_timestamp() + ${parameter}::float8 * interval '1 ms'`

export const make = (t: Names) => ({
  /** Makes the row in which tokens are counted. $1 name */
  create: `insert into ${t.leases} (name) values ($1) on conflict do nothing`,

  /**
   * Claims a lease that is free or our own. Returns its present owner and remaining time. No row: the name does not
   * exist.
   *
   * $1 name $2 owner $3 milliseconds
   */
  claim: `with free as materialized (
  select name from ${t.leases} where name = $1 and (lease_until < clock_timestamp() or owner = $2) for update skip locked
), taken as (
  update ${t.leases} l set owner = $2, token = ${nextToken}, lease_until = ${milliseconds("$3")}
  from free where l.name = free.name returning l.name, l.token
)
select taken.token, coalesce(l.owner, '') as owner,
  greatest(0, extract(epoch from l.lease_until)::float8 - extract(epoch from clock_timestamp())::float8) * 1000 as remaining
from ${t.leases} l left join taken on taken.name = l.name where l.name = $1`,

  /** Renews a lease that has not expired. Conflicts with no fence. $1 name $2 token $3 milliseconds $4 owner */
  renew: `update ${t.leases} set lease_until = ${milliseconds("$3")}
where name = $1 and token = $2 and owner = $4 and lease_until >= clock_timestamp() returning token`,

  /** Gives a lease back, and notifies listeners if there was one. $1 name $2 owner $3 channel */
  release: `with released as (
  update ${t.leases} set owner = null, lease_until = '-infinity' where name = $1 and owner = $2 returning name
)
select pg_notify($3, 'lease:' || name) from released`,

  /**
   * Holds claims off until the transaction ends. If the process freezes, the server ends its idle transaction after
   * the time that its lease could have lasted. $1 name $2 token $3 milliseconds $4 owner
   */
  fence: `select set_config('idle_in_transaction_session_timeout', case
  when current_setting('idle_in_transaction_session_timeout')::interval
    between interval '1 ms' and $3::float8 * interval '1 ms' then current_setting('idle_in_transaction_session_timeout')
  else ceil($3::float8)::int::text end, true)
from ${t.leases} where name = $1 and token = $2 and owner = $4 for key share`
})
