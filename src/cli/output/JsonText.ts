/**
 * Lays out JSON text without reading its values. `JSON.parse` would change numbers above 2^53 and repeated names, and
 * an operator must see and edit exactly what was published.
 */
import * as JsonTokens from "../../internal/JsonTokens.ts"
import * as EditPreview from "../../ops/EditPreview.ts"

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
export const compact = (text: string): string => isJson(text) ? JsonTokens.of(text).join("") : text
