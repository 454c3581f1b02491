/**
 * Prints the result of a command: lines and tables for a terminal, or JSON for programs.
 *
 * The standard output has data only, and everything else goes to the standard error. Every text passes through
 * `SafeText.ts` here, so no command can print a control character of the database.
 */
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import type { Count } from "../../ops/Fact.ts"
import { Color, Json, NdJson, Quiet } from "../frame/GlobalSettings.ts"
import * as SafeText from "./SafeText.ts"
import * as Table from "./Table.ts"

/** The version of the shape of JSON output. A change that programs can notice raises it. */
const jsonSchema = 1

/** One line, as texts with their styles. */
export type OutputLine = ReadonlyArray<Table.Cell>

/** The result of a command. */
export interface Report {
  /** The value that JSON output has under `data`. */
  readonly data: unknown
  /** The lines of NDJSON output. Default: the elements of `data` if it is a list, else `data`. */
  readonly items?: ReadonlyArray<unknown> | undefined
  /** How many there are, if the list may be a part. */
  readonly count?: Count | undefined
  /** The cursor of the next page, if there is one. */
  readonly next?: string | undefined
  readonly lines: ReadonlyArray<OutputLine>
}

/** Makes a text with a style. */
export const styled = (style: Table.Style, text: string): Table.Cell => ({ text: SafeText.oneLine(text), style })

/** Makes a line. */
export const line = (...parts: ReadonlyArray<string | Table.Cell>): OutputLine =>
  parts.map((part) => typeof part === "string" ? styled("plain", part) : part)

/** Makes the lines of a text that may have line breaks, each behind an indent. */
export const paragraph = (text: string, indent = ""): ReadonlyArray<OutputLine> =>
  SafeText.lines(text).map((one) => [{ text: indent + one, style: "plain" }])

/** A column of a table: its title, and its text for a row. */
export interface Column<A> {
  readonly title: string
  readonly numeric?: boolean | undefined
  readonly of: (row: A) => string | Table.Cell
}

/** Makes a table, or one line if there is no row. */
export const table = <A>(
  rows: ReadonlyArray<A>,
  columns: ReadonlyArray<Column<A>>,
  none: string
): ReadonlyArray<OutputLine> =>
  rows.length === 0 ? [line(none)] : Table.layout(
    columns.map(({ title }) => title),
    rows.map((row) => columns.flatMap(({ of }) => line(of(row)))),
    new Set(columns.flatMap(({ numeric, title }) => numeric === true ? [title] : []))
  ).map((cells) => cells.flatMap((cell, i) => i === 0 ? [cell] : [{ text: "  ", style: "plain" as const }, cell]))

/** Makes lines of names and values, the values below one another. */
export const pairs = (
  values: ReadonlyArray<readonly [name: string, value: string | Table.Cell]>
): ReadonlyArray<OutputLine> => {
  const width = Math.max(...values.map(([name]) => name.length))
  return values.map(([name, value]) => line(styled("dim", name.padEnd(width + 2)), value))
}

const codes = { plain: "", bold: "1", dim: "2", red: "31", yellow: "33", green: "32" } as const

/** Returns the text of lines, with the colors if the terminal has them. */
const rendered = (lines: ReadonlyArray<OutputLine>, colors: boolean): string =>
  lines.map((cells) =>
    cells.map(({ style, text }) => colors && codes[style] !== "" ? `\u001b[${codes[style]}m${text}\u001b[0m` : text)
      .join("").trimEnd()
  ).map((text) => `${text}\n`).join("")

const colors = Effect.gen(function*() {
  return (yield* Color) && (yield* TerminalCapabilities.TerminalCapabilities).canColor
})

/** Whether JSON is printed in place of lines. */
export const isJson = Effect.gen(function*() {
  return (yield* Json) || (yield* NdJson)
})

/** Writes harmless text to the standard output. If its reader is gone, the command ends. */
const stdout = (text: string): Effect.Effect<void, never, Stdio.Stdio> =>
  Stdio.Stdio.use((stdio) => Effect.catch(Stream.run(Stream.make(text), stdio.stdout()), () => Effect.interrupt))

/** Writes harmless text to the standard error. A closed standard error is no failure of the command. */
export const stderr = (text: string): Effect.Effect<void, never, Stdio.Stdio> =>
  Stdio.Stdio.use((stdio) => Effect.ignore(Stream.run(Stream.make(text), stdio.stderr())))

/** Prints one JSON line. */
export const jsonLine = (value: unknown) => stdout(`${SafeText.json(value)}\n`)

/** Prints lines, also if the settings ask for JSON. */
export const lines = (all: ReadonlyArray<OutputLine>) =>
  Effect.flatMap(colors, (colored) => stdout(rendered(all, colored)))

/** Prints the result of a command in the form that its settings ask for. */
export const emit = Effect.fnUntraced(function*({ count, data, items, lines: human, next }: Report) {
  if (yield* NdJson) {
    const each = items ?? (Array.isArray(data) ? data : [data])
    return yield* stdout(each.map((item) => `${SafeText.json(item)}\n`).join(""))
  }
  if (!(yield* Json)) return yield* lines(human)
  const asOf = new Date(yield* Clock.currentTimeMillis).toISOString()
  yield* jsonLine({ schema: jsonSchema, data, asOf, count, next })
})

/** Prints a hint for the operator to the standard error, unless `--quiet` is set or the output is JSON. */
export const hint = Effect.fnUntraced(function*(text: string) {
  if ((yield* Quiet) || (yield* isJson)) return
  yield* stderr(`${SafeText.oneLine(text)}\n`)
})

/** Prints lines to the standard error, unless the output is JSON: a preview, or a question. */
export const aside = Effect.fnUntraced(function*(all: ReadonlyArray<OutputLine>) {
  if (yield* isJson) return
  yield* stderr(rendered(all, false))
})
