/**
 * The command line: the tree of commands, and how each ending becomes an exit code.
 *
 * Looking and acting go through `Operations`, `DeadLetters`, `Consumers` and `Audit`. So the command line decides
 * nothing that these services do not decide for code as well.
 */
import * as Cause from "effect/Cause"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Runtime from "effect/Runtime"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { exitCodes } from "./frame/CliFailure.ts"
import * as Failures from "./frame/Failures.ts"
import { all } from "./frame/GlobalSettings.ts"
import { audit } from "./look/AuditCommand.ts"
import { groups, list, show } from "./look/DeadCommands.ts"
import { blockers, delayed, lanes, redrives, suspects, unrouted, workersList } from "./look/FactCommands.ts"
import { find } from "./look/FindCommand.ts"
import { keysList, keysShow, stuck } from "./look/KeyCommands.ts"
import { status } from "./look/StatusCommand.ts"
import { watch } from "./look/WatchCommand.ts"
import { discard, restore } from "./operate/DecideCommands.ts"
import { edit } from "./operate/EditCommand.ts"
import { exportAll } from "./operate/ExportCommand.ts"
import { importFile } from "./operate/ImportCommand.ts"
import { messages } from "./operate/MessageCommands.ts"
import { note } from "./operate/NoteCommand.ts"
import { purgeQueue } from "./operate/PurgeCommand.ts"
import {
  consumersPause,
  consumersResume,
  keysAdvance,
  keysPause,
  keysRelease,
  keysResume,
  keysSkip,
  workersEvict
} from "./operate/QueueCommands.ts"
import { redrive } from "./operate/RedriveCommand.ts"
import { runs } from "./operate/RunCommands.ts"
import * as Output from "./output/Output.ts"
import * as SafeText from "./output/SafeText.ts"
import { dashboard } from "./serve/DashboardCommand.ts"
import { artefacts } from "./setup/ArtefactsCommand.ts"
import { doctor } from "./setup/DoctorCommand.ts"
import { migrate } from "./setup/MigrateCommand.ts"
import { openapi } from "./setup/OpenApiCommand.ts"
import { roles } from "./setup/RolesCommand.ts"

const dead = Command.make("dead").pipe(
  Command.withDescription("Dead letters: messages that failed permanently"),
  Command.withSubcommands([groups, list, show, redrive, edit, discard, restore, exportAll, importFile, note])
)

const keys = Command.make("keys").pipe(
  Command.withDescription("Keys whose messages wait"),
  Command.withSubcommands([keysList, keysShow, keysAdvance, keysSkip, keysRelease, keysPause, keysResume])
)

const workers = Command.make("workers").pipe(
  Command.withDescription("Workers, of all processes"),
  Command.withSubcommands([workersList, suspects, workersEvict])
)

const consumers = Command.make("consumers").pipe(
  Command.withDescription("Pause and resume consumers"),
  Command.withSubcommands([consumersPause, consumersResume])
)

const root = Command.make("millrace").pipe(
  Command.withDescription("See what is stuck in Millrace's queues and why, and repair it"),
  Command.withSubcommands([
    { group: "Look", commands: [status, watch, stuck, find, blockers, audit, redrives, lanes, unrouted, delayed] },
    { group: "Facts and actions", commands: [dashboard, dead, runs, keys, messages, consumers, workers, purgeQueue] },
    { group: "Set up", commands: [migrate, roles, doctor, artefacts, openapi] }
  ]),
  Command.withGlobalFlags(all)
)

/**
 * The end of a command that failed. The failure is printed already.
 */
export class Exited extends Data.TaggedError("Exited")<{ readonly code: number }> {
  override readonly [Runtime.errorExitCode] = this.code
  override readonly [Runtime.errorReported] = false
}

/** Help and version go to the standard output if they were asked for. Errors are printed by `report`. */
const presenter = Layer.effect(
  CliOutput.Presenter,
  Effect.gen(function*() {
    const stdio = yield* Stdio.Stdio
    const formatter = yield* CliOutput.Formatter
    const write = (text: string, to: ReturnType<Stdio.Stdio["stdout"]>) =>
      Effect.ignore(Stream.run(Stream.make(`${text}\n`), to))
    return {
      present: (event) => {
        switch (event._tag) {
          case "Help":
            return write(
              formatter.formatHelpDoc(event.helpDoc),
              event.reason === "Requested" ? stdio.stdout() : stdio.stderr()
            )
          case "Version":
            return write(`${event.name} ${event.version}`, stdio.stdout())
          case "InvalidInvocation":
            return Effect.void
        }
      }
    }
  })
)

/** Warnings of the layers go to the standard error, harmless and in one line. */
const logs = Layer.merge(
  Logger.layer([Logger.withConsoleError(Logger.map(Logger.formatLogFmt, SafeText.oneLine))]),
  Layer.succeed(References.MinimumLogLevel, "Warn")
)

/** Prints the failure of a command, as problem JSON if its output is JSON. */
const report = Effect.fnUntraced(function*(args: ReadonlyArray<string>, cause: Cause.Cause<unknown>) {
  if (Cause.hasInterruptsOnly(cause)) return yield* new Exited({ code: exitCodes.interrupted })
  const { fields, message, reason, type } = Failures.of(Cause.squash(cause))
  const code = exitCodes[reason]
  if (args.includes("--json") || args.includes("--ndjson")) {
    const title = type.replaceAll("-", " ")
    const problem = { ...fields, type: `/problems/${type}`, title, detail: message, exitCode: code }
    yield* Output.stderr(`${SafeText.json(problem)}\n`)
  } else {
    yield* Output.stderr(message.split("\n").map((line) => `${SafeText.oneLine(line)}\n`).join(""))
  }
  return yield* new Exited({ code })
})

/** The toggles behind which an id, a name or a number may stand. */
const toggles: ReadonlySet<string> = new Set([
  "--all",
  "--ask",
  "--dead",
  "--dry-run",
  "--fix",
  "--indefinitely",
  "--json",
  "--ndjson",
  "--open",
  "--quiet",
  "--skip-existing",
  "--wait",
  "--without-export",
  "--yes"
])

/**
 * Gives each toggle its value. Otherwise the parser takes a `1` behind a toggle as its value, and not as the id of a
 * dead letter: `dead discard --all 1` would discard everything.
 */
const withValues = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = args.includes("--") ? args.indexOf("--") : args.length
  return args.map((arg, i) => i < end && toggles.has(arg) ? `${arg}=true` : arg)
}

/** Runs the command of these arguments. A failure is printed, and ends with `Exited`. */
export const run = (version: string) => {
  const command = Command.runWith(root, { version })
  return (args: ReadonlyArray<string>) =>
    command(withValues(args)).pipe(
      Effect.provide(Layer.merge(presenter, logs)),
      Effect.catchCause((cause) => report(args, cause))
    )
}
