/**
 * Hides values of payloads by their JSON paths. The stored text is cut and never parsed into numbers, so every other
 * digit stays as it is.
 *
 * Each hidden value becomes a numbered placeholder. An edit that keeps a placeholder in a hidden place keeps the value,
 * also if the place moved within its list. A placeholder in any other place stays the text that it is, so no hidden
 * value can be copied to a place that is shown.
 */
import * as Result from "effect/Result"

/** A step of a path: the name of a field, an index, or any index or field. */
type Step = string | number

/** A place in a JSON text: its path, and where its value begins and ends. */
interface Place {
  readonly path: ReadonlyArray<string | number>
  readonly begin: number
  readonly end: number
}

/** A payload as the server shows it. */
export interface Hidden {
  readonly text: string
  /** The paths of the hidden values. */
  readonly paths: ReadonlyArray<string>
  /** Hides these values in any other text, as in the message of an error. */
  readonly mask: (text: string) => string
}

export interface Redaction {
  /** Whether any path is configured. */
  readonly active: boolean
  readonly hide: (payload: string) => Hidden
  /** Puts the hidden values of the stored payload back into an edit. Fails with the place that has no value. */
  readonly restore: (edited: string, stored: string) => Result.Result<string, string>
}

/** A payload that is no JSON is hidden as a whole, since no path can be found in it. */
export const notJson = "\"[hidden: this payload is no JSON]\""

const placeholder = (number: number): string => `"[hidden ${number}]"`
const placeholderPattern = /^"\[hidden (\d{1,6})\]"$/

/** Parses `$.lines[*].iban`. Returns undefined if it is no path. */
export const parse = (path: string): ReadonlyArray<Step> | undefined => {
  const steps: Array<Step> = []
  const part = /\.([^.[\]]+)|\[(?:(\*)|(\d{1,9})|"((?:[^"\\]|\\["\\])*)")\]/y
  if (!path.startsWith("$")) return undefined
  part.lastIndex = 1
  while (part.lastIndex < path.length) {
    const match = part.exec(path)
    if (match === null) return undefined
    const [, name, star, index, quoted] = match
    steps.push(star ?? (index === undefined ? name ?? JSON.parse(`"${quoted}"`) as string : Number(index)))
  }
  return steps.length === 0 ? undefined : steps
}

const matches = (pattern: ReadonlyArray<Step>, path: ReadonlyArray<string | number>): boolean =>
  pattern.length === path.length && pattern.every((step, i) => step === "*" || step === path[i])

const show = (path: ReadonlyArray<string | number>): string =>
  `$${path.map((step) => typeof step === "number" ? `[${step}]` : `.${step}`).join("")}`

const token = /"(?:[^"\\]|\\[\s\S])*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Returns the values at these paths, in the order of the text. The text must be JSON. */
const placesOf = (json: string, patterns: ReadonlyArray<ReadonlyArray<Step>>): ReadonlyArray<Place> => {
  const found: Array<Place> = []
  const path: Array<string | number> = []
  /** For each open object or list, whether it is a list. */
  const open: Array<boolean> = []
  let hidden: { readonly from: number; readonly depth: number } | undefined
  let name = ""
  let key = false
  const begins = (from: number) => {
    // A hidden value within a hidden value is a part of it.
    if (hidden === undefined && patterns.some((pattern) => matches(pattern, path))) {
      hidden = { from, depth: path.length }
    }
  }
  const ends = (end: number) => {
    if (hidden === undefined || hidden.depth !== path.length) return
    found.push({ path: [...path], begin: hidden.from, end })
    hidden = undefined
  }
  for (const match of json.matchAll(token)) {
    const [text] = match
    const end = match.index + text.length
    const inList = open.at(-1)
    if (text === "{" || text === "[") {
      begins(match.index)
      open.push(text === "[")
      path.push(text === "[" ? 0 : "")
      key = text === "{"
    } else if (text === "}" || text === "]") {
      open.pop()
      path.pop()
      ends(end)
      key = false
    } else if (text === ",") {
      if (inList === true) path[path.length - 1] = Number(path.at(-1)) + 1
      key = inList === false
    } else if (text === ":") {
      path[path.length - 1] = name
      key = false
    } else if (key) {
      name = JSON.parse(text) as string
    } else {
      begins(match.index)
      ends(end)
    }
  }
  return found
}

const isJson = (text: string): boolean => Result.isSuccess(Result.try(() => JSON.parse(text) as unknown))

/** Replaces the places of a text, in their order. */
const replaced = (text: string, places: ReadonlyArray<Place>, by: (place: Place, i: number) => string): string => {
  const parts: Array<string> = []
  let from = 0
  places.forEach((place, i) => {
    parts.push(text.slice(from, place.begin), by(place, i))
    from = place.end
  })
  return parts.join("") + text.slice(from)
}

/** Returns the texts of a hidden value that an error may quote: its JSON, and each text and number in it. */
const quotable = (json: string): ReadonlyArray<string> => {
  const texts = [json]
  for (const [text] of json.matchAll(token)) {
    if (!text.startsWith("\"")) {
      texts.push(text, String(Number(text)))
      continue
    }
    const value = JSON.parse(text) as string
    texts.push(value, text.slice(1, -1), JSON.stringify(value).slice(1, -1))
  }
  return texts
}

/** A shorter text would be found everywhere, as a digit is. */
const shortest = 3

const masker = (values: ReadonlyArray<string>) => {
  const texts = [...new Set(values.flatMap(quotable))]
    .filter((text) => text.length >= shortest && !["true", "false", "null", "NaN"].includes(text))
    .toSorted((a, b) => b.length - a.length)
  return (text: string): string => texts.reduce((left, secret) => left.replaceAll(secret, "[hidden]"), text)
}

/** Makes the redaction of these paths. They were parsed before. */
export const make = (patterns: ReadonlyArray<ReadonlyArray<Step>>): Redaction => {
  const active = patterns.length > 0
  return {
    active,
    hide: (payload) => {
      if (!active) return { text: payload, paths: [], mask: (text) => text }
      if (!isJson(payload)) {
        return { text: notJson, paths: ["$"], mask: (text) => text === "" ? "" : "[hidden]" }
      }
      const places = placesOf(payload, patterns)
      return {
        text: replaced(payload, places, (_, i) => placeholder(i + 1)),
        paths: places.map(({ path }) => show(path)),
        mask: masker(places.map(({ begin, end }) => payload.slice(begin, end)))
      }
    },
    restore: (edited, stored) => {
      if (!active) return Result.succeed(edited)
      // The operator saw the placeholder of the whole, which would replace the payload.
      if (!isJson(stored)) return edited.includes(notJson) ? Result.fail("$") : Result.succeed(edited)
      if (!isJson(edited)) return Result.succeed(edited)
      const values = placesOf(stored, patterns).map(({ begin, end }) => stored.slice(begin, end))
      let missing: string | undefined
      const text = replaced(edited, placesOf(edited, patterns), ({ begin, end, path }) => {
        const given = edited.slice(begin, end)
        const number = placeholderPattern.exec(given)?.[1]
        if (number === undefined) return given
        const value = values[Number(number) - 1]
        if (value === undefined) missing ??= show(path)
        return value ?? given
      })
      return missing === undefined ? Result.succeed(text) : Result.fail(missing)
    }
  }
}
