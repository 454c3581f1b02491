/**
 * Named leases. A claim locks the lease's row for update, and then raises the token. A plain update would not conflict
 * with the `for key share` of `fence`. The claim skips a locked row and does not wait for it, so it takes part in no
 * deadlock. All statements use the primary key.
 *
 * @since 0.1.0
 */
import { nextToken } from "./lanes.ts"
import type { Names } from "./names.ts"

const milliseconds = (parameter: string) => `clock_timestamp() + ${parameter}::float8 * interval '1 ms'`

export const make = (t: Names) => ({
  /** Inserts the row of a lease, which counts its tokens. $1 name */
  create: `insert into ${t.leases} (name) values ($1) on conflict do nothing`,

  /**
   * Claims a lease that is free or belongs to this owner already. Returns the lease's present owner and remaining time,
   * and the token if it was claimed. Returns no row if the lease has no row yet.
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

  /** Renews a lease that has not expired. Does not wait for `fence`. $1 name $2 token $3 milliseconds $4 owner */
  renew: `update ${t.leases} set lease_until = ${milliseconds("$3")}
where name = $1 and token = $2 and owner = $4 and lease_until >= clock_timestamp() returning token`,

  /** Gives a lease back if this owner has it, and then notifies all listeners. $1 name $2 owner $3 channel */
  release: `with released as (
  update ${t.leases} set owner = null, lease_until = '-infinity' where name = $1 and owner = $2 returning name
)
select pg_notify($3, 'lease:' || name) from released`,

  /**
   * Checks a token, and prevents claims of the lease until the transaction ends. If the process freezes, the server
   * ends its idle transaction after the duration of a lease ($3). So a frozen process does not block the next owner for
   * long. $1 name $2 token $3 milliseconds $4 owner
   */
  fence: `select set_config('idle_in_transaction_session_timeout', case
  when current_setting('idle_in_transaction_session_timeout')::interval
    between interval '1 ms' and $3::float8 * interval '1 ms' then current_setting('idle_in_transaction_session_timeout')
  else ceil($3::float8)::int::text end, true)
from ${t.leases} where name = $1 and token = $2 and owner = $4 for key share`
})
