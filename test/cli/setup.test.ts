/** The commands before and around a running system: migrate, roles, doctor and watch, on Postgres and on PGlite. */
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, Consumers, DeadLetters, Topic } from "millrace"
import { Embedded } from "millrace/embedded"
import { Postgres } from "millrace/postgres"
import { randomBytes } from "node:crypto"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inject } from "vitest"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { freshDatabase } from "../setup/database.ts"
import { documentOf, type Ended, ledger, millrace } from "./commandLine.ts"

const url = inject("databaseUrl")
const env = { DATABASE_URL: url }

/** Runs statements as psql would, outside of Millrace's own client. */
const psql = (at: string, script: string) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) =>
      Effect.forEach(script.split(/;\n\n/).filter((statement) => statement.trim() !== ""), (statement) =>
        sql.unsafe(statement))
  ).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(at), maxConnections: 1 }))
  )

/** A role that may log in, with the rights of one kind as `millrace roles` prints them, and the address for it. */
const roleOf = Effect.fnUntraced(function*(kind: string, schema: string) {
  const role = `${kind}_${randomBytes(4).toString("hex")}`
  yield* Effect.acquireRelease(
    psql(url, `create role ${role} login password 'secret'`),
    () => Effect.ignore(psql(url, `drop owned by ${role};\n\ndrop role ${role}`))
  )
  const { code, stdout } = yield* millrace(["roles", "--sql", "--kind", kind, "--to", role, "--schema", schema])
  assert.strictEqual(code, 0)
  yield* psql(url, stdout)
  const address = new URL(url)
  address.username = role
  address.password = "secret"
  return address.toString()
})

const limit = 120_000

it.live("migrate creates the tables before any worker exists, and says what it did", () =>
  Effect.gen(function*() {
    const at = { env: { DATABASE_URL: yield* freshDatabase(url) } }
    const missing = yield* millrace(["status"], at)
    assert.strictEqual(missing.code, 6)
    assert.include(missing.stderr, "Run \"npx millrace migrate\"")
    const dry = yield* millrace(["migrate", "--dry-run", "--json"], at)
    assert.deepStrictEqual(documentOf(dry).data, { schema: "millrace", before: 0, version: 1, migrated: false })
    const done = yield* millrace(["migrate"], at)
    assert.deepStrictEqual([done.code, done.stdout], [0, "Schema millrace is at version 1 now.\n"])
    assert.match((yield* millrace(["migrate"], at)).stdout, /at version 1 already\. Nothing was changed/)
    assert.match((yield* millrace(["status"], at)).stdout, /^There is no consumer/)
  }), limit)

it.live(
  "migrate --sql prints statements on which a worker starts with migrate \"check\"",
  () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      const { stdout } = yield* millrace(["migrate", "--sql", "--schema", schema])
      const at = yield* freshDatabase(url)
      yield* psql(at, stdout)
      const { drain, publish } = ledger("scripted")
      yield* Effect.gen(function*() {
        yield* drain()
        yield* publish("good1")
        yield* drain()
        assert.strictEqual((yield* Consumers.get("scripted")).waiting.count, 0)
      }).pipe(Effect.provide(Postgres.layer({ url: Redacted.make(at), schema, migrate: "check" })))
      const already = yield* millrace(["migrate", "--schema", schema], { env: { DATABASE_URL: at } })
      assert.include(already.stdout, "already")
    }),
  limit
)

