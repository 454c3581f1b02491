/**
 * Makes texts of the database harmless for a terminal and for a reader. A payload, a key or an error may contain escape
 * sequences, which could change the screen, the clipboard or the order of the text.
 */

/** Controls, invisible and bidirectional format characters, line separators, and halves of a surrogate pair. */
const harmful = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Shows each harmful character as `\u{202e}`. Line breaks are harmful too, since a text stays in one line. */
export const oneLine = (text: string): string =>
  text.replace(harmful, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)

/** Returns the escape of a character in JSON: one or two UTF-16 units. */
const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`)
    .join("")

/**
 * Escapes the harmful characters of a JSON text in one line, in the way of JSON. `JSON.stringify` escapes only those
 * below U+0020. Decoding gives the same value.
 */
export const escapeJson = (text: string): string => text.replace(harmful, escaped)
