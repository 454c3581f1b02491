/**
 * The place that the page shows, kept in the fragment of its address: `#/failures?consumer=ledger`.
 *
 * A fragment works under any path at which the server mounts the pages, and needs no `base` element, which the Content
 * Security Policy forbids. It is never sent to a server, so names of keys stay out of its logs.
 */

/** A place: the parts of its path, and its parameters. Both are decoded. */
export interface Place {
  readonly path: ReadonlyArray<string>
  readonly query: Readonly<Record<string, string>>
}

/** Decodes a part of an address. A part that is not well encoded stays as it is. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Encodes a text so that it stays one part of a path, also if it is `.` or `..`. */
const encoded = (text: string): string => encodeURIComponent(text).replace(/^\.+$/, (dots) => "%2E".repeat(dots.length))

/** Returns the place of a fragment. Any text is a place, and an unknown one is shown as such. */
export const parse = (fragment: string): Place => {
  const text = fragment.replace(/^#?\/?/, "")
  const mark = text.indexOf("?")
  const path = (mark < 0 ? text : text.slice(0, mark)).split("/").filter((part) => part !== "").map(decoded)
  const query: Record<string, string> = Object.create(null)
  for (const pair of mark < 0 ? [] : text.slice(mark + 1).split("&")) {
    if (pair === "") continue
    const equals = pair.indexOf("=")
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals))
    query[name] = equals < 0 ? "" : decoded(pair.slice(equals + 1).replaceAll("+", " "))
  }
  return { path, query }
}

/** Parameters of a place. One that is undefined or empty is left out. */
export type Query = Readonly<Record<string, string | undefined>>

/** Returns the fragment of a place. */
export const format = (path: ReadonlyArray<string>, query: Query = {}): string => {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value!)}`)
  return `#/${path.map(encoded).join("/")}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`
}
