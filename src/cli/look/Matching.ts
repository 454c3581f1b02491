/**
 * Freezes the dead letters that a filter selects. An empty set is an error that names what exists, so an action never
 * reports success about nothing.
 */
import * as Effect from "effect/Effect"
import type { Filter } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import { Operations } from "../../ops/Operations.ts"
import { notFound } from "../frame/CliFailure.ts"

/** Fails since no open dead letter matches. Names the failure groups that exist, or the consumers. */
export const noneMatches = Effect.fnUntraced(function*(
  filter: Omit<Filter, "state">,
  search: Readonly<Record<string, string | undefined>> = {}
) {
  const operations = yield* Operations
  // This fails if there is no such consumer.
  const failures = yield* operations.failures({ consumer: filter.consumer })
  const given = Object.entries({ ...filter, ...search }).filter(([, value]) => value !== undefined)
  return yield* notFound(
    "open dead letter",
    given.map(([name, value]) => `${name}=${String(value)}`).join(" "),
    failures.map(({ consumer, fingerprint }) => `${consumer} ${fingerprint}`),
    "These are the failure groups, as `millrace dead groups` shows them."
  )
})

/** Returns the frozen set of the open dead letters that match. */
export const matching = Effect.fnUntraced(function*(filter: Omit<Filter, "state">) {
  const set = yield* DeadLetters.freeze(filter)
  if (set.deadLetters.count > 0) return set
  return yield* noneMatches(filter)
})
