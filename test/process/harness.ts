/**
 * Real worker processes over real Postgres: starts, stops, kills and pauses them, and waits for conditions, never for time.
 */
import { Effect, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { type Setup, topicOf, type Work } from "./program.ts"

let numbers = 0

/** Names that no other test uses. */
export const fresh = (name: string) => `${name}_${process.pid}_${numbers++}`

export interface WorkerProcess {
  readonly name: string
  readonly child: ChildProcess
  readonly output: () => string
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits until it has ended. */
  readonly exit: Effect.Effect<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Waits until a line of its output contains the text. */
  readonly said: (text: string) => Effect.Effect<void>
}

/** Starts a worker process, or another program; it is killed when the scope closes, if it still lives. */
export const start = Effect.fnUntraced(function*(setup: Pick<Setup, "name"> & object, program = "program.ts") {
  let output = ""
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=millrace-source", fileURLToPath(new URL(program, import.meta.url))], {
        env: { ...process.env, MILLRACE_TEST: JSON.stringify(setup), NO_COLOR: "1" },
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (child) =>
      Effect.sync(() => child.exitCode === null && child.signalCode === null ? void child.kill("SIGKILL") : undefined)
  )
  child.stdout.on("data", (chunk) => output += String(chunk))
  child.stderr.on("data", (chunk) => output += String(chunk))
  const exit = Effect.callback<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>((resume) => {
    const done = () => resume(Effect.succeed({ code: child.exitCode, signal: child.signalCode }))
    if (child.exitCode !== null || child.signalCode !== null) done()
    else child.once("close", done)
  })
  const worker: WorkerProcess = {
    name: setup.name,
    child,
    output: () => output,
    signal: (signal) => Effect.sync(() => void child.kill(signal)),
    exit,
    said: (text) => until(`"${text}" in the output of ${setup.name}`, Effect.sync(() => output.includes(text)))
  }
  return worker
})

/** Waits for a condition, at most 100 seconds: less than a test of processes may take, so that it is this that fails, naming it. */
export const until = <E, R>(what: string, condition: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  condition.pipe(
    Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("20 millis") }),
    Effect.timeoutOrElse({
      duration: "100 seconds",
      orElse: () => Effect.die(new Error(`waited in vain for: ${what}`))
    }),
    Effect.asVoid
  )

/** A queue of its own in a schema of its own, with an empty ledger; services of a process that only publishes and looks. */
export const layer = (url: string, schema: string) => Postgres.layer({ url: Redacted.make(url), schema })

export const prepare = Effect.fnUntraced(function*(schema: string, consumer: string, options: Worker.WorkerOptions) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists ${sql(schema)}.test_ledger (
    n bigserial primary key, id text not null, key text not null, position int not null, worker text not null, attempt int not null)`
  yield* Worker.drain(Pipeline.from(topicOf(consumer), { consumer }), options)
})

export type Piece = typeof Work.Type

export const piece = (key: string, position: number, more?: Partial<Piece>): Piece => ({
  id: `${key}:${position}`,
  key,
  position,
  action: "none",
  millis: 0,
  ...more
})

export const publish = (consumer: string, pieces: ReadonlyArray<Piece>) => Topic.publishAll(topicOf(consumer), pieces)

export interface LedgerRow {
  readonly id: string
  readonly key: string
  readonly position: number
  readonly worker: string
  readonly attempt: number
}

/** The ledger in commit order of a key: `n` is drawn inside of the commit, and a key's commits exclude one another. */
export const ledger = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<LedgerRow>`select id, key, position, worker, attempt from ${sql(schema)}.test_ledger order by n`
})

/** Waits until so many rows stand in the ledger. */
export const ledgerHas = (schema: string, count: number) =>
  until(`${count} rows in the ledger`, Effect.map(ledger(schema), (rows) => rows.length >= count))

/** What the ledger shows to be wrong: messages twice, lost, or out of order within their key. */
export const violations = (rows: ReadonlyArray<LedgerRow>, published: ReadonlyArray<Piece>) => {
  const seen = new Set<string>()
  const last = new Map<string, number>()
  const twice: Array<string> = []
  const order: Array<string> = []
  for (const row of rows) {
    if (seen.has(row.id)) twice.push(row.id)
    seen.add(row.id)
    if (row.position <= (last.get(row.key) ?? -1)) order.push(row.id)
    last.set(row.key, row.position)
  }
  return { twice, order, lost: published.filter((one) => !seen.has(one.id)).map((one) => one.id) }
}
