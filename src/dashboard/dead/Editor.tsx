/** A text area with line numbers. It is the browser's own, so readers, phones and undo work as everywhere. */
import { useEffect, useRef } from "preact/hooks"

export const Editor = (
  { issues, line, text }: {
    readonly text: { value: string }
    /** The line to go to, from 1. */
    readonly line: { value: number | undefined }
    readonly issues: number
  }
) => {
  const area = useRef<HTMLTextAreaElement>(null)
  const gutter = useRef<HTMLDivElement>(null)
  const count = text.value.split("\n").length
  useEffect(() => {
    const element = area.current
    if (line.value === undefined || element === null) return
    const before = text.value.split("\n").slice(0, line.value - 1).join("\n").length
    const from = line.value === 1 ? 0 : before + 1
    const end = text.value.indexOf("\n", from)
    element.focus()
    element.setSelectionRange(from, end < 0 ? text.value.length : end)
    line.value = undefined
  }, [line.value])
  return (
    <div class="editor">
      <div class="editor-gutter" ref={gutter} aria-hidden="true">
        {Array.from({ length: count }, (_, i) => <span key={i}>{i + 1}</span>)}
      </div>
      <textarea
        ref={area}
        aria-label="Payload"
        aria-invalid={issues > 0 ? "true" : undefined}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        wrap="off"
        dir="ltr"
        rows={Math.min(24, Math.max(8, count + 1))}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onScroll={(event) => {
          if (gutter.current !== null) gutter.current.scrollTop = event.currentTarget.scrollTop
        }}
      />
    </div>
  )
}
