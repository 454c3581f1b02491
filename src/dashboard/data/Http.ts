/**
 * Requests to the API of the server that serves these pages. Its address is relative to the page, so it follows the
 * path at which the server is mounted.
 */
import { signal } from "@preact/signals"
import { synchronise } from "./Clock.ts"

/** Whether the server has refused a request because the session has ended. */
export const sessionEnded = signal(false)

/** An answer that is no success, as RFC 9457 describes it. */
export class Problem extends Error {
  readonly status: number
  /** The last part of the problem's type: `stale-version`. */
  readonly code: string
  readonly title: string
  readonly fields: Readonly<Record<string, unknown>>

  constructor(status: number, fields: Readonly<Record<string, unknown>>) {
    const title = typeof fields["title"] === "string" ? fields["title"] : `The server returned status ${status}.`
    super(typeof fields["detail"] === "string" ? fields["detail"] : title)
    this.status = status
    this.title = title
    this.code = typeof fields["type"] === "string" ? fields["type"].split("/").at(-1)! : ""
    this.fields = fields
  }
}

/** The address of the API, with a slash at its end. */
export const root = new URL("./api/v1/", document.baseURI.split("#")[0])

/** Encodes the parts of a path: a name may contain a slash or a question mark. */
export const path = (...parts: ReadonlyArray<string>): string =>
  parts.map((part) => encodeURIComponent(part).replace(/^\.+$/, (dots) => "%2E".repeat(dots.length))).join("/")

/** Returns a query with the parameters that are given. */
export const query = (parameters: Readonly<Record<string, string | number | boolean | undefined>>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") search.set(name, String(value))
  }
  return search.size === 0 ? "" : `?${search}`
}

/** Returns an id that no other request has. A page on plain http has no `crypto.randomUUID`. */
export const unique = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")

export interface Options {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly body?: unknown
  /** The version that the operator has seen. */
  readonly ifMatch?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** An answer with the headers that pages use. */
export interface Answer<A> {
  readonly value: A
  readonly etag: string | undefined
}

const headersOf = ({ body, ifMatch, method = "GET" }: Options): Record<string, string> => ({
  accept: "application/json",
  ...(body === undefined ? {} : { "content-type": "application/json" }),
  ...(method === "GET" ? {} : { "idempotency-key": unique() }),
  ...(ifMatch === undefined ? {} : { "if-match": ifMatch })
})

const parsed = (text: string): unknown => {
  try {
    return text === "" ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

/**
 * Returns the problem of a request without an answer. The server may have carried out a change before the answer was
 * lost.
 */
const noAnswer = (method: string): Problem =>
  new Problem(0, {
    title: "The server cannot be reached.",
    detail: "Check that the process of the dashboard runs, and that the network reaches it. "
      + (method === "GET"
        ? "Nothing was changed."
        : "Whether the action was carried out is not known. Look at the present state before you repeat it.")
  })

/**
 * Sends a request. One that gets no answer is sent a second time, with the same Idempotency-Key, so its action happens
 * once. Fails with a `Problem`, also if the server cannot be reached (status 0).
 */
const exchange = async (address: string, options: Options) => {
  const { body: given, method = "GET", signal } = options
  const init: RequestInit = { method, headers: headersOf(options), credentials: "same-origin" }
  if (given !== undefined) init.body = JSON.stringify(given)
  if (signal !== undefined) init.signal = signal
  const ask = async () => {
    const response = await fetch(new URL(address, root), init)
    return { response, text: await response.text() }
  }
  const { response, text } = await ask().catch(ask).catch((error: unknown) => {
    if (signal?.aborted === true) throw error
    throw noAnswer(method)
  })
  if (response.status === 401) sessionEnded.value = true
  if (!response.ok) throw new Problem(response.status, fieldsOf(parsed(text)))
  return { text, etag: response.headers.get("etag") ?? undefined }
}

/** Sends a request whose answer is a document. Fails as {@link readText} does. */
export const send = async <A>(address: string, options: Options = {}): Promise<Answer<A>> => {
  const { etag, text } = await exchange(address, options)
  const value = parsed(text)
  const { asOf } = fieldsOf(value)
  if (typeof asOf === "string") synchronise(Date.parse(asOf))
  return { value: value as A, etag }
}

/** Reads a text as it is. Fails with a `Problem` if the answer is none, so no problem passes for the text. */
export const readText = async (address: string, signal?: AbortSignal): Promise<string> =>
  (await exchange(address, { signal })).text

/** Reads facts. */
export const read = async <A>(address: string, signal?: AbortSignal): Promise<A> =>
  (await send<A>(address, { signal })).value
