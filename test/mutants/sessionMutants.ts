/** The breaks of sessions, wake-ups and starts that would be dead without a word. */
import type { Mutant } from "./types.ts"

const deaf = "test/postgres/listening.test.ts"
const silent = "test/ops/silent.test.ts"
const closed = "test/postgres/closed.test.ts"
const demoted = "test/postgres/demoted.test.ts"

export const sessionMutants: ReadonlyArray<Mutant> = [
  {
    name: "a demoted session given back to its pool",
    guarantee: "bounded",
    file: "src/postgres/session/PgSession.ts",
    from: "return PgFailure.isUnusable(code) ? this.#invalidate : undefined",
    to: "return undefined",
    test: demoted,
    named: "is given to no other caller"
  },
  {
    name: "a demoted session of the machinery kept",
    guarantee: "bounded",
    file: "src/postgres/session/Pools.ts",
    from: "PgFailure.isUnusable(PgFailure.codeOf(error)) ? pool.invalidate(connection) : Effect.void",
    to: "error === undefined ? pool.invalidate(connection) : Effect.void",
    test: demoted,
    named: "is given to no other caller: the machinery's statement"
  },
  {
    name: "a demoted session that streams kept",
    guarantee: "bounded",
    file: "src/postgres/session/PgSession.ts",
    from: "Effect.suspend(() => this.#note(cause) ?? Effect.void)",
    to: "Effect.suspend(() => Effect.as(Effect.void, this.#note(cause)))",
    test: demoted,
    named: "is given to no other caller: a user's stream"
  },
  {
    name: "an error of a standby about an unlogged table treated as the statement's own",
    guarantee: "bounded",
    file: "src/postgres/session/PgFailure.ts",
    from: "cause.routine === \"get_relation_info\"",
    to: "cause.routine === \"\"",
    test: "test/postgres/PgFailure.test.ts",
    named: "is on a standby"
  },
  {
    name: "a LISTEN connection never checked",
    guarantee: "bounded",
    file: "src/postgres/queue/Wake.ts",
    from: "Effect.forever(Effect.andThen(Effect.sleep(askEvery), Effect.suspend(() => prove(connection))))",
    to: "Effect.never",
    test: deaf,
    named: "wake-ups take milliseconds again"
  },
  {
    name: "a LISTEN connection checked without a bound",
    guarantee: "bounded",
    file: "src/postgres/queue/Wake.ts",
    from: "const responseTimeout = 4_000",
    to: "const responseTimeout = 400_000",
    test: deaf,
    named: "is replaced also when LISTEN itself is not answered"
  },
  {
    name: "a LISTEN connection to a read-only server",
    guarantee: "bounded",
    file: "src/postgres/sql/consumers.ts",
    from: "select current_setting('transaction_read_only') = 'off'",
    to: "select current_setting('transaction_read_only') <> ''",
    test: deaf,
    named: "is replaced when its server is read-only"
  },
  {
    name: "a closing layer waits for UNLISTEN on a dead connection",
    guarantee: "graceful",
    file: "src/postgres/queue/Wake.ts",
    from: "Effect.andThen(Scope.close(connectionScope, Exit.void), Scope.close(listenScope, Exit.void))",
    to: "Effect.andThen(Scope.close(listenScope, Exit.void), Scope.close(connectionScope, Exit.void))",
    test: deaf,
    named: "does not keep the layer from closing"
  },
  {
    name: "the warning of lost notifications repeated",
    guarantee: "bounded",
    file: "src/postgres/queue/Wake.ts",
    from: "      warned = true\n",
    to: "",
    test: deaf,
    named: "is replaced when its server is read-only"
  },
  {
    name: "a waiter does not ask the store again after a reconnection",
    guarantee: "bounded",
    file: "src/postgres/store/PgWatchers.ts",
    from: "    this.#announceAgain()\n    this.#here.notifyAll()",
    to: "    this.#here.notifyAll()",
    test: deaf,
    named: "asks again when its process begins to listen again"
  },
  {
    name: "a waiter does not ask other processes again after a reconnection",
    guarantee: "bounded",
    file: "src/postgres/store/PgWatchers.ts",
    from: "if (rest !== this.#process) this.#announceAgain()",
    to: "return",
    test: deaf,
    named: "notifies Inbox.await again"
  },
  {
    name: "a worker does not wait for its registration",
    guarantee: "bounded",
    file: "src/worker/start/Stages.ts",
    from: "Effect.andThen(patiently(register(store, pipeline, settings.lanes, can))",
    to: "Effect.andThen(register(store, pipeline, settings.lanes, can)",
    test: "test/worker/startsAway.test.ts",
    named: "waits for a store that is away"
  },
  {
    name: "a worker does not wait to open its queue",
    guarantee: "bounded",
    file: "src/worker/start/Stages.ts",
    from: "patiently(Opening.whole(opened))",
    to: "Opening.whole(opened)",
    test: "test/postgres/startupResets.test.ts",
    named: "starts although its connections are reset"
  },
  {
    name: "a worker waits for a refused registration",
    guarantee: "bounded",
    file: "src/worker/start/Opening.ts",
    from: "error instanceof StoreFailure && error.kind !== \"refused\"",
    to: "error instanceof StoreFailure",
    test: "test/worker/startsAway.test.ts",
    named: "ends at once with a registration"
  },
  {
    name: "Health only checks that the database responds",
    guarantee: "bounded",
    file: "src/postgres/store/PgStore.ts",
    from: "db.machinery(pings[who], [])",
    to: "db.machinery(who === \"worker\" ? \"select\" : pings[who], [])",
    test: silent,
    named: "lets a worker do nothing"
  },
  {
    name: "a worker that cannot read reported as healthy",
    guarantee: "bounded",
    file: "src/worker/fetch/Fetcher.ts",
    from: "      failing = FailingSince.more(failing, renewer.now(), error.message)\n",
    to: "",
    test: silent,
    named: "and cannot read is said so"
  },
  {
    name: "a worker that failed to read once reported as unhealthy permanently",
    guarantee: "bounded",
    file: "src/worker/fetch/Fetcher.ts",
    from: "      failing = undefined\n",
    to: "",
    test: silent,
    named: "and cannot read is said so"
  },
  {
    name: "a worker that cannot commit reported as healthy",
    guarantee: "bounded",
    file: "src/worker/commit/CommitTries.ts",
    from: "if (FailingSince.isOfStore(error)) this.failing",
    to: "if (error === null) this.vain",
    test: silent,
    named: "and cannot commit is said so"
  },
  {
    name: "a worker between two claims reported as without lanes",
    guarantee: "bounded",
    file: "src/worker/observe/Stats.ts",
    from: "stranded: () => stranded > 1",
    to: "stranded: () => stranded > 0",
    test: silent,
    named: "and holds no lane while messages wait"
  },
  {
    name: "a worker without lanes reported as healthy",
    guarantee: "bounded",
    file: "src/worker/observe/Stats.ts",
    from: "stranded = waits && !Number.isFinite(renewer.left()) ? stranded + 1 : 0",
    to: "stranded = waits && Number.isNaN(renewer.left()) ? stranded + 1 : 0",
    test: silent,
    named: "because a transaction has locked them"
  },
  {
    name: "lanes of a crashed owner not counted as free",
    guarantee: "bounded",
    file: "src/postgres/sql/status.ts",
    from: "l.lease_until < clock_timestamp()",
    to: "l.lease_until > clock_timestamp()",
    test: "test/postgres/conformance.test.ts",
    named: "says how a queue stands"
  },
  {
    name: "the publisher of a closed layer interrupted",
    guarantee: "bounded",
    file: "src/postgres/session/Pools.ts",
    from: "    layer.closed && Cause.hasInterruptsOnly(cause)",
    to: "    layer.closed && !Cause.hasInterruptsOnly(cause)",
    test: closed,
    named: "fails publishers, readers and writers"
  },
  {
    name: "the worker of a closed layer keeps its lanes",
    guarantee: "graceful",
    file: "src/postgres/queue/PgLanes.ts",
    from: "Effect.andThen(end, Effect.andThen(Effect.yieldNow, this.leave))",
    to: "Effect.andThen(end, Effect.yieldNow)",
    test: closed,
    named: "ends the work of a worker that outlives it"
  },
  {
    name: "the worker of a closed layer continues",
    guarantee: "one owner",
    file: "src/postgres/queue/PgLanes.ts",
    from: "this.lost(owned, \"the Postgres layer was closed under its worker\")",
    to: "owned.leaving = true",
    test: closed,
    named: "ends the work of a worker that outlives it"
  },
  {
    name: "a pipelined connection with an interrupted statement given back",
    guarantee: "bounded",
    file: "src/postgres/session/Pools.ts",
    from: "session.interrupted ? session.discard : Effect.void",
    to: "Effect.void",
    test: "test/postgres/pipelined.test.ts",
    named: "ends a session whose interrupted statement"
  }
]
