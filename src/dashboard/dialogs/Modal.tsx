/** A modal dialog on the browser's own element, which keeps the focus inside and gives it back at the end. */
import type { ComponentChildren } from "preact"
import { useEffect, useId, useRef } from "preact/hooks"
import { Btn } from "../parts/Btn.tsx"

export const Modal = (
  { actions, children, kind = "middle", onClose, title, wide }: {
    readonly title: ComponentChildren
    readonly onClose: () => void
    readonly children: ComponentChildren
    readonly actions?: ComponentChildren
    readonly kind?: "middle" | "drawer" | "top"
    readonly wide?: boolean
  }
) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const element = dialog.current!
    const before = document.activeElement
    element.showModal()
    // The title is read out first. A field that wants the focus takes it after this.
    element.querySelector("h2")?.focus()
    return () => {
      element.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={`modal is-${kind}${wide === true ? " is-wide" : ""}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose()
      }}
    >
      <div class="modal-body">
        <header class="modal-head">
          <h2 id={id} tabIndex={-1}>{title}</h2>
          <Btn kind="ghost" icon="close" label="Close" onClick={onClose} />
        </header>
        <div class="modal-content">{children}</div>
        {actions !== undefined && <footer class="modal-foot">{actions}</footer>}
      </div>
    </dialog>
  )
}
