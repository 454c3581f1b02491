/**
 * Makes and reads the cursors of lists. A cursor has a position and a hash of its filter. A cursor of another
 * filter is refused.
 */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"
import * as MessageId from "../../MessageId.ts"
import { CursorMismatch } from "../api/Problems.ts"
import { answer, setHeader } from "./IdempotentAction.ts"

const Content = Schema.fromJsonString(Schema.Struct({ at: Schema.Array(Schema.String), of: Schema.String }))
const decode = Schema.decodeUnknownEffect(Content)

/** The forms of positions. The database takes each number and each text of these forms. */
export const form = { id: /^\d{16}$/, lane: /^\d{1,9}$/, place: /^\d{1,18}$/, text: /^[^\0]{1,512}$/ }

/** Returns the filter of a list, as the request gave it: everything but the page. */
const hashOf = (list: string, query: Readonly<Record<string, unknown>>): string => {
  const filter = Object.entries(query).filter(([name]) => !["cursor", "limit", "exact"].includes(name))
  return MessageId.ofPayload(JSON.stringify([list, filter.toSorted(([a], [b]) => a < b ? -1 : 1)])).slice(0, 16)
}

/**
 * Returns the position of the request's cursor, or undefined for the first page. `parts` are the forms of its parts.
 */
export const read = (
  list: string,
  query: Readonly<Record<string, unknown>> & { readonly cursor?: string | undefined },
  parts: ReadonlyArray<RegExp>
): Effect.Effect<ReadonlyArray<string> | undefined, CursorMismatch> => {
  if (query.cursor === undefined) return Effect.undefined
  const refused = new CursorMismatch({
    detail: "The cursor is damaged, or belongs to a list with another filter. Nothing was read. "
      + "Begin with the first page of this filter."
  })
  return decode(Buffer.from(query.cursor, "base64url").toString("utf8")).pipe(
    Effect.mapError(() => refused),
    Effect.filterOrFail(({ at, of }) =>
      of === hashOf(list, query) && at.length === parts.length
      && parts.every((part, i) => part.test(at[i]!)), () => refused),
    Effect.map(({ at }) => at)
  )
}

/** Returns the cursor of a position. */
export const at = (list: string, query: Readonly<Record<string, unknown>>, position: ReadonlyArray<string>): string =>
  Buffer.from(JSON.stringify({ at: position, of: hashOf(list, query) })).toString("base64url")

/** Returns the cursor behind the last element of a page, or undefined if the list ends there. */
export const next = <A>(
  list: string,
  query: Readonly<Record<string, unknown>>,
  page: ReadonlyArray<A>,
  limit: number,
  position: (last: A) => ReadonlyArray<string>
): string | undefined => {
  const last = page.at(-1)
  return last === undefined || page.length < limit ? undefined : at(list, query, position(last))
}

/** Returns the document of a page. The header `Link` of the answer leads to the next one, relative to this one. */
export const page = Effect.fnUntraced(function*<A, Rest extends object>(
  data: ReadonlyArray<A>,
  next: string | undefined,
  rest: Rest
) {
  if (next !== undefined) {
    const { url } = yield* HttpServerRequest.HttpServerRequest
    const query = new URLSearchParams(url.split("?")[1] ?? "")
    query.set("cursor", next)
    yield* setHeader("link", `<?${query.toString()}>; rel="next"`)
  }
  return { ...yield* answer(data), next, ...rest }
})