/** Commands that look, and commands that act on the dead letter `id` of key "bad", in this order. */
const looks: ReadonlyArray<ReadonlyArray<string>> = [
  ["status"],
  ["stuck"],
  ["find", "granted-good1"],
  ["find", "granted-bad2"],
  ["blockers"],
  ["audit"],
  ["redrives"],
  ["lanes", "granted"],
  ["unrouted"],
  ["delayed"],
  ["workers", "list"],
  ["workers", "suspects"],
  ["runs", "list"],
  ["dead", "groups"],
  ["dead", "list"],
  ["doctor"]
]
const actions = (id: string): ReadonlyArray<ReadonlyArray<string>> => [
  ["consumers", "pause", "granted", "--indefinitely"],
  ["consumers", "resume", "granted"],
  ["keys", "pause", "granted", "k"],
  ["keys", "resume", "granted", "k"],
  ["dead", "discard", id],
  ["dead", "restore", id],
  ["messages", "dead-letter", "granted", "granted-bad2", "--key", "bad"],
  ["keys", "advance", "granted", "slow"],
  ["keys", "release", "granted", "bad", "--yes"],
  ["dead", "redrive", id],
  ["dead", "redrive", "--consumer", "granted", "--message", "granted-bad2"]
]

it.live("the printed roles are enough for a worker, a publisher, an operator and a viewer, and no more", () => {
  const schema = freshSchema()
  return Effect.gen(function*() {
    const at = yield* Effect.all({
      worker: roleOf("worker", schema),
      publisher: roleOf("publisher", schema),
      operator: roleOf("operator", schema),
      viewer: roleOf("viewer", schema)
    })
    type Kind = keyof typeof at
    const layerOf = (kind: Kind) =>
      Postgres.layer({
        url: Redacted.make(at[kind]),
        schema,
        migrate: "check",
        ...(kind === "worker" ? {} : { retention: false })
      })
    const { Payments, drain, publish } = ledger("granted", "park")
    const failing = { current: true }
    // A worker registers, processes, holds, dead-letters, and deletes old data.
    const work = Effect.provide(drain(failing), layerOf("worker"))
    yield* work
    const publishing = Effect.gen(function*() {
      yield* publish("bad1", "bad2", "slow1", "good1")
      const delay = { delay: "1 hour", name: "l" } as const
      yield* Topic.publish(Payments, { id: "later", account: "l", cents: 1 }, delay)
      yield* Topic.cancel(Payments, { key: "l", name: "l" })
      yield* ledger("unread").publish("a1")
    })
    yield* Effect.provide(publishing, layerOf("publisher"))
    yield* work
    const cli = (kind: Kind, args: ReadonlyArray<string>) =>
      Effect.map(millrace([...args, "--schema", schema], { env: { DATABASE_URL: at[kind] } }), (ended) => ({
        ...ended,
        shown: `${kind} ${args.join(" ")}: ${ended.stderr}`
      }))
    for (const args of looks) {
      for (const kind of ["viewer", "operator"] as const) {
        const { code, shown } = yield* cli(kind, args)
        assert.deepStrictEqual([code, shown.includes("denied")], [0, false], shown)
      }
    }
    const [deadLetter] = yield* DeadLetters.list({ consumer: "granted" })
    for (const args of actions(deadLetter!.id)) {
      const refused = yield* cli("viewer", args)
      assert.deepStrictEqual([refused.code, refused.stdout], [4, ""], refused.shown)
      const done = yield* cli("operator", args)
      assert.deepStrictEqual([done.code, done.shown.includes("denied")], [0, false], done.shown)
    }
    failing.current = false
    yield* work
    assert.strictEqual((yield* DeadLetters.get(deadLetter!.id)).state, "resolved")
    for (const kind of ["worker", "publisher", "operator", "viewer"] as const) {
      const refusal = yield* Effect.flip(psql(at[kind], `create table "${schema}".mine (id int)`))
      assert.strictEqual(refusal.reason._tag, "AuthorizationError", kind)
    }
    assert.strictEqual((yield* Effect.flip(Effect.provide(publish("x1"), layerOf("viewer"))))._tag, "StoreFailure")
  }).pipe(Effect.provide(postgres(url, {}, schema)))
}, limit)

