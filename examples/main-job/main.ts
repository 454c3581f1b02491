/**
 * The main job: real GitHub webhooks, effectively once, in order, and a table at the end that proves it.
 *
 * ```sh
 * npm start                                # 20,000 webhooks, PGlite in memory
 * npm start -- --messages 2000 --seed 7    # a smaller run, which every start repeats
 * npm start -- --data runs                 # PGlite in a folder; after Ctrl-C the next start continues
 * npm start -- --dashboard                 # serves the pages of the operations, also when the run is over
 * DATABASE_URL=postgres://... npm start -- --workers 4 --kill
 * npm start -- --transport sqs             # webhooks through a FIFO queue of SQS
 * REDIS_URL=redis://... npm start -- --transport redis
 * ```
 *
 * This file is the command line. `job.ts` is the run, and `README.md` in the folder above is the guided tour.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer, Option, Runtime, Schema } from "effect"
import { CliConfig, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import * as Database from "./database.ts"
import * as Job from "./job.ts"
import * as Route from "./route.ts"
import { Screen } from "./screen.ts"
import { endingAtOnce } from "./signals.ts"

/** The flags contradict each other. */
class BadUsage extends Schema.TaggedError<BadUsage>()("BadUsage", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

const between = (minimum: number, maximum: number) => (flag: Flag.Flag<number>) =>
  flag.pipe(Flag.filter(
    (n) => n >= minimum && n <= maximum,
    (n) => `Expected a whole number from ${minimum} to ${maximum}, got ${n}`
  ))

const flags = {
  messages: Flag.Int("messages").pipe(
    between(1, 1_000_000),
    Flag.withDescription("How many webhooks are sent; one in ten is sent twice"),
    Flag.withDefault(20_000)
  ),
  seed: Flag.Int("seed").pipe(
    between(0, 2_147_483_647),
    Flag.withDescription("Decides everything that looks like chance; the same seed repeats a run"),
    Flag.withDefault(1)
  ),
  workers: Flag.Int("workers").pipe(
    between(1, 32),
    Flag.withDescription("Worker processes that share the Postgres in DATABASE_URL"),
    Flag.optional
  ),
  kill: Flag.Boolean("kill").pipe(
    Flag.withDescription("Kill one worker process with SIGKILL every few seconds, and start another"),
    Flag.withDefault(false)
  ),
  data: Flag.String("data").pipe(
    Flag.withDescription("Folder in which PGlite keeps the run; without it everything is in memory"),
    Flag.withMetavar("DIR"),
    Flag.optional
  ),
  transport: Flag.Literals("transport", Route.kinds).pipe(
    Flag.withDescription(
      "How webhooks come to the workers: the database, a FIFO queue of SQS, or a log of Redis Streams"
    ),
    Flag.withDefault("postgres" as const)
  ),
  dashboard: Flag.Boolean("dashboard").pipe(
    Flag.withDescription("Serve the pages of the operations on this machine, until Ctrl-C"),
    Flag.withDefault(false)
  ),
  port: Flag.Int("port").pipe(
    between(0, 65_535),
    Flag.withDescription("The port of the pages; 0 takes a free one"),
    Flag.withDefault(4055)
  ),
  rate: Flag.Int("rate").pipe(
    between(1, 1_000_000),
    Flag.withDescription("Webhooks sent a second; without it as fast as the database takes them"),
    Flag.optional
  )
}

/** Chooses the database by the flags and the environment. */
const placeOf = Effect.fnUntraced(function*(flags: {
  readonly data: Option.Option<string>
  readonly workers: Option.Option<number>
  readonly kill: boolean
}) {
  const server = yield* Database.server
  if (Option.isSome(flags.workers) && Option.isNone(server)) {
    return yield* new BadUsage({
      problem:
        "--workers needs a Postgres that the processes can share: set DATABASE_URL=postgres://user:password@host/database. "
        + "PGlite lives in one process; leave --workers out to use it."
    })
  }
  if (flags.kill && Option.isNone(flags.workers)) {
    return yield* new BadUsage({
      problem: "--kill kills worker processes: say how many there are, for example --workers 4."
    })
  }
  if (Option.isSome(flags.data) && Option.isSome(server)) {
    return yield* new BadUsage({ problem: "--data and DATABASE_URL name two databases: leave one of them out." })
  }
  return Option.getOrElse(server, (): Database.Place =>
    Option.match(flags.data, {
      onNone: () => ({ _tag: "Memory" }),
      onSome: (folder) => ({ _tag: "Folder", folder })
    }))
})

const command = Command.make(
  "npm start --",
  flags,
  Effect.fnUntraced(function*(flags) {
    const screen = new Screen(process.stdout, process.env)
    yield* placeOf(flags).pipe(
      Effect.flatMap((place) =>
        Job.run({
          place,
          messages: flags.messages,
          seed: flags.seed,
          workers: Option.getOrUndefined(flags.workers),
          kill: flags.kill,
          dashboard: flags.dashboard ? flags.port : undefined,
          rate: Option.getOrUndefined(flags.rate),
          transport: flags.transport
        }, screen)
      ),
      // An expected failure ends in one sentence that says what happened and what to do.
      Effect.tapError((error) => Effect.sync(() => complain(screen, error))),
      endingAtOnce(screen)
    )
  })
).pipe(
  Command.withDescription("Real GitHub webhooks through Millrace: effectively once, in order, reconciled at the end")
)

const complain = (screen: Screen, error: Error) => {
  screen.clear()
  process.stderr.write(`\n  ${screen.paint("red", error.message)}\n`)
  Object.assign(error, { [Runtime.errorReported]: false })
}

/** Shows only the error of a flag that does not exist or does not parse. `--help` shows the rest. */
const brief = CliOutput.layerPresenter({
  present: (shown) =>
    shown._tag === "InvalidInvocation"
      ? Effect.sync(() => {
        const problems = shown.errors.map(({ message }) => message).join("\n  ")
        process.stderr.write(`\n  ${problems}\n\n  npm start -- --help shows the flags.\n`)
      })
      : CliOutput.defaultPresenter.present(shown)
})

NodeRuntime.runMain(
  Command.run(command, { version: "0.1.0" }).pipe(
    Effect.provide(Layer.mergeAll(NodeServices.layer, brief, CliConfig.layer({ builtIns: [GlobalFlag.Help] })))
  )
)
