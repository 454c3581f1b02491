/** Settings that this browser keeps: the theme, and whether single keys are shortcuts. */
import { effect, signal } from "@preact/signals"

/** A theme; `system` follows the operating system. */
export type Theme = "system" | "light" | "dark"

/** Reads a kept setting. A browser that refuses storage has none. */
const kept = (name: string): string | null => {
  try {
    return localStorage.getItem(`millrace.${name}`)
  } catch {
    return null
  }
}

const keep = (name: string, value: string): void => {
  try {
    localStorage.setItem(`millrace.${name}`, value)
  } catch {
    // A browser without storage forgets the setting when the tab closes.
  }
}

const first = kept("theme")

export const theme = signal<Theme>(first === "light" || first === "dark" ? first : "system")

/** Whether keys without Ctrl or Alt are shortcuts (WCAG 2.1.4 asks for a switch). */
export const singleKeys = signal(kept("singleKeys") !== "off")

effect(() => {
  if (theme.value === "system") delete document.documentElement.dataset["theme"]
  else document.documentElement.dataset["theme"] = theme.value
  keep("theme", theme.value)
})

effect(() => keep("singleKeys", singleKeys.value ? "on" : "off"))

const following = { system: "light", light: "dark", dark: "system" } as const

/** Changes to the next theme: system, light, dark. */
export const nextTheme = (): void => {
  theme.value = following[theme.value]
}
