/**
 * Lays out tables for a terminal. The texts must be harmless already (`SafeText.ts`).
 */
import * as CliOutput from "effect/cli/CliOutput"

/** A style of a text. Without colors it has no effect. */
export type Style = "plain" | "bold" | "dim" | "red" | "yellow" | "green"

/** A text in one line, with its style. */
export interface Cell {
  readonly text: string
  readonly style: Style
}

/** The most columns of a cell. A longer text is cut, and `--json` has the whole. */
const widest = 72

/** Cuts a text that is wider than `most` columns, and marks the cut. */
export const cut = (text: string, most = widest): string => {
  if (CliOutput.displayWidth(text) <= most) return text
  let kept = ""
  let width = 0
  for (const character of text) {
    width += CliOutput.displayWidth(character)
    if (width > most - 1) break
    kept += character
  }
  return `${kept}…`
}

/** Returns rows of equal columns. The last column is neither cut nor padded. A numeric column is aligned right. */
export const layout = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<Cell>>,
  numeric: ReadonlySet<string>
): ReadonlyArray<ReadonlyArray<Cell>> => {
  const last = header.length - 1
  const all = [header.map((text): Cell => ({ text, style: "bold" })), ...rows].map((row) =>
    row.map((cell, i) => i === last ? cell : { ...cell, text: cut(cell.text) })
  )
  const widths = header.map((_, i) => Math.max(...all.map((row) => CliOutput.displayWidth(row[i]!.text))))
  return all.map((row) =>
    row.map((cell, i) => {
      const space = " ".repeat(widths[i]! - CliOutput.displayWidth(cell.text))
      const text = numeric.has(header[i]!) ? space + cell.text : i === last ? cell.text : cell.text + space
      return { ...cell, text }
    })
  )
}
