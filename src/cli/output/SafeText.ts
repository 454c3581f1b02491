/**
 * Makes texts of the database harmless for a terminal: in a line, in a shell command, and in JSON.
 */
import { escapeJson, oneLine } from "../../internal/HarmlessText.ts"

export { oneLine }

/** Quotes a text for a shell, so that a command of a hint can be copied: a key may contain `$(...)`. */
export const forShell = (text: string): string =>
  /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** Splits a text into its lines, and makes each line harmless. */
export const lines = (text: string): ReadonlyArray<string> =>
  text.replace(/\r\n/g, "\n").split("\n").map((line) => oneLine(line.replaceAll("\t", "  ")))

/** Encodes a value as JSON in one line without a harmful character. Decoding gives the value unchanged. */
export const json = (value: unknown): string => escapeJson(JSON.stringify(value))
