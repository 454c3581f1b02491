/** Splits a text into what can be shown as it is, and into names of characters that cannot. */

/** A part of a text: either as it is, or the name of a character. */
export interface Piece {
  readonly text: string
  readonly chip: boolean
}

/** Controls, invisible and bidirectional format characters, line separators, and halves of a surrogate pair. */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Returns the pieces of a text. A hidden character becomes a chip such as `U+202E`. */
export const pieces = (text: string): ReadonlyArray<Piece> => {
  const found: Array<Piece> = []
  let from = 0
  for (const match of text.matchAll(hidden)) {
    if (match.index > from) found.push({ text: text.slice(from, match.index), chip: false })
    const code = match[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")
    found.push({ text: `U+${code}`, chip: true })
    from = match.index + match[0].length
  }
  if (from < text.length) found.push({ text: text.slice(from), chip: false })
  return found
}

/** Returns a text for an attribute or a title, where no chip can stand: hidden characters are written out. */
export const flat = (text: string): string => pieces(text).map((piece) => piece.text).join("")
