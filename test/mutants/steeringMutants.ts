/** The breaks of the guards against a commit step that ends its transaction, or that changes its session. */
import type { Mutant } from "./types.ts"

const steering = "test/postgres/steering.test.ts"

export const steeringMutants: ReadonlyArray<Mutant> = [
  {
    name: "a handler's COMMIT sent",
    guarantee: "effectively once",
    file: "src/postgres/session/PgSession.ts",
    from:
      "if ((kind === \"begin\" || kind === \"control\") && this.#use !== \"reserved\") return this.#refuse(command)",
    to: "",
    test: steering,
    named: "by execute: is refused"
  },
  {
    name: "a handler's COMMIT sent as a stream",
    guarantee: "effectively once",
    file: "src/postgres/session/PgSession.ts",
    from: "if (found.kind === \"plain\") return this.#stream(sql, params, transform)",
    to: "if (found.kind !== \"begin\") return this.#stream(sql, params, transform)",
    test: steering,
    named: "by stream: is refused"
  },
  {
    name: "a handler's COMMIT sent for values",
    guarantee: "effectively once",
    file: "src/postgres/session/PgSession.ts",
    from:
      "return this.#guarded(\n      sql,\n      (text) =>\n        this.#observed(Effect.map(this.#connection.queryValues(text,",
    to:
      "return ((text: string, send: (text: string) => Effect.Effect<any, any>) => send(text))(\n      sql,\n      (text) =>\n        this.#observed(Effect.map(this.#connection.queryValues(text,",
    test: steering,
    named: "by values: is refused"
  },
  {
    name: "a refused statement does not abort the transaction",
    guarantee: "effectively once",
    file: "src/postgres/session/PgSession.ts",
    from: "    return inTransaction\n      ? Effect.andThen(",
    to: "    return !inTransaction\n      ? Effect.andThen(",
    test: steering,
    named: "and swallows the refusal"
  },
  {
    name: "a refused statement repeated",
    guarantee: "poison cannot block",
    file: "src/internal/errors/StatementErrors.ts",
    from: "readonly retryable = false",
    to: "readonly retryable = true",
    test: steering,
    named: "by raw: is refused"
  },
  {
    name: "a refusal hidden by the error around it",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/FailureRecord.ts",
    from: "return refusalIn(reason.error) ?? reason.error",
    to: "return reason.error",
    test: steering,
    named: "and hides the refusal"
  },
  {
    name: "comments not skipped before a command",
    guarantee: "effectively once",
    file: "src/postgres/session/TransactionControl.ts",
    from: "else if (code === 47 && sql.charCodeAt(at + 1) === 42) at = commentEnd(sql, at)",
    to: "",
    test: "test/postgres/TransactionControl.test.ts",
    named: "is recognised behind any comments"
  },
  {
    name: "a changed session given back",
    guarantee: "effectively once",
    file: "src/postgres/session/PgSession.ts",
    from: "return Scope.addFinalizer(this.#scope, this.discard)",
    to: "return Effect.void",
    test: steering,
    named: "is replaced: set search_path"
  },
  {
    name: "the session of a failed COMMIT given back",
    guarantee: "graceful",
    file: "src/postgres/session/PgSession.ts",
    from: "Effect.tapCause(this.#bounded(\"COMMIT\", true), () => this.discard)",
    to: "this.#bounded(\"COMMIT\", true)",
    test: steering,
    named: "before COMMIT: nothing is committed"
  },
  {
    name: "the session of a failed BEGIN given back",
    guarantee: "graceful",
    file: "src/postgres/session/PgSession.ts",
    from: "onFailure: (cause) => Effect.andThen(this.discard, Effect.failCause(cause)),",
    to: "onFailure: (cause) => Effect.failCause(cause),",
    test: steering,
    named: "a session that cannot begin"
  },
  {
    name: "vanished statements counted as a message's failure",
    guarantee: "poison cannot block",
    file: "src/postgres/session/PgFailure.ts",
    from: "  isUnknownName(error) || (codeOf(error) === \"0A000\"",
    to: "  (codeOf(error) === \"0A000\"",
    test: steering,
    named: "by \"do \\$\\$ begin execute"
  },
  {
    name: "a stale plan counted as a message's failure",
    guarantee: "poison cannot block",
    file: "src/postgres/session/PgFailure.ts",
    from: "routineOf(error) === \"RevalidateCachedQuery\"",
    to: "routineOf(error) === \"\"",
    test: steering,
    named: "a table that was altered"
  },
  {
    name: "a user's own prepared statement treated as the driver's",
    guarantee: "poison cannot block",
    file: "src/postgres/session/PgFailure.ts",
    from: " && /\"effect_[0-9a-f]{16}_\\d+\"/.test(messageOf(error))",
    to: "",
    test: steering,
    named: "of a user's own naming"
  },
  {
    name: "a pooler detected by its first worker only",
    guarantee: "graceful",
    file: "src/postgres/session/Pools.ts",
    from: "PgConnection.make(connectionConfig(s, machineryParameters))",
    to: "PgConnection.make(connectionConfig(s, {}))",
    test: "test/postgres/connecting.test.ts",
    named: "a pooler that refuses"
  },
  {
    name: "NOTIFY in a transaction that will be prepared",
    guarantee: "no loss",
    file: "src/postgres/sql/functions.ts",
    from: " and current_setting('max_prepared_transactions') = '0'",
    to: "",
    test: "test/postgres/prepared.test.ts",
    named: "a prepared transaction publishes"
  },
  {
    name: "a committer waits without a log line",
    guarantee: "observability",
    file: "src/worker/observe/LongWait.ts",
    from: "const silentMillis = 10_000",
    to: "const silentMillis = 10_000_000",
    test: "test/worker/long-wait.test.ts",
    named: "is named within 15 seconds"
  }
]
