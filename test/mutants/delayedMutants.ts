/** The breaks of what is published later, and of the functions for SQL. */
import type { Mutant } from "./types.ts"

const conformance = "test/postgres/conformance.test.ts"

/** The move's lock, and its wait for locked rows of a key. Each alone keeps a key's order among several processes. */
const moves = (alone: string, held: string) =>
  `${alone}
), picked as materialized (
  select seq, due_at, key from \${t.delayed} where (select mine from alone) and due_at <= statement_timestamp()
  order by due_at, seq limit $2 for update skip locked
), held as materialized (
  select d.key, d.due_at, d.seq from \${t.delayed} d
  where ${held}d.due_at <=`

/** First the delete, then, from memory, the insert. */
const twice = `return this.#db.machinery(
      \`with gone as (delete from \${this.#names.delayed} where due_at <= statement_timestamp() returning *)
      select coalesce(json_agg(gone), '[]')::text as gone from gone\`,
      []
    ).pipe(
      Effect.flatMap(([row]) => this.#db.machinery(
        this.#text.replace(/delete from [^]*?returning [*]/, \`select * from json_populate_recordset(
          null::\${this.#names.delayed}, $3::text::json)\`),
        [this.#names.channel, rows, row?.["gone"]]
      )),`

export const delayed: ReadonlyArray<Mutant> = [
  {
    name: "delayed: moved under a snapshot older than its consumer",
    guarantee: "no loss",
    file: "src/postgres/sql/delayed.ts",
    from: " as mine where ${seesSubscriptions(t)}",
    to: " as mine",
    test: "test/postgres/snapshots.test.ts",
    named: "is moved to its consumer when it is due"
  },
  {
    name: "delayed: a cancellation outside of the transaction",
    guarantee: "no loss",
    file: "src/postgres/store/PgOutbox.ts",
    from: "db.query(laterText.cancel",
    to: "db.machinery(laterText.cancel",
    test: conformance,
    named: "forgets a cancellation and a replacement when the transaction around them rolls back"
  },
  {
    name: "delayed: published later outside of the transaction",
    guarantee: "effectively once",
    file: "src/postgres/store/PgOutbox.ts",
    from: "db.query(laterText.write",
    to: "db.machinery(laterText.write",
    test: conformance,
    named: "publishes nothing later when the transaction around it rolls back"
  },
  {
    name: "delayed: a message overtakes a locked one",
    guarantee: "order per key",
    file: "src/postgres/sql/delayed.ts",
    from: "where not exists (select from held h where",
    to: "where not exists (select from held h where false and",
    test: conformance,
    named: "does not publish what an open transaction cancels, nor what is due after it of its key"
  },
  {
    name: "delayed: a message overtakes one that another process moves",
    guarantee: "order per key",
    file: "src/postgres/sql/delayed.ts",
    from: moves(
      "select pg_try_advisory_xact_lock(hashtextextended($1, 7248)) as mine where ${seesSubscriptions(t)}",
      ""
    ),
    to: moves("select $1::text is not null as mine where ${seesSubscriptions(t)}", "false and "),
    test: "test/postgres/delayed.test.ts",
    named: "keeps its order when many processes find it due at the same moment"
  },
  {
    name: "delayed: the order of publishing in place of the order of the times",
    guarantee: "order per key",
    file: "src/postgres/sql/delayed.ts",
    from: "routed(\"true\", \"m.due_at, m.seq\", \"m.due_at\")",
    to: "routed(\"true\", \"m.seq\", \"m.due_at\")",
    test: conformance,
    named: "gives a key's delayed messages places in the order of their times"
  },
  {
    name: "delayed: published before it is due",
    guarantee: "order per key",
    file: "src/postgres/sql/delayed.ts",
    from: "where (select mine from alone) and due_at <= statement_timestamp()",
    to: "where (select mine from alone)",
    test: conformance,
    named: "puts a message behind what was published until it was due, and ahead of what came after"
  },
  {
    name: "delayed: a move without its insert",
    guarantee: "no loss",
    file: "src/postgres/sql/delayed.ts",
    from: "not exists (select from ${t.subscriptions} s where s.topic = m.topic) order by ${order}",
    to: "false order by ${order}",
    test: conformance,
    named: "keeps a delayed message that no consumer reads for the first one that does, due or not"
  },
  {
    name: "delayed: a move in two transactions",
    guarantee: "no loss",
    file: "src/postgres/queue/PgDelayed.ts",
    from: "return this.#db.machinery(this.#text, [this.#names.channel, rows]).pipe(",
    to: twice,
    test: "test/postgres/delayed.test.ts",
    named: "is lost by no session that dies in the middle of a move"
  },
  {
    name: "delayed: a message that is due at once does not replace the one with its name",
    guarantee: "effectively once",
    file: "src/postgres/sql/delayed.ts",
    from: "where name is not null and due <= statement_timestamp()",
    to: "where false",
    test: conformance,
    named: "publishes now, and lets nothing wait, when the new message under a name is due at once"
  },
  {
    name: "delayed: a message moved after its replacement",
    guarantee: "order per key",
    file: "src/postgres/sql/delayed.ts",
    from: "(select count(*) from replaced) >= 0 and m.due",
    to: "m.due",
    test: "test/postgres/delayed.test.ts",
    named: "is not moved behind the one that replaces it"
  },
  {
    name: "delayed: a sleeping worker does not wake for a message that is due",
    guarantee: "bounded",
    file: "src/postgres/queue/PgSubscription.ts",
    from: "if (typeof due !== \"number\")",
    to: "if (due !== undefined)",
    test: conformance,
    named: "wakes a waiting worker at its time, also when it fell asleep before the publish"
  },
  {
    name: "delayed: a busy worker never moves messages",
    guarantee: "bounded",
    file: "src/postgres/queue/PgSubscription.ts",
    from: "Effect.andThen(delayed.whenDue, balance)",
    to: "balance",
    test: "test/postgres/delayed.test.ts",
    named: "comes about on time to a worker that is never idle"
  },
  {
    name: "delayed: other keys wait for a locked one",
    guarantee: "poison cannot block",
    file: "src/postgres/queue/PgDelayed.ts",
    from: "more && moved === 0 ? rows * 10 : batch",
    to: "batch",
    test: "test/postgres/delayed.test.ts",
    named: "does not wait for a key with very many messages behind a locked row"
  },
  {
    name: "delayed: an id forgotten while a message waits under it",
    guarantee: "effectively once",
    file: "src/postgres/sql/retention.ts",
    from: "or exists (select from ${t.delayed} d where d.id = i.id offset 0)",
    to: "",
    test: "test/postgres/retention.test.ts",
    named: "remembers an id while a delayed message waits under it"
  },
  {
    name: "delayed: memory publishes a message while an open transaction cancels it",
    guarantee: "effectively once",
    file: "src/memory/MemoryDelayed.ts",
    from: "waiting.name !== undefined && locked(waiting.name)",
    to: "waiting.name !== undefined && waiting.due === Infinity",
    test: "test/conformance/memory.test.ts",
    named: "does not publish what an open transaction cancels, nor what is due after it of its key"
  },
  {
    name: "SQL publish: the lane computed from code points in place of UTF-16",
    guarantee: "order per key",
    file: "src/postgres/sql/functions.ts",
    from: "${unit(\"55296 + (c >> 10)\")}",
    to: "${unit(\"c\")}",
    test: "test/postgres/functions.test.ts",
    named: "computes the lane of every key as the code does"
  },
  {
    name: "SQL publish: the caller's search path used",
    guarantee: "no loss",
    file: "src/postgres/sql/functions.ts",
    from: "set search_path = pg_catalog, pg_temp",
    to: "cost 100",
    test: "test/postgres/functions.test.ts",
    named: "finds no name that a caller has put before the right one"
  },
  {
    name: "SQL publish: no worker is notified",
    guarantee: "bounded",
    file: "src/postgres/sql/functions.ts",
    from: "c.waiting_until > clock_timestamp() and",
    to: "c.waiting_until > 'infinity' and",
    test: "test/postgres/functions.test.ts",
    named: "wakes a worker that waits"
  }
]
