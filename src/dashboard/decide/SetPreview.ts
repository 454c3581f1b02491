/** Shows previews of several sets as one: an operator decides about failure groups of several consumers at once. */
import type { Count, Preview } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"

/** Failure groups that are decided about at once. */
export type Groups = ReadonlyArray<{ readonly consumer: string; readonly fingerprint: string }>

/** Returns a filter for each consumer: a consumer has one redrive run at a time. */
export const filtersOf = (groups: Groups): ReadonlyArray<Api.SetFilter> =>
  [...Map.groupBy(groups, ({ consumer }) => consumer)].map(([consumer, own]) => ({
    consumer,
    failure: own.map(({ fingerprint }) => fingerprint)
  }))

/** Freezes each set. */
export const load = (filters: ReadonlyArray<Api.SetFilter>): Promise<ReadonlyArray<Preview>> =>
  Promise.all(filters.map(Api.preview))

const both = (a: Count, b: Count): Count => ({
  value: a.value + b.value,
  kind: a.kind === "exact" ? b.kind : a.kind
})

/** Returns the extreme of the times that are known. */
const time = (pick: (...times: ReadonlyArray<number>) => number, ...times: ReadonlyArray<number | undefined>) => {
  const known = times.filter((at) => at !== undefined)
  return known.length === 0 ? {} : { at: pick(...known) }
}

const all = (a: ReadonlyArray<string>, b: ReadonlyArray<string>) => [...new Set([...a, ...b])]

/** Shows two previews as one. The warnings name their consumers, and the rate is the lower one. */
const joined = (a: Preview, b: Preview): Preview => {
  const { at: firstAt } = time(Math.min, a.firstAt, b.firstAt)
  const { at: lastAt } = time(Math.max, a.lastAt, b.lastAt)
  return {
    ...a,
    expiresAt: Math.min(a.expiresAt, b.expiresAt),
    deadLetters: both(a.deadLetters, b.deadLetters),
    keys: a.keys + b.keys,
    parkedKeys: a.parkedKeys + b.parkedKeys,
    ...firstAt === undefined ? {} : { firstAt },
    ...lastAt === undefined ? {} : { lastAt },
    diedOn: all(a.diedOn, b.diedOn),
    runningNow: all(a.runningNow, b.runningNow),
    rate: Math.min(a.rate, b.rate),
    warnings: [...a.warnings, ...b.warnings]
  }
}

/** Returns one preview that covers all of them. */
export const covering = ([first, ...rest]: ReadonlyArray<Preview>): Preview =>
  rest.length === 0 ? first! : rest.map(named).reduce(joined, named(first!))

const named = (preview: Preview): Preview => ({
  ...preview,
  warnings: preview.warnings.map(({ about, sentence }) => ({ about, sentence: `${preview.consumer}: ${sentence}` }))
})
