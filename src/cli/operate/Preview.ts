/**
 * Previews an action on a set of dead letters: how many it touches, their failures and versions, and its warnings.
 */
import * as Effect from "effect/Effect"
import * as Consumers from "../../Consumers.ts"
import type { FailureGroup, Filter, FrozenSet } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import type { FailureFacts } from "../../ops/FailureFacts.ts"
import { Operations } from "../../ops/Operations.ts"
import type { Consumer } from "../../Store.ts"
import * as Rows from "../look/Rows.ts"
import * as Output from "../output/Output.ts"

type Group = FailureGroup & Partial<Pick<FailureFacts, "diedOn" | "runningNow">>

export interface Preview {
  readonly action: "redrive" | "discard"
  readonly deadLetters: FrozenSet["deadLetters"]
  readonly failures: ReadonlyArray<Omit<Group, "sample"> & { readonly sampleId: string }>
  readonly warnings: ReadonlyArray<string>
}

/** Returns what an operator should know before a redrive. */
const warningsOf = (groups: ReadonlyArray<Group>, consumers: ReadonlyArray<Consumer>): ReadonlyArray<string> => {
  const touched = new Set(groups.map(({ consumer }) => consumer))
  const same = groups.some(({ diedOn = [], runningNow = [] }) =>
    runningNow.some((version) => version !== "" && diedOn.includes(version))
  )
  return [
    ...consumers.filter(({ consumer }) => touched.has(consumer)).flatMap(({ consumer, order, paused, workers }) => [
      ...(order === "continue"
        ? [`Consumer ${consumer} continues behind a dead letter: later messages of these keys may be handled already.`]
        : []),
      ...(paused === undefined ? [] : [`Consumer ${consumer} is paused: redriven messages wait until it is resumed.`]),
      ...(workers === 0 ? [`Consumer ${consumer} has no live worker: redriven messages wait until one starts.`] : [])
    ]),
    ...(same ? ["The code that runs now is a version that these died on. Is the cause fixed?"] : [])
  ]
}

/** Returns the preview of an action on a frozen set. */
export const make = Effect.fnUntraced(function*(
  action: "redrive" | "discard",
  filter: Omit<Filter, "state">,
  set: FrozenSet
) {
  const operations = yield* Operations
  const versions = yield* operations.failures({
    consumer: filter.consumer,
    fingerprint: filter.fingerprint,
    limit: 1_000
  })
  const groups = (yield* DeadLetters.groups({ ...filter, state: "open" })).map((group): Group => ({
    ...group,
    ...versions.find(({ consumer, fingerprint }) => consumer === group.consumer && fingerprint === group.fingerprint),
    deadLetters: group.deadLetters
  }))
  const preview: Preview = {
    action,
    deadLetters: set.deadLetters,
    failures: groups.map(({ sample, ...group }) => ({ ...group, sampleId: sample.id })),
    warnings: action === "redrive" ? warningsOf(groups, yield* Consumers.list) : []
  }
  return preview
})

/** Shows a count of dead letters. */
export const shown = ({ count, more }: FrozenSet["deadLetters"]): string =>
  `${count.toLocaleString("en-US")}${more ? "+" : ""} dead letter${count === 1 && !more ? "" : "s"}`

/** Returns the lines of a preview. */
export const lines = ({ action, deadLetters, failures, warnings }: Preview): ReadonlyArray<Output.Line> => [
  Output.line(`${action} ${shown(deadLetters)}. Those that die from now on are not touched.`),
  ...Output.table(failures, [
    { title: "CONSUMER", of: ({ consumer }) => consumer },
    { title: "DEAD", numeric: true, of: ({ deadLetters: { count, more } }) => `${count}${more ? "+" : ""}` },
    { title: "DIED ON", of: ({ diedOn }) => Rows.versions(diedOn ?? []) },
    { title: "RUNS NOW", of: ({ runningNow }) => Rows.versions(runningNow ?? []) },
    { title: "FAILURE", of: ({ fingerprint }) => fingerprint }
  ], ""),
  ...warnings.map((warning) => Output.line(Output.styled("yellow", `! ${warning}`)))
]
