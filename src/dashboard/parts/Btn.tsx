/** The button of all pages. A button that is off says why, and stays reachable by keyboard. */
import type { ComponentChildren } from "preact"
import { Icon, type IconName } from "./Icon.tsx"

export interface BtnProps {
  readonly onClick?: (() => void) | undefined
  readonly kind?: "plain" | "primary" | "danger" | "ghost" | undefined
  readonly icon?: IconName | undefined
  /** The name for a screen reader, if the button shows an icon only. */
  readonly label?: string | undefined
  /** The shortcut, shown beside the text. */
  readonly hint?: string | undefined
  /** Why the button is off. Undefined if it is on. */
  readonly off?: string | undefined
  readonly busy?: boolean | undefined
  readonly submit?: boolean | undefined
  readonly pressed?: boolean | undefined
  readonly small?: boolean | undefined
  readonly children?: ComponentChildren
}

export const Btn = (
  { busy, children, hint, icon, kind = "plain", label, off, onClick, pressed, small, submit }: BtnProps
) => (
  <button
    type={submit === true ? "submit" : "button"}
    class={`btn is-${kind}${children === undefined ? " is-icon" : ""}${small === true ? " is-small" : ""}`}
    aria-label={label}
    aria-disabled={off === undefined && busy !== true ? undefined : "true"}
    aria-pressed={pressed}
    aria-keyshortcuts={hint}
    title={off ?? label}
    onClick={(event) => {
      if (off !== undefined || busy === true) event.preventDefault()
      else onClick?.()
    }}
  >
    {busy === true ? <span class="spinner" aria-hidden="true" /> : icon !== undefined && <Icon name={icon} />}
    {children !== undefined && <span>{children}</span>}
    {hint !== undefined && <kbd aria-hidden="true">{hint}</kbd>}
    {off !== undefined && children !== undefined && <span class="sr-only">. {off}</span>}
  </button>
)
