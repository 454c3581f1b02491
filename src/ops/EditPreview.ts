/**
 * The preview of an edited payload: a diff that an operator can read, and what is wrong with the edit.
 *
 * @since 0.1.0
 */
import * as TextDiff from "effect/TextDiff"
import * as JsonTokens from "../internal/JsonTokens.ts"

/**
 * A look at an edit that changes nothing.
 *
 * @since 0.1.0
 */
export interface EditPreview {
  readonly deadLetterId: string
  /** A unified diff of the present payload and the edit, both laid out in lines. Empty if nothing changes. */
  readonly diff: string
  /** The reason why the edit is refused. Undefined if it is JSON of a usable size. */
  readonly problem: string | undefined
}

/** The deepest indentation. A deeper part is not indented further, so the result stays within a few times the text. */
const mostDepth = 20

/** The most inserted and deleted lines that a diff searches for. A larger change is shown as one block. */
const mostEdits = 2_000

/**
 * Returns a unified diff of two payloads. A JSON text is laid out in lines first, with every number as it is written.
 * Returns an empty text if the two differ in their layout at most.
 *
 * ```ts
 * import { EditPreview } from "millrace/ops"
 *
 * const diff = EditPreview.diff(`{"cents":"12"}`, `{"cents":12}`)
 * // => "--- published\n+++ edited\n@@ -1,3 +1,3 @@\n {\n-  \"cents\": \"12\"\n+  \"cents\": 12\n }\n"
 * ```
 *
 * @since 0.1.0
 */
export const diff = (before: string, after: string): string =>
  TextDiff.unified(TextDiff.lines(lines(before), lines(after), { maxEdits: mostEdits }), {
    fromFile: "published",
    toFile: "edited"
  })

/**
 * Lays a JSON text out in lines. It moves spaces between tokens only, and parses nothing. So large numbers stay exact,
 * and a text that is no JSON stays readable, too.
 *
 * @since 0.1.0
 */
export const lines = (json: string): string => {
  const out: Array<string> = []
  let depth = 0
  let opened = false
  const line = () => `\n${"  ".repeat(Math.min(depth, mostDepth))}`
  for (const token of JsonTokens.of(json)) {
    const closes = token === "}" || token === "]"
    if (closes) depth = Math.max(0, depth - 1)
    if (opened !== closes) out.push(line())
    out.push(token)
    opened = token === "{" || token === "["
    if (opened) depth++
    if (token === ",") out.push(line())
    if (token === ":") out.push(" ")
  }
  return `${out.join("")}\n`
}
