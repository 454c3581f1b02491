/**
 * `millrace dead import`: reads dead letters back that `millrace dead export` has written.
 *
 * All lines are checked before the first one is imported. Each 100 lines are one transaction.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import type { DeadLetter } from "../../DeadLetter.ts"
import * as DeadLetterImport from "../../ops/DeadLetterImport.ts"
import { Operations } from "../../ops/Operations.ts"
import { CliFailure } from "../frame/CliFailure.ts"
import { connectedToDatabase } from "../frame/Connect.ts"
import * as Failures from "../frame/Failures.ts"
import { operator } from "../frame/GlobalSettings.ts"
import * as Options from "../look/Options.ts"
import * as Output from "../output/Output.ts"
import { confirm } from "./Confirm.ts"
import { dryRun } from "./DecideCommands.ts"

/** Lines of one transaction. They are in memory at once, and a payload may have 1 MiB. */
const batch = 100

/** The most bad lines that an error names. */
const mostNamed = 20

interface ImportLine {
  readonly number: number
  readonly text: string
}

const linesOf = (files: FileSystem.FileSystem, path: string): Stream.Stream<ImportLine, CliFailure> =>
  files.stream(path).pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.zipWithIndex,
    Stream.map(([text, i]) => ({ number: i + 1, text })),
    Stream.filter(({ text }) => text.trim() !== ""),
    Stream.mapError((error) =>
      new CliFailure({
        reason: "usage",
        type: "usage",
        message: `${JSON.stringify(path)} could not be read: ${error.message}. Nothing was imported.`
      })
    )
  )

/** Checks every line, and returns how many there are. The failure names the lines that are no dead letters. */
const checked = Effect.fnUntraced(function*(lines: Stream.Stream<ImportLine, CliFailure>) {
  let [count, wrong] = [0, 0]
  const named: Array<string> = []
  const repeated = DeadLetterImport.repeatedIds()
  const parsed = ({ number, text }: ImportLine) =>
    Effect.flatMap(DeadLetterImport.parse(text), (deadLetter) => {
      const problem = repeated(deadLetter, `line ${number}`)
      return problem === undefined ? Effect.void : Effect.fail(problem)
    })
  yield* Stream.runForEach(lines, (line) =>
    Effect.match(parsed(line), {
      onSuccess: () => {
        count++
      },
      onFailure: ({ problem }) => {
        wrong++
        if (named.length < mostNamed) named.push(`line ${line.number}: ${problem}`)
      }
    }))
  if (wrong === 0) return count
  const more = wrong > named.length ? `\n... and ${wrong - named.length} more` : ""
  return yield* new CliFailure({
    reason: "usage",
    type: "invalid-lines",
    message: `${wrong} lines are no dead letters as \`millrace dead export\` writes them. Nothing was imported.\n${
      named.join("\n")
    }${more}`,
    fields: { lines: named }
  })
})

const importAll = Effect.fnUntraced(function*(path: string, skipExisting: boolean, dry: boolean) {
  const operations = yield* Operations
  const lines = linesOf(yield* FileSystem.FileSystem, path)
  const count = yield* checked(lines)
  if (dry) {
    return yield* Output.emit({
      data: { dryRun: true, action: "imported", deadLetters: count },
      lines: [Output.line(`Would import ${count} dead letters.`)]
    })
  }
  const action = yield* operator
  if (count > 1) yield* confirm(`Import ${count} dead letters?`)
  let [imported, skipped] = [0, 0]
  yield* Stream.runForEachArray(Stream.rechunk(lines, batch), (some) =>
    Effect.gen(function*() {
      const deadLetters: Array<DeadLetter> = []
      for (const { text } of some) deadLetters.push(yield* DeadLetterImport.parse(text))
      const done = yield* Effect.mapError(
        operations.importDeadLetters(deadLetters, { ...action, skipExisting }),
        (error) => {
          const { fields, message, reason, type } = Failures.of(error)
          const at = error._tag === "DeadLetterExists"
            ? some[
              deadLetters.findIndex(({ consumer, message: { id } }) =>
                consumer === error.consumer && id === error.messageId
              )
            ]
            : some[0]
          return new CliFailure({
            reason,
            type,
            message:
              `line ${
                at?.number ?? 0
              }: ${message}\nBefore these ${some.length} lines, ${imported} dead letters were imported. `
              + "To import the rest, pass --skip-existing.",
            fields: { ...fields, line: at?.number, imported }
          })
        }
      )
      imported += done.imported
      skipped += done.skipped
    }))
  yield* Output.emit({
    data: { action: "imported", imported, skipped },
    lines: [
      Output.line(`imported ${imported} dead letters${skipped === 0 ? "" : `, and left out ${skipped} that exist`}.`)
    ]
  })
})

export const importFile = Command.make(
  "import",
  {
    file: Options.argument("file", "A file of `millrace dead export`"),
    skipExisting: Options.toggle(
      "skip-existing",
      "Leave out dead letters that exist, and messages that were processed"
    ),
    dryRun
  },
  ({ dryRun, file, skipExisting }) => connectedToDatabase(importAll(file, skipExisting, dryRun))
).pipe(Command.withDescription("Read dead letters back that `dead export` has written, without loss"))
