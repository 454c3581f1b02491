/**
 * One worker process, as `workers.ts` starts it: `worker.ts SCHEMA SEED ROUTE`. The database is in `DATABASE_URL`.
 *
 * It runs both pipelines, reports its tally on standard output, and stops gracefully on SIGTERM.
 * If its parent process dies, its standard input ends, and it exits at once. Others claim its lanes after its lease.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Effect, Layer, Schedule, Schema } from "effect"
import * as Counts from "./counts.ts"
import * as Database from "./database.ts"
import * as Downstream from "./downstream.ts"
import * as Logs from "./logs.ts"
import * as Route from "./route.ts"
import * as Tables from "./tables.ts"
import * as Workers from "./workers.ts"

const [schema = "", seed = "", line = ""] = process.argv.slice(2)

process.stdin.resume().once("end", () => process.exit(1))

const report = Counts.tally.pipe(
  Effect.flatMap(Schema.encodeEffect(Counts.TallyLine)),
  Effect.flatMap((line) => Effect.sync(() => process.stdout.write(`${line}\n`))),
  Effect.repeat(Schedule.spaced("500 millis"))
)

const database = Layer.unwrap(Effect.gen(function*() {
  const url = yield* Config.Redacted("DATABASE_URL")
  return Database.layer({ _tag: "Server", url }, schema)
}))

const workers = Effect.flatMap(
  Schema.decodeEffect(Route.RouteLine)(line),
  (route) => Workers.here(Tables.of(schema), route, Workers.shared)
)

const program = Effect.raceFirst(workers, report).pipe(
  Effect.provide(Layer.mergeAll(
    database,
    Downstream.layer(Number(seed)),
    Logs.layer((line) => process.stderr.write(`${line}\n`))
  )),
  Effect.tapError(({ message }) => Effect.sync(() => process.stderr.write(`${message}\n`)))
)

// Standard output carries reports only, so errors go to standard error.
NodeRuntime.runMain(program, { disableErrorReporting: true })
