/** A dialog of one action on one thing, with a note for the audit. */
import type { Signal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { Btn, type BtnProps } from "../parts/Btn.tsx"
import { Shown } from "../text/ShownText.tsx"
import { Field } from "./Field.tsx"
import { Modal } from "./Modal.tsx"

export const NotedDialog = (
  { button, children, label = "Reason", name, note, onClose, placeholder, verb }: {
    /** The action and the thing that it is about, as the title says them. */
    readonly verb: string
    readonly name: string
    readonly button: BtnProps
    readonly note: Signal<string>
    readonly label?: string | undefined
    readonly placeholder: string
    readonly onClose: () => void
    readonly children: ComponentChildren
  }
) => (
  <Modal
    title={
      <>
        {verb} <Shown text={name} />
      </>
    }
    onClose={onClose}
    actions={
      <>
        <Btn onClick={onClose}>Cancel</Btn>
        <Btn {...button} />
      </>
    }
  >
    {children}
    <Field
      label={label}
      value={note.value}
      onInput={(value) => (note.value = value)}
      placeholder={placeholder}
      hint="The audit keeps it."
      autofocus
    />
  </Modal>
)
