/**
 * Counts the elements of the lists of a server. The shortest page of a list says how many there are.
 */
import * as Effect from "effect/Effect"
import type { Count } from "../../ops/Fact.ts"
import type { CountOptions, Listed } from "../../ops/Listed.ts"
import type { Operations } from "../../ops/Operations.ts"
import { given, queryOf } from "./HttpFacts.ts"
import type { ServerCalls } from "./ServerCalls.ts"

/** A page of a list, as far as its count is concerned. */
interface Counted {
  readonly data: ReadonlyArray<unknown>
  readonly count?: Count | undefined
}

/** Returns the count of a page. A list that fits on its first page needs none. */
const countOf = ({ count, data }: Counted): Count => count ?? { value: data.length, kind: "exact" }

const pageOf = (
  { ask }: ServerCalls,
  { stuckKeys }: Pick<Operations["Service"], "stuckKeys">,
  listed: Listed,
  exact: { readonly limit: number; readonly exact?: "true" }
): ReturnType<Operations["Service"]["count"]> => {
  const { consumer } = listed.filter
  const page = (request: Parameters<typeof ask<Counted, "ConsumerNotFound">>[3]) =>
    Effect.map(ask("count a list", { consumer }, ["ConsumerNotFound"], request), countOf)
  switch (listed.of) {
    case "deadLetters": {
      const { state, version, ...filter } = listed.filter
      const query = { ...queryOf(filter), ...given({ version }), state: state ?? "any", ...exact } as const
      return page((client) => client.deadLetters.list({ query }))
    }
    case "keys": {
      const { hold, key } = listed.filter
      if (key !== undefined) {
        return Effect.map(stuckKeys(listed.filter), ({ length }): Count => ({ value: length, kind: "exact" }))
      }
      return page((client) => client.keys.list({ query: { ...given({ consumer, hold }), ...exact } }))
    }
    case "waiting": {
      const { consumer, key } = listed.filter
      return page((client) =>
        client.consumers.waiting({ params: { consumer }, query: { ...given({ key }), ...exact } })
      )
    }
    case "audit": {
      const { about, action, by, deadLetterId: deadLetter, redriveRunId: run } = listed.filter
      const query = { ...given({ consumer, about, action, by, deadLetter, run }), ...exact }
      return page((client) => client.facts.audit({ query }))
    }
  }
}

/** Makes the counts of a server. An exact one takes the time that the server gives it. */
export const make = (
  calls: ServerCalls,
  facts: Pick<Operations["Service"], "stuckKeys">
): Pick<Operations["Service"], "count"> => ({
  count: (listed: Listed, { exactWithin }: CountOptions = {}) =>
    pageOf(calls, facts, listed, exactWithin === undefined ? { limit: 1 } : { limit: 1, exact: "true" })
})
