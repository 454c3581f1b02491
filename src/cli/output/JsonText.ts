/**
 * Lays out JSON text without reading its values. `JSON.parse` would change numbers above 2^53 and repeated names, and
 * an operator must see and edit exactly what was published.
 */
import * as EditPreview from "../../ops/EditPreview.ts"

/** A string, or a mark, or a run of other text that is no white space. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|"/gs

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Returns the text with one value a line. A text that is no JSON stays as it is. */
export const indented = (text: string): string => isJson(text) ? EditPreview.lines(text).trimEnd() : text

/** Returns the text without white space between its values. A text that is no JSON stays as it is. */
export const compact = (text: string): string =>
  isJson(text) ? Array.from(text.matchAll(token), ([part]) => part).join("") : text
