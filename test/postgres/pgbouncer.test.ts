/**
 * Behind PgBouncer in transaction mode: works by polling, without named statements. Needs the Debian package
 * `pgbouncer`. A machine without it says so.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Retry, Store, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createConnection, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inject } from "vitest"
import { runsHere } from "../harness/runsHere.ts"
import { freshSchema } from "./kit.ts"

const installed = runsHere(
  spawnSync("pgbouncer", ["--version"]).status === 0,
  "the tests behind PgBouncer",
  "There is no pgbouncer on the path: apt-get install pgbouncer."
)

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const address = probe.address()
    probe.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const answers = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = createConnection(port, "127.0.0.1")
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.once("error", () => resume(Effect.succeed(false)))
  })

/** A pooler of two server connections before the test's Postgres; ends with the scope. */
const poolerWith = Effect.fnUntraced(function*(settings: ReadonlyArray<string>) {
  const target = new URL(inject("databaseUrl"))
  const port = yield* freePort
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millrace-pgbouncer-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
  const config = join(directory, "pgbouncer.ini")
  writeFileSync(
    config,
    `[databases]
* = host=${target.hostname} port=${target.port} user=${target.username} password=${target.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
${settings.join("\n")}
`
  )
  chmodSync(directory, 0o755)
  // It refuses to run as root; on Debian the package brings the user.
  const user = process.getuid?.() === 0 ? ["-u", "postgres"] : []
  yield* Effect.acquireRelease(
    Effect.sync((): ChildProcess => spawn("pgbouncer", [...user, config], { stdio: "ignore" })),
    (child) => Effect.sync(() => void child.kill("SIGKILL"))
  )
  yield* Effect.repeat(answers(port), { until: (up) => up, schedule: Schedule.spaced("50 millis") }).pipe(
    Effect.timeout("20 seconds")
  )
  return `postgres://${target.username}:${target.password}@127.0.0.1:${port}${target.pathname}`
})

const Notes = Topic.make("notes", {
  schema: Schema.Struct({ key: Schema.String, n: Schema.Int }),
  key: (note) => note.key,
  id: (note) => `${note.key}:${note.n}`
})

it.live.skipIf(!installed)(
  "behind PgBouncer in transaction mode, works by polling, without named statements, in order",
  () =>
    Effect.gen(function*() {
      const url = yield* poolerWith([])
      const schema = freshSchema()
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`create table ${sql(schema)}.effects (n bigserial, key text, position int)`
        const notes = Pipeline.from(Notes, { consumer: "notes" }).pipe(
          Pipeline.mapEffect((note, context) =>
            note.n === 7 && context.attempt < 3 ? Effect.fail({ _tag: "Again" } as const) : Effect.succeed(note)
          ),
          Pipeline.tap((note) =>
            note.n === 9 ? Effect.fail({ _tag: "Never", retryable: false } as const) : Effect.void
          ),
          Pipeline.commitSql((note, sql) =>
            sql`insert into ${sql(schema)}.effects (key, position) values (${note.key}, ${note.n})`
          ),
          Pipeline.retry(Retry.exponential("30 millis"))
        )
        const worker = yield* Effect.forkChild(Worker.run(notes, { idlePoll: "50 millis", holdAfter: "20 millis" }))
        const all = Array.from({ length: 400 }, (_, i) => ({ key: `k${i % 20}`, n: Math.floor(i / 20) }))
        yield* Topic.publishAll(Notes, all)
        const count = sql<{ readonly n: number }>`select count(*)::int as n from ${sql(schema)}.effects`
        yield* Effect.repeat(Effect.map(count, ([row]) => row?.n === 380), {
          until: (done) => done,
          schedule: Schedule.spaced("50 millis")
        }).pipe(Effect.timeout("60 seconds"))
        yield* Fiber.interrupt(worker)
        const [wrong] = yield* sql<{ readonly n: number }>`select count(*)::int as n from (
        select position - lag(position, 1, -1) over (partition by key order by n) as step from ${
          sql(schema)
        }.effects) s where step < 1`
        assert.strictEqual(wrong?.n, 0)
        assert.lengthOf(yield* DeadLetters.list({ consumer: "notes", limit: 1000 }), 20)
      }).pipe(Effect.provide(Postgres.layer({ url: Redacted.make(url), schema, pooler: true })))
    }).pipe(Effect.scoped),
  90_000
)

const parameters =
  "random_page_cost,idle_in_transaction_session_timeout,transaction_timeout,synchronous_commit,jit,enable_seqscan"

it.live.skipIf(!installed)(
  "behind PgBouncer without the setting, the start fails, and names it",
  () =>
    Effect.gen(function*() {
      const url = yield* poolerWith([])
      const error = yield* Effect.flip(Layer.build(Postgres.layer({ url, schema: freshSchema() })))
      assert.deepInclude(error, { _tag: "StoreFailure", operation: "start", kind: "refused" })
      assert.include(String(error), "pooler: true (MILLRACE_POOLER=true)")
    }).pipe(Effect.scoped)
)

it.live.skipIf(!installed)(
  "behind PgBouncer that ignores what it does not know, a prepared statement that vanished names the setting",
  () =>
    Effect.gen(function*() {
      const url = yield* poolerWith([`ignore_startup_parameters = ${parameters}`, "server_reset_query_always = 1"])
      const failing = Effect.gen(function*() {
        const store = yield* Store.Store
        const sql = yield* SqlClient.SqlClient
        // Two server connections for four at a time: each has what another one prepared.
        const busy = Effect.forEach(
          Array.from({ length: 40 }),
          () => store.transact(Effect.andThen(sql`select 1`, Effect.sleep("5 millis"))),
          { concurrency: 4, discard: true }
        )
        return yield* Effect.flip(busy)
      }).pipe(Effect.provide(Postgres.layer({ url, schema: freshSchema() })))
      // The start may meet it already.
      const error = yield* Effect.catch(failing, Effect.succeed)
      assert.include(String(error), "pooler: true (MILLRACE_POOLER=true)")
    }).pipe(Effect.scoped)
)
