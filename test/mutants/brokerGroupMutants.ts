/** Breaks of groups of a broker or a log that are committed as data. */
import type { Mutant } from "./types.ts"

const source = "src/internal/broker/BrokerSource.ts"
const settlement = "src/postgres/queue/PgSettlement.ts"
const lanes = "src/postgres/sql/lanes.ts"
const unsettled = "src/postgres/sql/unsettled.ts"
const broker = "test/sqs/sqsGroups.test.ts"
const log = "test/redis/logGroups.test.ts"

export const brokerGroupMutants: ReadonlyArray<Mutant> = [
  {
    name: "a broker's group as data: a removed consumer commits",
    guarantee: "no loss",
    file: unsettled,
    from: "${t.requireAll}(count(*) = 1)::text from q",
    to: "(count(*) = 1)::text from q",
    test: broker,
    named: "does nothing if its consumer was removed"
  },
  {
    name: "a broker's group as data: claims ids for a queue that another consumer has replaced",
    guarantee: "effectively once",
    file: unsettled,
    from: "\"and id = $2::int\"",
    to: "\"and $2::int > 0\"",
    test: broker,
    named: "does nothing if its consumer was removed, also if it is registered again"
  },
  {
    name: "a broker's group as data: a commit that is not flushed",
    guarantee: "no loss",
    file: unsettled,
    from: "`with ${registered(t, \"and id = $2::int\")} select",
    to: "`with q as materialized (select id from ${t.consumers} where name = $1 and id = $2::int for key share) select",
    test: broker,
    named: "keeps its consumer until COMMIT, and is flushed"
  },
  {
    name: "a broker's group as data: a message of a diverted key commits before earlier ones",
    guarantee: "order per key",
    file: "src/postgres/sql/overflow.ts",
    from: "${t.requireAll}(count(*) = 0)::text",
    to: "(count(*) = 0)::text",
    test: broker,
    named: "does nothing if one of its keys is diverted"
  },
  {
    name: "a broker's group as data: diverted keys not asked for",
    guarantee: "order per key",
    file: source,
    from: "lanes.removal(queue.ordered ?",
    to: "lanes.removal(!queue.ordered ?",
    test: broker,
    named: "does nothing if one of its keys is diverted"
  },
  {
    name: "a broker's group as data: leaves the record of a message",
    guarantee: "poison cannot block",
    file: source,
    from: "held.of(delivery)?.recorded === false",
    to: "held.of(delivery) !== undefined",
    test: broker,
    named: "is described only if each message is held"
  },
  {
    name: "a broker's group as data: takes a message of a lost lease",
    guarantee: "one owner",
    file: source,
    from: "held.of(delivery)?.recorded === false",
    to: "held.of(delivery)?.recorded !== true",
    test: broker,
    named: "is described only if each message is held"
  },
  {
    name: "a broker's group as data: messages of a broker removed as rows of the lanes",
    guarantee: "one owner",
    file: "src/postgres/queue/Overflow.ts",
    from: "all.some((delivery) => source.has(delivery))",
    to: "all.length === 0",
    test: broker,
    named: "is composed if it has a message of the lanes, too"
  },
  {
    name: "a log's group as data: commits under a stale token",
    guarantee: "one owner",
    file: lanes,
    from: "select ${t.requireAll}(count(*) = cardinality($2::int[]))::text",
    to: "select (count(*) = cardinality($2::int[]))::text",
    test: log,
    named: "does nothing if another worker has claimed one of its lanes"
  },
  {
    name: "a log's group as data: one valid token is enough",
    guarantee: "one owner",
    file: lanes,
    from: "(count(*) = cardinality($2::int[]))",
    to: "(count(*) > 0)",
    test: log,
    named: "does nothing if another worker has claimed one of its lanes"
  },
  {
    name: "a log's group as data: takes an entry of a lost lease",
    guarantee: "one owner",
    file: settlement,
    from: "isCurrent(delivery) && (isEntry(delivery) || ",
    to: "(isEntry(delivery) || ",
    test: log,
    named: "is described only while each lease is held"
  },
  {
    name: "a log's group as data: leaves messages of the lanes",
    guarantee: "effectively once",
    file: settlement,
    from: "[...fencing, ...settling(rows)]",
    to: "[...fencing, ...settling(rows).slice(1)]",
    test: log,
    named: "also removes messages that have moved into the lanes"
  }
]
