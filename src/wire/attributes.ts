/**
 * The names and characters of attributes: which ones CloudEvents reserves, and how a value is written in plain ASCII.
 */

/** The attributes in which a message's own parts travel, and those that CloudEvents reserves. */
export const reserved: ReadonlySet<string> = new Set([
  "specversion",
  "id",
  "source",
  "type",
  "subject",
  "time",
  "data",
  "datacontenttype",
  "dataschema",
  "partitionkey",
  "schemaversion",
  "millraceheaders",
  "traceparent",
  "tracestate"
])

/** The most attributes of a message whose headers travel in one attribute. */
export const fewest = 10

/**
 * Returns whether a header can be an extension attribute by its name. The name has at most 20 characters: a to z, and
 * digits.
 */
export const isExtension = (name: string): boolean => /^[a-z0-9]{1,20}$/.test(name) && !reserved.has(name)

/** Returns whether a text is a usable `traceparent` of W3C Trace Context. Version 00 has nothing behind its flags. */
export const isTraceparent = (text: string): boolean =>
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/.test(text)
  && (!text.startsWith("00") || text.length === 55)

/** Returns whether a text is a usable `tracestate`: printable ASCII, at most 512 characters. */
export const isTracestate = (text: string): boolean => /^[\x20-\x7e]{1,512}$/.test(text)

/** Control characters and noncharacters, which CloudEvents and some brokers refuse in a value. */
const refused = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\p{Noncharacter_Code_Point}\p{Surrogate}]/u

/** Returns whether a value can travel as it is. */
export const isPlain = (value: string): boolean => value.length > 0 && !refused.test(value)

/** Writes a value in printable ASCII, as the HTTP binding of CloudEvents does: other characters become `%XX`. */
export const escaped = (value: string): string => value.replaceAll(/[^\x21-\x7e]|["%]/gu, encodeURIComponent)

/** Reads what {@link escaped} has written. A text with a malformed escape stands for itself. */
export const unescaped = (value: string): string => {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** Writes JSON in printable ASCII, so that every broker accepts it in an attribute. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
  )
