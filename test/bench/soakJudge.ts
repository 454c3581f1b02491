/**
 * Judges the samples of `npm run bench -- soak`.
 *
 * - The last sixth of the time has at least 0.95 of the throughput of the first sixth.
 * - Space is bounded if the tables of Millrace stop growing. In the last sixth, `messages`, `inbox` and the others grow
 *   by at most 5 % and 1 MB each. The snapshot ended before, so the space that it kept is free by then. The ledger is
 *   the user's, and only grows.
 * - Dead rows are removed once the snapshot is closed. At some time of the last sixth there are at most half as many as
 *   at their peak.
 * - Retention keeps up. At the end the inbox has no more ids than were committed in the window and two rounds.
 * - No message is lost, and none is applied twice.
 */
import type { Sample, Space } from "./soakSamples.ts"

export interface Judged {
  readonly target: string
  readonly found: string
  readonly isMet: boolean
}

/** The exact counts after the soak. */
export interface Ending {
  readonly published: number
  /** Rows of the ledger, and messages that have one. */
  readonly rows: number
  readonly applied: number
  /** Ids in the inbox. */
  readonly inbox: number
  /** How long the inbox remembers an id, with two rounds of retention: in seconds. */
  readonly keptSeconds: number
}

const leastThroughput = 0.95
const mostGrowth = 1.05
const smallGrowth = 1_000_000

/** Returns the samples of a sixth of the time, from 0 to 5. */
export const sixth = (samples: ReadonlyArray<Sample>, n: number): ReadonlyArray<Sample> => {
  const most = samples.at(-1)?.to ?? 0
  return samples.filter(({ from, to }) => {
    const middle = (from + to) / 2
    return middle >= most * n / 6 && middle < most * (n + 1) / 6
  })
}

/** Commits a second over all of these samples. */
export const throughput = (samples: ReadonlyArray<Sample>): number => {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined) return 0
  const before = first.committed - first.rate * (first.to - first.from)
  return (last.committed - before) / (last.to - first.from)
}

const groups: Readonly<Record<string, (table: string) => boolean>> = {
  messages: (table) => table === "messages",
  inbox: (table) => table === "inbox",
  "the other tables": (table) => table !== "messages" && table !== "inbox" && table !== "ledger"
}

const sum = (sample: Sample | undefined, isIn: (table: string) => boolean, of: (space: Space) => number): number =>
  Object.entries(sample?.tables ?? {}).filter(([name]) => isIn(name)).reduce((all, [, space]) => all + of(space), 0)

/** The bytes of a group of tables (`messages`, `inbox` or the others) with their indexes. */
export const bytesOf = (sample: Sample | undefined, group: string): number =>
  sum(sample, groups[group] ?? (() => false), ({ indexBytes, tableBytes }) => tableBytes + indexBytes)

/** The dead rows of all tables of Millrace. */
export const deadRows = (sample: Sample): number => sum(sample, (name) => name !== "ledger", (space) => space.deadRows)

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

const growth = (samples: ReadonlyArray<Sample>): ReadonlyArray<Judged> =>
  Object.keys(groups).map((group) => {
    const [before, after] = [bytesOf(sixth(samples, 4).at(-1), group), bytesOf(samples.at(-1), group)]
    return {
      target: `${group} bounded: at most ${mostGrowth} x (and 1 MB) in the last sixth`,
      found: `${megabytes(before)}, then ${megabytes(after)}`,
      isMet: after <= before * mostGrowth + smallGrowth
    }
  })

const vacuumed = (samples: ReadonlyArray<Sample>, last: ReadonlyArray<Sample>): Judged => {
  const most = Math.max(0, ...samples.map(deadRows))
  const least = Math.min(...last.map(deadRows))
  return {
    target: "dead rows removed after the snapshot: at most 0.5 of their peak",
    found: `${least.toFixed(0)} after a peak of ${most.toFixed(0)}`,
    isMet: least <= most / 2
  }
}

const forgotten = (samples: ReadonlyArray<Sample>, { inbox, keptSeconds, published }: Ending): Judged => {
  const end = samples.at(-1)?.to ?? 0
  const most = published - (samples.findLast(({ to }) => to <= end - keptSeconds)?.committed ?? 0)
  return {
    target: "retention keeps up: no more ids than were committed in the window and two rounds",
    found: `${inbox} of at most ${most.toFixed(0)}`,
    isMet: inbox <= most
  }
}

/** Returns a result for each target. */
export const judge = (samples: ReadonlyArray<Sample>, ending: Ending): ReadonlyArray<Judged> => {
  const last = sixth(samples, 5)
  const ratio = throughput(last) / throughput(sixth(samples, 0))
  const lost = ending.published - ending.applied
  const twice = ending.rows - ending.applied
  return [
    {
      target: `throughput of the last sixth / first sixth: at least ${leastThroughput}`,
      found: ratio.toFixed(3),
      isMet: ratio >= leastThroughput
    },
    ...growth(samples),
    vacuumed(samples, last),
    forgotten(samples, ending),
    { target: "lost messages: 0", found: `${lost} of ${ending.published}`, isMet: lost === 0 },
    { target: "messages applied twice: 0", found: `${twice}`, isMet: twice === 0 }
  ]
}
