/**
 * Lays out JSON text without reading its values. `JSON.parse` would change numbers above 2^53 and repeated names, and
 * an operator must see and edit exactly what was published.
 */

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
export const indented = (text: string): string => {
  if (!isJson(text)) return text
  let depth = 0
  let result = ""
  let before = ""
  for (const [part] of text.matchAll(token)) {
    const opens = before === "{" || before === "["
    if (part === "}" || part === "]") {
      depth--
      result += opens ? part : `\n${"  ".repeat(depth)}${part}`
    } else {
      result += opens || before === "," ? `\n${"  ".repeat(depth)}${part}` : part
      if (part === ":") result += " "
      if (part === "{" || part === "[") depth++
    }
    before = part
  }
  return result
}

/** Returns the text without white space between its values. A text that is no JSON stays as it is. */
export const compact = (text: string): string =>
  isJson(text) ? Array.from(text.matchAll(token), ([part]) => part).join("") : text