it.live("roles and migrate refuse to guess", () =>
  Effect.gen(function*() {
    assert.strictEqual((yield* millrace(["roles"])).code, 2)
    assert.strictEqual((yield* millrace(["roles", "--sql", "--to", "app"])).code, 2)
    const quoted = yield* millrace(["roles", "--sql", "--kind", "viewer", "--to", "odd\"role"])
    assert.include(quoted.stdout, "to \"odd\"\"role\"")
    assert.strictEqual((yield* millrace(["migrate", "--sql", "--schema", "bad name"])).code, 2)
  }))

it.live("doctor names what is wrong, with a remedy", () =>
  Effect.gen(function*() {
    const schema = freshSchema()
    yield* Effect.gen(function*() {
      yield* ledger("typo").publish("a1")
      const { code, stdout } = yield* millrace(["doctor", "--schema", schema], { env })
      assert.strictEqual(code, 0, stdout)
      assert.match(stdout, /^ok {3}server: Postgres 1\d\n/)
      assert.match(stdout, /\nok {3}notifications: arrive\n/)
      assert.match(stdout, /\nok {3}sessions: settings of a session stay\n/)
      assert.match(stdout, /\nwarn topics: payments-typo\n {6}Look at millrace unrouted\./)
      const sql = yield* SqlClient.SqlClient
      yield* sql.unsafe(
        `update pg_index set indisvalid = false where indexrelid = '"${schema}".messages_xid'::regclass`
      )
      const broken = yield* millrace(["doctor", "--schema", schema, "--json"], { env })
      assert.deepStrictEqual([broken.code, JSON.parse(broken.stderr).failed], [8, ["indexes"]])
      const { data } = documentOf(broken)
      assert.match(data.find(({ check }: any) => check === "indexes").remedy, /reindex/)
    }).pipe(Effect.provide(postgres(url, {}, schema)))
  }), limit)

/** The checks of `doctor` by name, each with a statement that breaks something and the text that it then finds. */
const broken = [
  ["indexes", "update pg_index set indisvalid = false where indexrelid = '$.messages_xid'::regclass", /^messages_xid$/],
  ["missing indexes", "drop index $.holds_due", /^holds_due$/],
  ["autovacuum of tables", "alter table $.messages set (autovacuum_enabled = false)", /^off for messages$/],
  ["sequences", "select setval('$.message_seq', 9223372036854775000)", /^near their end: message_seq$/],
  [
    "deduplication window",
    "update $.messages set published_at = now() - interval '8 days'",
    /^older than the window \(7d, the default of retention\.inbox\): aged 8d/
  ],
  ["topics", "select 1", /^payments-typo$/],
  ["workers", "select 1", /^aged$/]
] as const

it.live("doctor finds each thing that is wrong, and --fix repairs what is safe, audited", () => {
  const schema = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const doctor = (...args: ReadonlyArray<string>) => millrace(["doctor", ...args, "--schema", schema], { env })
    const statesOf = (ended: Ended) => new Map<string, any>(documentOf(ended).data.map((one: any) => [one.check, one]))
    yield* ledger("aged").drain()
    yield* ledger("aged").publish("good1")
    yield* ledger("typo").publish("a1")
    const before = statesOf(yield* doctor("--json"))
    for (const [check, statement] of broken.slice(0, 5)) {
      assert.strictEqual(before.get(check).state, "ok", check)
      yield* sql.unsafe(statement.replaceAll("$", `"${schema}"`))
    }
    const found = yield* doctor("--json")
    assert.strictEqual(found.code, 8)
    for (const [check, , text] of broken) {
      const { found: shown, remedy, state } = statesOf(found).get(check)
      assert.match(shown, text, check)
      assert.isTrue(state !== "ok" && remedy.length > 10, check)
    }
    const longer = statesOf(yield* doctor("--json", "--deduplication-window", "30d")).get("deduplication window")
    assert.strictEqual(longer.found, "no message or dead letter is older than the window (30d, as given)")
    assert.strictEqual((yield* doctor("--deduplication-window", "30")).code, 2)
    const dry = yield* doctor("--fix", "--dry-run")
    assert.match(dry.stderr, /Would run: reindex index concurrently "test_\w+"\."messages_xid"\n/)
    const refused = yield* doctor("--fix")
    assert.deepStrictEqual([refused.code, refused.stdout], [6, ""])
    assert.deepStrictEqual(yield* Audit.list({ action: "repaired" }), [])
    const fixed = statesOf(yield* doctor("--fix", "--yes", "--json", "--note", "INC-812"))
    for (const [check] of broken.slice(0, 3)) assert.strictEqual(fixed.get(check).state, "ok", check)
    assert.strictEqual(fixed.get("sequences").state, "fail")
    const entries = yield* Audit.list({ action: "repaired" })
    assert.deepStrictEqual(entries.map(({ by, note }) => [by, note]), entries.map(() => ["anna", "INC-812"]))
    assert.deepStrictEqual(
      new Set(entries.map(({ detail }) => detail.split(" ")[0])),
      new Set(["alter", "create", "reindex"])
    )
  }).pipe(Effect.provide(postgres(url, { retention: false }, schema)))
}, limit)

