/** The sides of a measurement from publish to commit: processes that serve or publish, and a reader of the ledger. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Queue } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { environment } from "./peers.ts"

/** Returns an effect that starts a program of a contender in this role. Its output is a pipe. */
export const start = (args: ReadonlyArray<string>, url: string, ...role: ReadonlyArray<string>) =>
  Effect.sync(() =>
    spawn(process.execPath, [...args, ...role], {
      stdio: ["ignore", "pipe", "inherit"],
      env: environment({ url, redis: undefined, messages: 0 }, 0)
    })
  )

/** Waits for the end of a process. Returns its exit code, or null after a signal. */
export const closed = (child: ChildProcess): Effect.Effect<number | null> =>
  Effect.promise(() =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode)
      child.once("close", resolve)
    })
  )

const killed = (child: ChildProcess) => Effect.andThen(Effect.sync(() => void child.kill("SIGKILL")), closed(child))

type Started = ReturnType<typeof start>

/** Runs a process to its end, which another exit code than 0 makes a defect. An interruption kills it. */
export const ended = (started: Started) =>
  Effect.acquireUseRelease(
    started,
    (child) =>
      Effect.flatMap(closed(child), (code) => code === 0 ? Effect.void : Effect.die(`a process ended with ${code}`)),
    killed
  )

/** Starts a process that serves until the scope ends, and waits until it says that it is ready. */
export const served = Effect.fnUntraced(function*(started: Started) {
  const child = yield* Effect.acquireRelease(started, killed)
  const ready = Effect.promise(() =>
    new Promise<void>((resolve) => child.stdout.on("data", (chunk) => String(chunk).includes("ready") && resolve()))
  )
  const early = Effect.flatMap(closed(child), (code) => Effect.die(`the worker ended with ${code} before it was ready`))
  yield* Effect.raceFirst(ready, early)
  return child
})

/**
 * Listens to the ledger while the scope is open. Returns the list of latencies in milliseconds, which grows. One of
 * so many messages notifies, because commits that notify wait for one another.
 */
export const heard = Effect.fnUntraced(function*(oneOf: number) {
  const sql = yield* PgClient.PgClient
  yield* sql`create or replace function ledger_told() returns trigger language plpgsql as
    ${sql.literal("$$ begin perform pg_notify('ledger', new.message_id); return new; end $$")}`
  yield* sql`create trigger told after insert on ledger for each row
    when (new.amount % ${sql.literal(String(oneOf))} = 0) execute function ledger_told()`
  const found: Array<number> = []
  const rows = yield* sql.listen("ledger")
  const read = Effect.map(Queue.take(rows), ({ payload }) => {
    found.push(performance.timeOrigin + performance.now() - Number(payload.split(":")[0]))
  })
  yield* Effect.forkScoped(Effect.forever(read))
  return found
})
