/** The breaks of `Inbox.once` and `Inbox.await`. */
import type { Mutant } from "./types.ts"

const conformance = "test/postgres/conformance.test.ts"

export const once: ReadonlyArray<Mutant> = [
  {
    name: "once: a conflict ignored",
    guarantee: "effectively once",
    file: "src/postgres/store/PgOnce.ts",
    from: "row[\"fingerprint\"] === fingerprint ? { _tag: \"Committed\"",
    to: "row[\"fingerprint\"] !== \"\" ? { _tag: \"Committed\"",
    test: conformance,
    named: "refuses the same id with other content, and runs nothing"
  },
  {
    name: "once: the result stored outside of the transaction",
    guarantee: "effectively once",
    file: "src/postgres/store/PgOnce.ts",
    from: "db.within(text.remember",
    to: "db.machinery(text.remember",
    test: conformance,
    named: "runs an effect once for an id"
  },
  {
    name: "once: the id claimed outside of the transaction",
    guarantee: "effectively once",
    file: "src/postgres/store/PgOnce.ts",
    from: "db.within(text.claimOnce",
    to: "db.machinery(text.claimOnce",
    test: conformance,
    named: "remembers nothing of an effect that failed"
  },
  {
    name: "once: waiting callers keep their connections",
    guarantee: "bounded",
    file: "src/postgres/sql/inbox.ts",
    from: "pg_try_advisory_xact_lock(hashtextextended($4::text || ' ' || $2::text, $1::int)) as mine",
    to: "($4::text || $2::text) is not null as mine",
    test: "test/postgres/once.test.ts",
    named: "keeps no connection while it waits"
  },
  {
    name: "once: reported as not committed while its COMMIT is not settled",
    guarantee: "effectively once",
    file: "src/Inbox.ts",
    from: "return yield* waiting.unknownOutcome ?? answer",
    to: "return yield* answer",
    test: "test/words/Inbox.test.ts",
    named: "never says that nothing was committed"
  },
  {
    name: "once: its own unanswered COMMIT treated as another caller",
    guarantee: "effectively once",
    file: "src/internal/OnceWait.ts",
    from: "(!this.wait && this.unknownOutcome === undefined)",
    to: "!this.wait",
    test: "test/words/Inbox.test.ts",
    named: "waits for a COMMIT of its own that is not settled"
  },
  {
    name: "once: repeated within a transaction of its caller",
    guarantee: "effectively once",
    file: "src/Inbox.ts",
    from: "const repeatable = !(yield* store.inTransaction)",
    to: "const repeatable = true",
    test: "test/words/Inbox.test.ts",
    named: "does not repeat within"
  },
  {
    name: "once: an error of the effect treated as the store's",
    guarantee: "effectively once",
    file: "src/Inbox.ts",
    from: "(error) => new Own(error)",
    to: "(error) => error as unknown as Own<E>",
    test: "test/words/Inbox.test.ts",
    named: "keeps an error of the effect's own apart"
  },
  {
    name: "once: results without a size limit",
    guarantee: "bounded",
    file: "src/internal/OnceCodec.ts",
    from: "(text) => Buffer.byteLength(text) <= Message.limits.payloadBytes,",
    to: "() => true,",
    test: "test/conformance/memory.test.ts",
    named: "refuses a result that is too large"
  },
  {
    name: "once: a new name made in the caller's transaction",
    guarantee: "bounded",
    file: "src/postgres/store/PgConsumers.ts",
    from: "if (db.settings.single) return made",
    to: "return made",
    test: "test/postgres/once.test.ts",
    named: "knows a new consumer's name at once"
  },
  {
    name: "once: its name treated as a worker's registration",
    guarantee: "effectively once",
    file: "src/postgres/store/PgConsumers.ts",
    from: "if (found.lanes === 0) return undefined",
    to: "",
    test: conformance,
    named: "leaves the name free for a worker"
  },
  {
    name: "waiters do not notify other processes",
    guarantee: "bounded",
    file: "src/Inbox.ts",
    from: "polls++ === 1",
    to: "polls++ < 0",
    test: "test/postgres/await.test.ts",
    named: "is woken by the process that commits the message"
  },
  {
    name: "waiters not notified by other processes",
    guarantee: "bounded",
    file: "src/postgres/store/PgWatchers.ts",
    from: "if (this.#elsewhere.delete(name)) this.#wake.send(`settled:${name}`)",
    to: "this.#elsewhere.delete(name)",
    test: "test/postgres/await.test.ts",
    named: "is woken by the process that commits the message"
  },
  {
    name: "a process notifies itself of its commits",
    guarantee: "bounded",
    file: "src/postgres/store/PgWatchers.ts",
    from: "      if (who === this.#process) return\n",
    to: "",
    test: "test/postgres/await.test.ts",
    named: "makes no worker notify without a waiter"
  },
  {
    name: "waiters not woken by a commit",
    guarantee: "bounded",
    file: "src/postgres/store/PgStore.ts",
    from: "Effect.tap(inbox.claim(consumer, claims), settled(consumer, claims))",
    to: "inbox.claim(consumer, claims)",
    test: "test/postgres/once.test.ts",
    named: "is woken by a commit of this process"
  },
  {
    name: "a dead letter reported as a commit",
    guarantee: "effectively once",
    file: "src/postgres/store/PgOnce.ts",
    from: "row[\"outcome\"] === \"dead\"",
    to: "row[\"outcome\"] === \"\"",
    test: conformance,
    named: "tells who waits for an id that it is dead"
  },
  {
    name: "once: a caller in memory does not wait for its turn",
    guarantee: "effectively once",
    file: "src/memory/MemoryInbox.ts",
    from: "if (wait) yield* transaction.lock([key])",
    to: "if (wait) yield* Effect.void",
    test: "test/conformance/memory.test.ts",
    named: "waits for the first caller, and gets its result"
  },
  {
    name: "once: an id claimed under a removed number",
    guarantee: "effectively once",
    file: "src/postgres/sql/inbox.ts",
    from: "where exists (select from ${t.consumers} where id = $1::int and name = $5::text)",
    to: "where $5::text is not null",
    test: "test/postgres/once.test.ts",
    named: "that another process has removed and registered again"
  },
  {
    name: "once: its names listed among the consumers of operators",
    guarantee: "graceful",
    file: "src/postgres/sql/consumerOperations.ts",
    from: "from ${t.consumers} c where c.lanes > 0 and (",
    to: "from ${t.consumers} c where c.lanes >= 0 and (",
    test: "test/postgres/conformance.test.ts",
    named: "keeps its names out of the list of consumers"
  }
]
