/**
 * Texts of the database as they are shown: isolated in their direction, with each invisible or reordering character as
 * a visible chip. Nothing of them becomes markup.
 */
import { pieces } from "./Pieces.ts"

/** Shows a text in one line of the page. An empty text is shown as such. */
export const Shown = ({ empty = "empty", text }: { readonly text: string; readonly empty?: string }) =>
  text === "" ? <span class="quiet">{empty}</span> : <bdi dir="auto">{withChips(text)}</bdi>

/** Shows a text with its lines. */
export const ShownLines = ({ text }: { readonly text: string }) => (
  <>
    {text.replaceAll("\r\n", "\n").split("\n").map((line, i) => (
      <span class="line" key={i}>
        <bdi dir="auto">{withChips(line.replaceAll("\t", "  "))}</bdi>
        {"\n"}
      </span>
    ))}
  </>
)

const withChips = (text: string) =>
  pieces(text).map(({ chip, text }, i) =>
    chip ? <span class="code-point" title="An invisible character" key={i}>{text}</span> : text
  )
