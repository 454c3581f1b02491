/**
 * Shortcuts. `Ctrl+K` always works. Single keys work while no field and no dialog has the focus, and the operator can
 * switch them off. No key decides about more than one message without a dialog.
 */
import { signal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { paused } from "../data/Live.ts"
import { go, to } from "../place/Address.ts"
import { nextTheme, singleKeys } from "./Theme.ts"
import { undoLast } from "./Toasts.tsx"

/** The dialog of the frame that is open. */
export const frameDialog = signal<"goto" | "help" | undefined>(undefined)

/** The shortcuts of the present page, by key. The last page that adds a key has it. */
const own: Array<Readonly<Record<string, () => void>>> = []

/** Adds shortcuts while a component is shown. */
export const useKeys = (keys: Readonly<Record<string, () => void>>): void => {
  useEffect(() => {
    own.push(keys)
    return () => {
      own.splice(own.indexOf(keys), 1)
    }
  })
}

const pages: Readonly<Record<string, string>> = {
  o: to.overview,
  f: to.failures(),
  k: to.keys(),
  q: to.queues,
  w: to.workers(),
  a: to.audit()
}

/** Moves the focus to the next or previous row of the list. */
const move = (step: 1 | -1): void => {
  const links = [...document.querySelectorAll<HTMLElement>(".main .row-link")]
  const at = links.findIndex((link) =>
    link === document.activeElement || link.closest("tr")?.contains(document.activeElement)
  )
  const next = links[at < 0 ? (step === 1 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))]
  next?.focus()
  next?.scrollIntoView({ block: "nearest" })
}

const select = (): void => {
  document.activeElement?.closest("tr")?.querySelector<HTMLInputElement>("input[type=checkbox]")?.click()
}

const search = (): void => {
  const field = document.querySelector<HTMLElement>("[data-search]")
  if (field === null) frameDialog.value = "goto"
  else field.focus()
}

const general: Readonly<Record<string, () => void>> = {
  j: () => move(1),
  k: () => move(-1),
  x: select,
  "/": search,
  "?": () => (frameDialog.value = "help"),
  t: nextTheme,
  ".": () => (paused.value = !paused.value),
  u: () => void undoLast()
}

const inField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement
  && (target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])") || target.isContentEditable)

let goUntil = 0

/** Carries out the shortcut of a key press, if it is one. */
const press = (event: KeyboardEvent): void => {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault()
    frameDialog.value = "goto"
    return
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !singleKeys.value || inField(event.target)) return
  if (document.querySelector("dialog[open]") !== null) return
  const page = event.timeStamp < goUntil ? pages[event.key] : undefined
  goUntil = event.key === "g" ? event.timeStamp + 1_200 : 0
  const run = page === undefined
    ? own.findLast((keys) => keys[event.key] !== undefined)?.[event.key] ?? general[event.key]
    : () => go(page)
  if (run === undefined) return
  event.preventDefault()
  run()
}

export const start = (): void => addEventListener("keydown", press)
