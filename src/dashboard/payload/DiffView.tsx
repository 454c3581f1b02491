/** A unified diff, line by line. A sign and a colour mark what changes. */
import { Shown } from "../text/ShownText.tsx"
import { type DiffLine, isChange, linesOf } from "./DiffLines.ts"

export const DiffView = ({ diff }: { readonly diff: string }) => {
  const lines = linesOf(diff)
  return (
    <div
      class="code diff"
      role="group"
      aria-label={`Diff with ${lines.filter(isChange).length} changed lines`}
      tabIndex={0}
    >
      {lines.map((line, i) => <DiffRow key={i} line={line} />)}
    </div>
  )
}

const words = { added: "added ", removed: "removed ", hunk: "", same: "" } as const

const DiffRow = ({ line }: { readonly line: DiffLine }) => (
  <div class={`diff-row is-${line.kind}`}>
    <span class="diff-sign" aria-hidden="true">{line.kind === "added" ? "+" : line.kind === "removed" ? "−" : ""}</span>
    <span class="sr-only">{words[line.kind]}</span>
    <Shown text={line.text} empty="" />
  </div>
)
