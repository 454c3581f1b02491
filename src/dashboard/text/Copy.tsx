/** Copies a text to the clipboard, also on plain http, where a browser offers no `navigator.clipboard`. */
import { useSignal } from "@preact/signals"
import { Btn } from "../parts/Btn.tsx"

/** Copies by a selection, as browsers did before the clipboard had an interface. */
const bySelection = (text: string): boolean => {
  const area = document.createElement("textarea")
  area.value = text
  area.className = "sr-only"
  area.setAttribute("aria-hidden", "true")
  // An element outside of a modal dialog cannot have the focus.
  const host = document.activeElement?.closest("dialog") ?? document.body
  const focused = document.activeElement
  host.append(area)
  area.select()
  // oxlint-disable-next-line typescript/no-deprecated -- the only way that plain http has
  const copied = document.execCommand("copy")
  area.remove()
  if (focused instanceof HTMLElement) focused.focus()
  return copied
}

/** Copies a text. Returns whether the browser did it. */
export const copy = async (text: string): Promise<boolean> => {
  if (navigator.clipboard === undefined) return bySelection(text)
  return navigator.clipboard.writeText(text).then(() => true, () => bySelection(text))
}

export const CopyButton = (
  { children, label, text }: { readonly text: string; readonly label?: string; readonly children?: string }
) => {
  const state = useSignal<"idle" | "copied" | "failed">("idle")
  const press = async () => {
    state.value = (await copy(text)) ? "copied" : "failed"
    setTimeout(() => (state.value = "idle"), 2_000)
  }
  const shown = state.value === "copied" ? "Copied" : state.value === "failed" ? "Select and copy by hand" : children
  return (
    <Btn
      kind="ghost"
      small
      icon={state.value === "copied" ? "check" : "copy"}
      label={label}
      onClick={() => void press()}
    >
      {shown}
    </Btn>
  )
}
