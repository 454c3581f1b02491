/**
 * Previews the discard of a set of dead letters: how many it touches, and their failures and versions.
 */
import * as Effect from "effect/Effect"
import type { FailureGroup, Filter, FrozenSet } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import type { FailureFacts } from "../../ops/FailureFacts.ts"
import { Operations } from "../../ops/Operations.ts"
import * as Rows from "../look/Rows.ts"
import * as Output from "../output/Output.ts"

type Group = FailureGroup & Partial<Pick<FailureFacts, "diedOn" | "runningNow">>

export interface Preview {
  readonly action: "discard"
  readonly deadLetters: FrozenSet["deadLetters"]
  readonly failures: ReadonlyArray<Omit<Group, "sample"> & { readonly sampleId: string }>
}

/** Returns the preview for a frozen set. */
export const make = Effect.fnUntraced(function*(
  filter: Omit<Filter, "state">,
  set: FrozenSet
) {
  const operations = yield* Operations
  const versions = yield* operations.failures({
    consumer: filter.consumer,
    fingerprint: typeof filter.fingerprint === "string" ? filter.fingerprint : undefined,
    limit: 1_000
  })
  const groups = (yield* DeadLetters.groups({ ...filter, state: "open" })).map((group): Group => ({
    ...group,
    ...versions.find(({ consumer, fingerprint }) => consumer === group.consumer && fingerprint === group.fingerprint),
    deadLetters: group.deadLetters
  }))
  const preview: Preview = {
    action: "discard",
    deadLetters: set.deadLetters,
    failures: groups.map(({ sample, ...group }) => ({ ...group, sampleId: sample.id }))
  }
  return preview
})

/** Shows a count of dead letters. */
export const shown = ({ count, more }: FrozenSet["deadLetters"]): string =>
  `${count.toLocaleString("en-US")}${more ? "+" : ""} dead letter${count === 1 && !more ? "" : "s"}`

/** Returns the lines of a preview. */
export const lines = ({ deadLetters, failures }: Preview): ReadonlyArray<Output.OutputLine> => [
  Output.line(`discard ${shown(deadLetters)}. Those that die from now on are not touched.`),
  ...Output.table(failures, [
    { title: "CONSUMER", of: ({ consumer }) => consumer },
    { title: "DEAD", numeric: true, of: ({ deadLetters: { count, more } }) => `${count}${more ? "+" : ""}` },
    { title: "DIED ON", of: ({ diedOn }) => Rows.versions(diedOn ?? []) },
    { title: "RUNS NOW", of: ({ runningNow }) => Rows.versions(runningNow ?? []) },
    { title: "FAILURE", of: ({ fingerprint }) => fingerprint }
  ], "")
]
