/**
 * The breaks in the isolation levels of transactions, and in what a key's hold waits for.
 */
import type { Mutant } from "./types.ts"

const pairs = "test/postgres/decisionPairs.test.ts"
const isolation = "test/postgres/isolation.test.ts"

export const isolationMutants: ReadonlyArray<Mutant> = [
  {
    name: "a transaction of the library at the role's isolation level",
    guarantee: "order per key",
    file: "src/postgres/session/Isolation.ts",
    from: "Effect.provideService(client.withTransaction(theirs), Client.BeginTransaction, ServerSql.begin)",
    to: "client.withTransaction(theirs)",
    test: pairs,
    named: "at read committed and in a transaction of the library leave no key parked"
  },
  {
    name: "a user's transaction at the library's isolation level",
    guarantee: "effectively once",
    file: "src/postgres/session/Isolation.ts",
    from: "Effect.provideService(effect, Client.BeginTransaction, fiber.getRef(Client.BeginTransaction))",
    to: "fiber.getRef(Client.BeginTransaction) === \"\" ? Effect.never : effect",
    test: isolation,
    named: "has it also where it begins behind a transaction of the library"
  },
  {
    name: "decisions at the role's isolation level",
    guarantee: "order per key",
    file: "src/postgres/store/PgDecisions.ts",
    from: "      db.transaction(effect),",
    to: "      db.sql.withTransaction(effect),",
    test: pairs,
    named: "at read committed and in a transaction of the library leave no key parked"
  },
  {
    name: "a migration at the role's isolation level",
    guarantee: "no loss",
    file: "src/postgres/migrations/index.ts",
    from: "  yield* transaction(migrate(sql, names))",
    to: "  yield* sql.withTransaction(migrate(sql, names))",
    test: "test/tidy.test.ts",
    named: "begins a transaction"
  },
  {
    name: "statements of the machinery at the role's isolation level",
    guarantee: "one owner",
    file: "src/postgres/session/Pools.ts",
    from: "  default_transaction_isolation: \"read committed\",\n",
    to: "",
    test: isolation,
    named: "where the default is SERIALIZABLE$"
  },
  {
    name: "pooler: statements of the machinery at the role's isolation level",
    guarantee: "one owner",
    file: "src/postgres/session/PgClient.ts",
    from: "settings.pooler && level !== \"read committed\"",
    to: "settings.single && level !== \"read committed\"",
    test: isolation,
    named: "behind a pooler, too"
  },
  {
    name: "retention at the role's isolation level",
    guarantee: "effectively once",
    file: "src/postgres/maintenance/Retention.ts",
    from: "db.onMachinery(db.transaction(",
    to: "db.onMachinery(db.sql.withTransaction(",
    test: "test/tidy.test.ts",
    named: "begins a transaction"
  },
  {
    name: "a decision that an older snapshot does not see",
    guarantee: "order per key",
    file: "src/postgres/sql/decisions.ts",
    from: "set until = ${dueUnlessParked(t)} where until = 'infinity'",
    to: "set until = statement_timestamp() where not ${parks(t)} and until = 'infinity'",
    test: pairs,
    named: "at repeatable read, when the second one comes late, leave"
  },
  {
    name: "a decision about a set under an older snapshot",
    guarantee: "poison cannot block",
    file: "src/postgres/store/PgDecisions.ts",
    from: "          yield* Isolation.refuseOlder(db, `have dead letters ${decision}`)\n",
    to: "",
    test: isolation,
    named: "at serializable DeadLetters.redriveAll is refused"
  },
  {
    name: "a consumer removed under an older snapshot",
    guarantee: "no loss",
    file: "src/postgres/store/PgConsumerOperations.ts",
    from: "    Isolation.refuseOlder(parts.db, operation),\n",
    to: "    Effect.void,\n",
    test: isolation,
    named: "at repeatable read Consumers.remove is refused"
  },
  {
    name: "a registration under an older snapshot",
    guarantee: "no loss",
    file: "src/postgres/store/PgConsumers.ts",
    from: "        yield* Isolation.refuseOlder(db, \"register the consumer\")\n",
    to: "",
    test: isolation,
    named: "at repeatable read a registration is refused"
  },
  {
    name: "a lease missing in an older snapshot treated as lost",
    guarantee: "one owner",
    file: "src/postgres/store/PgLeases.ts",
    from: "Effect.as(Isolation.refuseUnseen(db, looking(name)), false)",
    to: "Effect.succeed(false)",
    test: isolation,
    named: "at repeatable read a lease that was acquired since"
  },
  {
    name: "an unfinished name awaited that an older snapshot does not see",
    guarantee: "effectively once",
    file: "src/postgres/store/PgOnce.ts",
    from: "Effect.as(Isolation.refuseUnseen(db, \"claim an id in the inbox\"), { _tag: \"Busy\" })",
    to: "Effect.succeed({ _tag: \"Busy\" })",
    test: isolation,
    named: "at repeatable read Inbox.once under a name that is new"
  },
  {
    name: "a conflict error without the advice to repeat the whole transaction",
    guarantee: "poison cannot block",
    file: "src/postgres/session/PgFailure.ts",
    from: "hint: code === \"40001\"\n",
    to: "hint: code === \"\"\n",
    test: isolation,
    named: "at repeatable read a decision about a dead letter that changed since"
  },
  {
    name: "a key parked without an open dead letter stays parked",
    guarantee: "order per key",
    file: "src/postgres/sql/consumerOperations.ts",
    from: "and (paused_by is not null or ${stray}) returning key",
    to: "and paused_by is not null returning key",
    test: "test/postgres/conformance.test.ts",
    named: "frees a key that is parked behind no open dead letter"
  },
  {
    name: "memory: a key parked without an open dead letter stays parked",
    guarantee: "order per key",
    file: "src/memory/MemoryConsumers.ts",
    from: "      return stray ? undefined : conflict(",
    to: "      return stray && key === \"\" ? undefined : conflict(",
    test: "test/conformance/memory.test.ts",
    named: "frees a key that is parked behind no open dead letter"
  },
  {
    name: "memory: a key released before an open dead letter is decided",
    guarantee: "order per key",
    file: "src/memory/MemoryConsumers.ts",
    from: "asked === \"resumed\" && queue.parkedKey(key) && !state.parks(consumer, key)",
    to: "asked === \"resumed\" && queue.parkedKey(key)",
    test: "test/conformance/memory.test.ts",
    named: "frees a key that is parked behind no open dead letter"
  },
  {
    name: "a key released while a message of it is dead-lettered",
    guarantee: "order per key",
    file: "src/postgres/store/PgConsumerOperations.ts",
    from: "Effect.andThen(db.within(text.lockKey, [queue, key]), db.within(text.resumeKey, [queue, key]))",
    to: "db.within(text.resumeKey, [queue, key])",
    test: pairs,
    named: "free a key that is parked behind no open dead letter"
  }
]
