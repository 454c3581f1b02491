/**
 * `millrace dead edit`: redrives a dead letter with another payload, from a file, the standard input or an editor.
 *
 * Id and key stay the same. The command line does not know the topic's Schema. So it checks that the payload is JSON,
 * and shows the difference. A payload that does not decode makes the message a dead letter again.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { DeadLetter } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import { DeadLetterConflict } from "../../Errors.ts"
import { Operations } from "../../ops/Operations.ts"
import { CliFailure, refused, usage } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import { operator, variable } from "../frame/GlobalSettings.ts"
import * as Options from "../look/Options.ts"
import * as JsonText from "../output/JsonText.ts"
import * as Output from "../output/Output.ts"
import * as SafeText from "../output/SafeText.ts"
import { confirm } from "./Confirm.ts"
import { dryRun } from "./DecideCommands.ts"

/** Opens the payload in the editor of the environment, and returns the saved text. */
const inEditor = Effect.fnUntraced(function*(payload: string) {
  const stdio = yield* Stdio.Stdio
  const editor = (yield* variable("VISUAL")) ?? (yield* variable("EDITOR"))
  if (editor === undefined || !(yield* stdio.stdinIsTerminal)) {
    return yield* usage(
      "The edit needs a payload: pass --payload <file> or --payload - for the standard input, "
        + "or set EDITOR and run the command on a terminal. Nothing was changed."
    )
  }
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner
  // Only this user can read the directory, since a payload may be secret.
  const file = path.join(yield* files.makeTempDirectoryScoped({ prefix: "millrace-edit-" }), "payload.json")
  yield* files.writeFileString(file, `${JsonText.indented(payload)}\n`)
  const [command = "", ...args] = editor.split(" ").filter((part) => part !== "")
  const code = yield* spawner.exitCode(
    ChildProcess.make(command, [...args, file], { stdin: "inherit", stdout: "inherit", stderr: "inherit" })
  )
  if (code !== 0) return yield* refused("editor-failed", `The editor ended with code ${code}. Nothing was changed.`)
  return yield* files.readFileString(file)
}, Effect.scoped)

/** Returns the new payload: of the file, of the standard input, or of the editor. */
const read = Effect.fnUntraced(function*(from: string | undefined, present: string) {
  if (from === undefined) return yield* inEditor(present)
  if (from === "-") {
    const stdio = yield* Stdio.Stdio
    return yield* Stream.mkString(Stream.decodeText(stdio.stdin))
  }
  const files = yield* FileSystem.FileSystem
  return yield* Effect.mapError(files.readFileString(from), (error) =>
    new CliFailure({
      reason: "usage",
      type: "usage",
      message: `The payload could not be read: ${error.message}. Nothing was changed.`
    }))
})

const styles = { "-": "red", "+": "green", "@": "dim" } as const

const diffLines = (diff: string): ReadonlyArray<Output.OutputLine> =>
  diff.trimEnd().split("\n").map((text) =>
    Output.line(Output.styled(styles[text[0] as keyof typeof styles] ?? "plain", text))
  )

const open = ({ changedAt, changedBy, id, state }: DeadLetter): Effect.Effect<void, DeadLetterConflict> =>
  state === "open"
    ? Effect.void
    : Effect.fail(new DeadLetterConflict({ deadLetterId: id, asked: "redriven", state, by: changedBy, at: changedAt }))

export const edit = Command.make(
  "edit",
  {
    id: Options.argument("id", "The id of the dead letter"),
    payload: Options.text("payload", "file", "The new payload: a file, or - for the standard input. Default: $EDITOR"),
    dryRun
  },
  ({ dryRun, id, payload: from }) =>
    connected(Effect.gen(function*() {
      const deadLetter = yield* DeadLetters.get(Options.fullId(id))
      yield* open(deadLetter)
      const given = yield* read(Option.getOrUndefined(from), deadLetter.message.payload)
      const payload = JsonText.compact(given)
      const operations = yield* Operations
      const { diff } = yield* operations.previewEdit(deadLetter.id, payload)
      if (diff === "") return yield* refused("not-edited", "The payload is the same as before. Nothing was changed.")
      const kept = { messageId: deadLetter.message.id, key: deadLetter.message.key, topic: deadLetter.message.topic }
      if (dryRun) {
        return yield* Output.emit({
          data: { dryRun: true, deadLetterId: deadLetter.id, ...kept, diff },
          lines: diffLines(diff)
        })
      }
      const action = yield* operator
      yield* Output.aside(diffLines(diff))
      const stdio = yield* Stdio.Stdio
      if (from._tag === "None" && (yield* stdio.stdinIsTerminal)) {
        yield* confirm(`Redrive ${Options.shortId(deadLetter.id)} with this payload?`)
      }
      yield* operations.redriveEdited(deadLetter.id, { ...action, payload })
      yield* Output.emit({
        data: { action: "edited", deadLetterId: deadLetter.id, ...kept, diff },
        lines: [Output.line(
          `redriven ${
            Options.shortId(deadLetter.id)
          } with the edited payload, as message ${kept.messageId} of key ${kept.key}.`
        )]
      })
      yield* Output.hint(`next: millrace find ${SafeText.forShell(kept.messageId)}   (whether it is committed now)`)
    }))
).pipe(
  Command.withDescription("Redrive a dead letter with another payload. Shows the difference, and keeps id and key")
)
