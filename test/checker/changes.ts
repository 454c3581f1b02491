/** Small changes to a history, to make broken histories of. */
import type * as Checker from "./Checker.ts"
import type * as History from "./History.ts"

export type Entries = ReadonlyArray<History.Entry>
export type Of<Tag extends History.Entry["_tag"]> = Extract<History.Entry, { readonly _tag: Tag }>

export interface Mutant {
  readonly name: string
  readonly rule: Checker.RuleName
  /** Undefined where this history offers no place for it. */
  readonly apply: (entries: Entries, dice: () => number) => Entries | undefined
}

export const all = <Tag extends History.Entry["_tag"]>(entries: Entries, tag: Tag): ReadonlyArray<Of<Tag>> =>
  entries.filter((entry): entry is Of<Tag> => entry._tag === tag)

export const pick = <A>(dice: () => number, from: ReadonlyArray<A>): A | undefined =>
  from[Math.floor(dice() * from.length)]

export const swap = (entries: Entries, a: History.Entry, b: History.Entry): Entries =>
  entries.map((entry) => entry === a ? b : entry === b ? a : entry)

export const replace = <A extends History.Entry>(
  entries: Entries,
  one: A,
  by: (entry: A) => ReadonlyArray<History.Entry>
): Entries => entries.flatMap((entry) => entry === one ? by(one) : [entry])

export const without = (entries: Entries, remove: (entry: History.Entry) => boolean): Entries =>
  entries.filter((entry) => !remove(entry))

/** Puts entries before the facts of the database, where the run ends. */
export const atTheEnd = (entries: Entries, ...more: Entries): Entries => {
  const at = entries.findIndex((entry) => entry._tag === "FaultsStopped")
  return [...entries.slice(0, at), ...more, ...entries.slice(at)]
}

/** Changes one entry of a kind that a condition allows. */
export const change = <Tag extends History.Entry["_tag"]>(
  tag: Tag,
  which: (entry: Of<Tag>, entries: Entries) => boolean,
  by: (entry: Of<Tag>, entries: Entries) => ReadonlyArray<History.Entry>
): Mutant["apply"] =>
(entries, dice) => {
  const one = pick(dice, all(entries, tag).filter((entry) => which(entry, entries)))
  return one === undefined ? undefined : replace(entries, one, (entry) => by(entry, entries))
}

/** Ids that a history acknowledged, and those of them that were published once and never died. */
const summaries = new WeakMap<
  Entries,
  { readonly acknowledged: ReadonlySet<string>; readonly simple: ReadonlySet<string> }
>()

const summary = (entries: Entries) => {
  const known = summaries.get(entries)
  if (known !== undefined) return known
  const tries = Map.groupBy(all(entries, "PublishTried"), (one) => one.id)
  const dead = new Set(all(entries, "DeadLettered").map((one) => one.id))
  const answers = all(entries, "PublishAnswered").filter((one) => one.answer === "acknowledged")
  const acknowledged = new Set(answers.map((one) => one.id))
  const simple = new Set([...acknowledged].filter((id) => tries.get(id)?.length === 1 && !dead.has(id)))
  const made = { acknowledged, simple }
  summaries.set(entries, made)
  return made
}

export const acknowledged = (entries: Entries, id: string) => summary(entries).acknowledged.has(id)
export const simple = (entries: Entries, id: string) => summary(entries).simple.has(id)
/** Acknowledged at once, so that it is ordered with what follows. */
export const plain = (entry: { readonly id: string }, entries: Entries) => simple(entries, entry.id)

/** Two neighbours of a key in the ledger. */
export const neighbours = (entries: Entries, dice: () => number) => {
  const pairs: Array<readonly [Of<"Committed">, Of<"Committed">]> = []
  for (const rows of Map.groupBy(all(entries, "Committed"), (row) => row.key).values()) {
    rows.forEach((row, i) => {
      const before = rows[i - 1]
      if (before !== undefined && before.transaction === undefined && plain(before, entries) && plain(row, entries)) {
        if (before.position < row.position) pairs.push([before, row])
      }
    })
  }
  return pick(dice, pairs)
}
