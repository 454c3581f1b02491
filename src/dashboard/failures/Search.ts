/** The one search box of the failures: qualifiers, each with a value. `consumer:ledger error:PaymentDeclined` */
import type { Filter } from "../data/Requests.ts"

const names = [
  "consumer",
  "topic",
  "key",
  "message",
  "failure",
  "error",
  "reason",
  "since",
  "until",
  "version"
] as const

export type Name = (typeof names)[number]

/** The filter of a text. Words that are no qualifier are the text that it searches. */
export interface Asked {
  readonly filter: Filter
  /** Qualifiers whose value is not usable, such as a time that is none. */
  readonly wrong: ReadonlyArray<string>
}

/** One word: a qualifier whose value may be quoted, a quoted text, or any other word. */
const words = /([\w.]+):"((?:[^"\\]|\\.)*)"|"((?:[^"\\]|\\.)*)"|(\S+)/g

const unquoted = (text: string): string => text.replace(/\\(.)/g, "$1")

const milliseconds: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Returns the time of `90m`, `2h` or `3d` before now, or of an ISO time. Undefined if the text is no time. */
export const timeOf = (text: string, now: number): string | undefined => {
  const span = /^(\d{1,6})([mhd])$/.exec(text)
  const at = span === null ? Date.parse(text) : now - Number(span[1]) * milliseconds[span[2]!]!
  return Number.isFinite(at) ? new Date(at).toISOString() : undefined
}

/** Reads a search. `now` is the time that spans count back from, in milliseconds since the epoch. */
export const parse = (text: string, now: number): Asked => {
  const filter: { -readonly [K in keyof Filter]?: string } = {}
  const wrong: Array<string> = []
  const free: Array<string> = []
  for (const [whole, quotedName, quotedValue, quotedText, word = ""] of text.matchAll(words)) {
    const colon = word.indexOf(":")
    const name = quotedName ?? word.slice(0, Math.max(0, colon))
    const value = quotedValue === undefined ? word.slice(colon + 1) : unquoted(quotedValue)
    const known = names.find((one) => one === name)
    const path = /^payload\.(.+)$/.exec(name)?.[1]
    if (known !== undefined) {
      const usable = known === "since" || known === "until" ? timeOf(value, now) : value
      if (usable === undefined || usable === "") wrong.push(whole)
      else filter[known] = usable
    } else if (path !== undefined) filter.payload = `${path}:${value}`
    else free.push(quotedText === undefined ? whole : unquoted(quotedText))
  }
  if (free.length > 0) filter.text = free.join(" ")
  return { filter, wrong }
}

/** Writes one qualifier. A value with blanks or quotes is quoted. */
export const qualifier = (name: Name, value: string): string =>
  /^[^\s"\\]+$/.test(value) ? `${name}:${value}` : `${name}:"${value.replace(/["\\]/g, "\\$&")}"`
