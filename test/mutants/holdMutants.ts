/** The breaks of holds that another transaction has locked: waits for these holds, and losses while they last. */
import type { Mutant } from "./types.ts"

export const holdMutants: ReadonlyArray<Mutant> = [
  {
    name: "a poll waits for a due hold that another transaction has locked",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/holds.ts",
    from: "order by h.key for update of h skip locked",
    to: "order by h.key for update of h",
    test: "test/postgres/QueueReader.test.ts",
    named: "ends a due hold that another transaction had locked"
  },
  {
    name: "a locked due hold tried repeatedly in one poll",
    guarantee: "bounded",
    file: "src/postgres/queue/ReaderHolds.ts",
    from: "this.due.some((key) => !locked.has(key))",
    to: "this.due.length > 0",
    test: "test/postgres/QueueReader.test.ts",
    named: "ends a due hold that another transaction had locked"
  },
  {
    name: "a late row forgotten because its key's hold was locked",
    guarantee: "no loss",
    file: "src/postgres/queue/ReaderHolds.ts",
    from: "seq: min(row[\"from_seq\"] as bigint, this.#below.get(key)?.seq)",
    to: "seq: row[\"from_seq\"] as bigint",
    test: "test/postgres/QueueReader.test.ts",
    named: "ends a due hold that another transaction had locked"
  },
  {
    name: "a poll waits to lower a locked hold",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/holds.ts",
    from: "order by h.key for no key update of h skip locked",
    to: "order by h.key for no key update of h",
    test: "test/postgres/QueueReader.test.ts",
    named: "lowers a hold that another transaction had locked"
  },
  {
    name: "a hold waits for an operator's transaction while nothing is read",
    guarantee: "bounded",
    file: "src/postgres/sql/holds.ts",
    from: "select lane, set_config('lock_timeout', '1s', true) from",
    to: "select lane from",
    test: "test/postgres/failures.test.ts",
    named: "pauses in an open transaction delays no other key"
  },
  {
    name: "a hold begins at the place of its message",
    guarantee: "order per key",
    file: "src/postgres/queue/PgHold.ts",
    from: "reader.heldFrom(delivery),",
    to: "seq,",
    test: "test/postgres/transport.test.ts",
    named: "holds a key from where its hold is written"
  }
]