it.live("doctor says which migration is missing, and checks nothing else", () =>
  Effect.gen(function*() {
    const at = { env: { DATABASE_URL: yield* freshDatabase(url) } }
    const { code, stdout } = yield* millrace(["doctor"], at)
    assert.strictEqual(code, 8)
    assert.match(stdout, /^fail schema: .*\n {6}Run millrace migrate/)
  }), limit)

it.live("watch prints lines where there is no terminal, and a screen where there is one", () =>
  Effect.gen(function*() {
    const schema = freshSchema()
    yield* Effect.gen(function*() {
      yield* ledger("watched").drain()
      const args = ["watch", "--times", "2", "--every", "100ms", "--schema", schema]
      const lines = (yield* millrace(args, { env })).stdout.trimEnd().split("\n")
      assert.strictEqual(lines.length, 2)
      for (const line of lines) assert.match(line, /^\d{4}-.*Z watched waiting=0 lag=0/)
      const screen = yield* millrace(args, { env, terminal: { types: [] } })
      assert.strictEqual(screen.stdout.split("\u001b[H\u001b[J").length, 3)
      const forever = yield* Effect.forkChild(millrace(["watch", "--schema", schema], { env }))
      yield* Fiber.interrupt(forever)
      assert.strictEqual((yield* millrace(["watch", "--every", "1ms", "--schema", schema], { env })).code, 2)
    }).pipe(Effect.provide(postgres(url, {}, schema)))
  }), limit)

it.live(
  "an embedded database is looked at and acted on in its directory, while no process has it open",
  () =>
    Effect.gen(function*() {
      const dataDir = join(mkdtempSync(join(tmpdir(), "millrace-cli-")), "data")
      const cli = (...args: ReadonlyArray<string>) => millrace([...args, "--data-dir", dataDir])
      assert.strictEqual((yield* cli("status")).code, 3)
      assert.match((yield* cli("migrate")).stdout, /is at version 1 now/)
      const { drain, publish } = ledger("embedded", "park")
      yield* Effect.gen(function*() {
        yield* drain()
        yield* publish("bad1", "bad2", "good1")
        yield* drain()
        const busy = yield* cli("status")
        assert.deepStrictEqual([busy.code, busy.stdout], [5, ""])
      }).pipe(Effect.provide(Embedded.layer({ dataDir })))
      assert.match((yield* cli("stuck")).stdout, /\nembedded +bad +1 /)
      assert.strictEqual((yield* cli("doctor")).code, 0)
      assert.match((yield* cli("dead", "redrive", "1")).stdout, /^redriven 1 dead letter: #1\n/)
      yield* Effect.gen(function*() {
        yield* drain({ current: false })
        const [deadLetter] = yield* DeadLetters.list({ consumer: "embedded" })
        assert.deepStrictEqual([deadLetter!.state, deadLetter!.changedBy], ["resolved", "anna"])
      }).pipe(Effect.provide(Embedded.layer({ dataDir })))
    }),
  limit
)
