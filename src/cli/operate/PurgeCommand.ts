/**
 * `millrace purge`: deletes the messages that wait in a queue, after an export of them.
 *
 * The operator repeats the consumer's name and the number of messages. The number is checked again by the transaction
 * that deletes. So a queue that changes meanwhile is not purged.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { QueueChanged } from "../../Errors.ts"
import { Operations } from "../../ops/Operations.ts"
import type { PurgePreview } from "../../ops/Purge.ts"
import { CliFailure, refused, usage } from "../frame/CliFailure.ts"
import { connected, connectedToDatabase } from "../frame/Connect.ts"
import { operator } from "../frame/GlobalSettings.ts"
import * as Options from "../look/Options.ts"
import * as Rows from "../look/Rows.ts"
import * as Output from "../output/Output.ts"
import * as SafeText from "../output/SafeText.ts"
import * as Times from "../output/Times.ts"
import { dryRun } from "./DecideCommands.ts"

const notWritten = (path: string) => (error: { readonly message: string }) =>
  new CliFailure({
    reason: "usage",
    type: "usage",
    message: `The export to ${JSON.stringify(path)} could not be written: ${error.message}. Nothing was deleted.`
  })

/**
 * Writes the messages of the preview to a new file that only this user can read. Returns how many they are. Fails if
 * there is such a file.
 */
const exported = Effect.fnUntraced(function*(preview: PurgePreview, path: string) {
  const operations = yield* Operations
  const files = yield* FileSystem.FileSystem
  const file = yield* Effect.mapError(files.open(path, { flag: "wx", mode: 0o600 }), notWritten(path))
  const encoder = new TextEncoder()
  let [count, after] = [0, undefined as string | undefined]
  while (true) {
    const some = yield* operations.purgeable(preview, after)
    if (some.length === 0) break
    const lines = some.map((message) => `${SafeText.json({ ...message, place: undefined })}\n`).join("")
    yield* Effect.mapError(file.writeAll(encoder.encode(lines)), notWritten(path))
    count += some.length
    after = some.at(-1)?.place
  }
  yield* Effect.mapError(file.sync, notWritten(path))
  return count
}, Effect.scoped)

const lines = (
  { consumer, messages, oldestAt, redriven }: PurgePreview,
  now: number
): ReadonlyArray<Output.OutputLine> => [
  Output.line(
    `delete ${messages} messages that wait for ${consumer}, the oldest published ${Times.ago(oldestAt, now)}.`
  ),
  Output.line("Messages that are published from now on are not touched. A deleted message cannot be restored."),
  ...(redriven === 0 ? [] : [Output.line(`${redriven} of them are redriven. Their dead letters are discarded.`)])
]

interface Given {
  readonly consumer: string
  readonly confirm: Option.Option<string>
  readonly expect: Option.Option<number>
  readonly file: Option.Option<string>
  readonly withoutExport: boolean
  readonly dryRun: boolean
}

const purge = Effect.fnUntraced(function*({ confirm, consumer, dryRun, expect, file, withoutExport }: Given) {
  const operations = yield* Operations
  const preview = yield* operations.previewPurge(consumer)
  const { messages } = preview
  const shown = lines(preview, yield* Rows.now)
  if (dryRun) return yield* Output.emit({ data: { dryRun: true, ...preview }, lines: shown })
  if (messages === 0) {
    return yield* refused("nothing-to-purge", `No message waits for ${consumer}. Nothing was changed.`)
  }
  if (Option.isNone(confirm) || Option.isNone(expect)) {
    yield* Output.aside(shown)
    const name = SafeText.forShell(consumer)
    return yield* refused(
      "needs-confirmation",
      `A purge needs the consumer's name and the number of messages. Nothing was changed.\n`
        + `Pass them: millrace purge ${name} --confirm ${name} --expect ${messages} --export purged.ndjson`
    )
  }
  if (expect.value !== messages) {
    return yield* new QueueChanged({ consumer, expected: expect.value, found: messages })
  }
  const action = yield* operator
  const written = withoutExport ? undefined : yield* exported(preview, Option.getOrElse(file, () => ""))
  if (written !== undefined) yield* Output.hint(`exported ${written} messages`)
  const deleted = yield* operations.purge(preview, { ...action, expect: expect.value })
  yield* Output.emit({
    data: { action: "purged", consumer, deleted, exported: written },
    lines: [Output.line(`deleted ${deleted} messages that waited for ${consumer}.`)]
  })
})

export const purgeQueue = Command.make(
  "purge",
  {
    consumer: Options.argument("consumer", "The consumer"),
    confirm: Options.text("confirm", "name", "The name of the consumer again"),
    expect: Flag.Int("expect").pipe(
      Flag.withMetavar("number"),
      Flag.withDescription("How many messages are to be deleted, as the dry run shows it"),
      Flag.optional
    ),
    file: Options.text("export", "file", "A new file for the messages, as NDJSON, before they are deleted"),
    withoutExport: Options.toggle("without-export", "Delete the messages without an export"),
    dryRun
  },
  (given) =>
    Effect.gen(function*() {
      const { confirm, consumer, file, withoutExport } = given
      if (Option.isSome(confirm) && confirm.value !== consumer) {
        return yield* usage(
          `--confirm is ${JSON.stringify(confirm.value)}, and the consumer is ${
            JSON.stringify(consumer)
          }. Nothing was changed.`
        )
      }
      if (Option.isSome(confirm) && Option.isSome(file) === withoutExport) {
        return yield* usage("Pass --export <file>, or --without-export. Nothing was changed.")
      }
      // The export reads whole messages, which the HTTP API does not have.
      yield* Option.isSome(file) ? connectedToDatabase(purge(given)) : connected(purge(given))
    })
).pipe(Command.withDescription("Delete the messages that wait in a queue, after an export of them"))
