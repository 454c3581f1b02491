/** One-line mutations that once survived all tests: each has its test since. */
import type { Mutant } from "./types.ts"

const lanes = "test/postgres/lanes.test.ts"
const along = "test/worker/going-along.test.ts"
const dueOrder = "test/postgres/dueOrder.test.ts"

export const survivors: ReadonlyArray<Mutant> = [
  {
    name: "a lease counted from the response to its renewal",
    guarantee: "one owner",
    file: "src/worker/lease/LeaseRenewer.ts",
    from: "Math.max(entry.deadline, sent + settings.leaseMillis)",
    to: "Math.max(entry.deadline, now() + settings.leaseMillis)",
    test: "test/worker/renewed-late.test.ts",
    named: "although its last renewal was answered late"
  },
  {
    name: "messages due at one moment moved in any order",
    guarantee: "order per key",
    file: "src/postgres/sql/delayed.ts",
    from: "\"m.due_at, m.seq\", \"m.due_at\"",
    to: "\"m.due_at\", \"m.due_at\"",
    test: dueOrder,
    named: "keeps the order of its publishing"
  },
  {
    name: "a message moved before a locked one that is due at the same moment",
    guarantee: "order per key",
    file: "src/postgres/sql/delayed.ts",
    from: "(h.due_at, h.seq) < (p.due_at, p.seq)",
    to: "h.due_at < p.due_at",
    test: dueOrder,
    named: "stays behind one of its key"
  },
  {
    name: "a claim keeps the read position of a dead owner",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/lanes.ts",
    from: "life = $6, fetched_to = 0, ",
    to: "life = $6, ",
    test: lanes,
    named: "that died before it had read anything"
  },
  {
    name: "a late message hides the read position",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/lanes.ts",
    from: "greatest(l.fetched_to, mine.seq)",
    to: "mine.seq",
    test: lanes,
    named: "also when an earlier one was found late"
  },
  {
    name: "a released lane names the isolated message",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/lanes.ts",
    from:
      "\"no key update\", `and ${unflushed}`)}\nupdate ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null",
    to: "\"no key update\", `and ${unflushed}`)}\nupdate ${t.lanes} l set owner = null, lease_until = '-infinity'",
    test: lanes,
    named: "says of no message that it runs alone"
  },
  {
    name: "a lane left by its worker names the isolated message",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/lanes.ts",
    from:
      "order by lane for no key update\n)\nupdate ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null",
    to: "order by lane for no key update\n)\nupdate ${t.lanes} l set owner = null, lease_until = '-infinity'",
    test: lanes,
    named: "says of no message that it runs alone"
  },
  {
    name: "an earlier claim of the same lane continues",
    guarantee: "one owner",
    file: "src/postgres/queue/PgLanes.ts",
    from: "    if (before !== undefined) this.lost(before, \"its time was over, and it was claimed again\")\n",
    to: "",
    test: lanes,
    named: "claimed again by the same worker"
  },
  {
    name: "messages of two leases joined",
    guarantee: "one owner",
    file: "src/worker/fetch/InFlight.ts",
    from: "delivery.lease === lease && delivery.attempts",
    to: "delivery.attempts",
    test: along,
    named: "does not go along under another lease"
  },
  {
    name: "a message joined to one that has failed",
    guarantee: "order per key",
    file: "src/worker/attempt/KeyBatch.ts",
    from: "head.context.attempt === 1 && head",
    to: "head",
    test: along,
    named: "does not go along with one that has failed"
  },
  {
    name: "lanes with messages claimed last",
    guarantee: "no loss",
    file: "src/postgres/sql/lanes.ts",
    from: "l.lane offset 0)) desc, random()",
    to: "l.lane offset 0)), random()",
    test: lanes,
    named: "with messages is claimed before those without"
  },
  {
    name: "a hold ended while its lane is claimed",
    guarantee: "no loss",
    file: "src/postgres/sql/holds.ts",
    from: "${unflushed} order by l.lane for key share of l",
    to: "${unflushed} order by l.lane",
    test: lanes,
    named: "is claimed by no other worker while its owner ends a hold"
  },
  {
    name: "a heartbeat reports a pause wrongly",
    guarantee: "bounded",
    file: "src/postgres/sql/consumers.ts",
    from: "(select paused_by is not null from ${t.consumers} where id = $1) as paused,",
    to: "(select paused_by is null from ${t.consumers} where id = $1) as paused,",
    test: "test/postgres/heartbeats.test.ts",
    named: "learns from its renewals that its consumer was paused"
  },
  {
    name: "failure groups sorted with the oldest first",
    guarantee: "bounded",
    file: "src/postgres/sql/deadLetters.ts",
    from: "order by g.last desc`",
    to: "order by g.last`",
    test: "test/postgres/conformance.test.ts",
    named: "counts open dead letters by their cause"
  },
  {
    name: "lost leases not counted",
    guarantee: "bounded",
    file: "src/worker/lease/LeaseRenewer.ts",
    from: "          Effect.andThen(Metric.update(losses, 1)),\n",
    to: "",
    test: "test/ops/lease-metrics.test.ts",
    named: "count leases that were lost"
  },
  {
    name: "a start waits for locked messages",
    guarantee: "bounded",
    file: "src/postgres/sql/restored.ts",
    from: "limit $1 for update of m skip locked",
    to: "limit $1",
    test: "test/postgres/startup.test.ts",
    named: "does not wait for a transaction that has a restored message locked"
  },
  {
    name: "only the end of the last lease watched",
    guarantee: "one owner",
    file: "src/worker/lease/LeaseRenewer.ts",
    from: "next = Math.min(next, entry.deadline - margin - now())",
    to: "next = entry.deadline - margin - now()",
    test: "test/worker/renewed-late.test.ts",
    named: "although a lease that was claimed later ends later"
  },
  {
    name: "the id of an unsubscribed message not dead",
    guarantee: "effectively once",
    file: "src/postgres/sql/removal.ts",
    from: "from numbered where nth = 1 order by id",
    to: "from numbered where nth <> 1 order by id",
    test: "test/postgres/conformance.test.ts",
    named: "ends one subscription, and makes dead letters"
  }
]
