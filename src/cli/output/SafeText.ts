/**
 * Makes texts of the database harmless for a terminal. A payload, a key or an error may contain escape sequences, which
 * could change the screen, the clipboard or the order of the text.
 */

/** Controls, invisible and bidirectional format characters, line separators, and halves of a surrogate pair. */
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Shows each harmful character as `\u{202e}`. Line breaks are harmful too, since a text stays in one line. */
export const oneLine = (text: string): string =>
  text.replace(harmful, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)

/** Quotes a text for a shell, so that a command of a hint can be copied: a key may contain `$(...)`. */
export const forShell = (text: string): string =>
  /^[\w./:@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** Splits a text into its lines, and makes each line harmless. */
export const lines = (text: string): ReadonlyArray<string> =>
  text.replace(/\r\n/g, "\n").split("\n").map((line) => oneLine(line.replaceAll("\t", "  ")))

/**
 * Encodes a value as JSON in one line without a harmful character. `JSON.stringify` escapes only those below U+0020, so
 * the others are escaped here, in the way of JSON. Decoding gives the value unchanged.
 */
export const json = (value: unknown): string => JSON.stringify(value).replace(harmful, escaped)

/** Returns the escape of a character in JSON: one or two UTF-16 units. */
const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
    .join("")
