/** Short notices at the foot of the page: what an action did, and for some actions the way back. */
import { signal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { Btn } from "../parts/Btn.tsx"

interface Notice {
  readonly id: number
  readonly text: string
  readonly bad: boolean
  readonly undo: (() => void) | undefined
}

const notices = signal<ReadonlyArray<Notice>>([])
let count = 0

const close = (id: number): void => {
  notices.value = notices.value.filter((each) => each.id !== id)
}

/** Shows a notice for 6 seconds, and one that can be undone for 10. */
export const notify = (text: string, options: { readonly undo?: () => void; readonly bad?: boolean } = {}): void => {
  const id = ++count
  notices.value = [...notices.value.slice(-2), { id, text, bad: options.bad === true, undo: options.undo }]
  setTimeout(() => close(id), options.undo === undefined ? 6_000 : 10_000)
}

/** Undoes the newest action that can be undone. Returns false if there is none. */
export const undoLast = (): boolean => {
  const last = notices.value.findLast(({ undo }) => undo !== undefined)
  if (last?.undo === undefined) return false
  close(last.id)
  last.undo()
  return true
}

export const Toasts = () => {
  const box = useRef<HTMLDivElement>(null)
  const newest = notices.value.at(-1)?.id
  useEffect(() => {
    // A popover that is shown last stands above a modal dialog, so a notice is seen there, too.
    box.current?.hidePopover()
    if (newest !== undefined) box.current?.showPopover()
  }, [newest])
  return (
    <div class="toasts" role="status" aria-live="polite" popover="manual" ref={box}>
      {notices.value.map((notice) => <Toast key={notice.id} notice={notice} />)}
    </div>
  )
}

const Toast = ({ notice: { bad, id, text, undo } }: { readonly notice: Notice }) => (
  <div class="toast">
    <span class={bad ? "bad" : ""}>{text}</span>
    {undo !== undefined && (
      <Btn
        onClick={() => {
          close(id)
          undo()
        }}
      >
        Undo
      </Btn>
    )}
    <Btn icon="close" label="Close the notice" kind="ghost" onClick={() => close(id)} />
  </div>
)
