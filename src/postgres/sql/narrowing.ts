/**
 * The ids of the dead letters that match a filter, by the index that fits the filter.
 *
 * Every index ends with the id, and a statement compares rows of its columns and not each column. So only that index
 * has the order of the statement. Otherwise wrong statistics would make the planner walk all dead letters for a filter
 * that fits few or none. A topic, tag, reason or version steps through the combinations that exist, which are few.
 *
 * @since 0.1.0
 */
import type { Filter } from "../../DeadLetter.ts"
import type { Names } from "./names.ts"

/** The conditions of an operator's filter without the consumer, the tag and the state. */
export const withoutTag = [
  "($2::text is null or d.reason = $2)",
  "($3::text is null or d.topic = $3)",
  "($4::text is null or d.key = $4)",
  "($5::text is null or d.message_id = $5)",
  "($6::text[] is null or d.fingerprint = any($6))",
  "($8::float8 is null or d.died_at >= to_timestamp($8::float8 / 1000))",
  "($9::float8 is null or d.died_at < to_timestamp($9::float8 / 1000))"
]

/**
 * The condition of an operator's filter, without the state and the consumer. A parameter that is null matches all dead
 * letters.
 *
 * $1 consumer $2 reason $3 topic $4 key $5 message id $6 fingerprints $7 tag $8 since $9 until (ms)
 */
export const filterOfOne = [...withoutTag, "($7::text is null or d.tag = $7)"].join(" and ")

/** Returns parameters $1 to $9 of every statement that uses the filter. */
export const filterOf = (filter: Filter): ReadonlyArray<unknown> => [
  filter.consumer ?? null,
  filter.reason ?? null,
  filter.topic ?? null,
  filter.key ?? null,
  filter.id ?? null,
  filter.fingerprint === undefined ? null : [filter.fingerprint].flat(),
  filter.tag ?? null,
  filter.since ?? null,
  filter.until ?? null
]

/** A filter, and the version on which the dead letters died. */
export interface Asked extends Filter {
  readonly version?: string | undefined
}

/**
 * How dead letters are found: by message id, key, failure groups, combinations of topic, tag, reason and version, time,
 * queue, or as they come.
 */
export type Way = "message" | "key" | "causes" | "facets" | "times" | "queues" | "all"

/** Returns how to find the dead letters of a filter. */
export const wayOf = (asked: Asked): Way =>
  asked.id !== undefined
    ? "message"
    : asked.key !== undefined
    ? "key"
    : asked.fingerprint !== undefined
    ? "causes"
    : [asked.topic, asked.tag, asked.reason, asked.version].some((one) => one !== undefined)
    ? "facets"
    : asked.since !== undefined || asked.until !== undefined
    ? "times"
    : asked.consumer !== undefined || asked.state !== undefined
    ? "queues"
    : "all"

/** Returns parameters $1 to $12: those of the filter, the state, the id of the last page, and the version. */
export const params = (asked: Asked, edge: unknown = null): ReadonlyArray<unknown> => [
  ...filterOf(asked),
  asked.state ?? null,
  edge,
  asked.version ?? null
]

/** The options of a statement that returns ids. */
interface Options {
  /** An expression for the most ids. */
  readonly most: string
  /**
   * `newest` lists ids below $11, the newest first. `oldest` lists ids above $11. `any` has no order, for a count.
   * `each` is for a count of all: it compares each column, which takes a third of the time, and leaves the index to the
   * planner.
   */
  readonly order: "newest" | "oldest" | "any" | "each"
  /** The columns of `d` that are returned. The id by default. */
  readonly columns?: string
  /** A further condition on `d`. */
  readonly also?: string
}

/** Returns the queues and states of the filter, as `p`. */
const queues = (t: Names) =>
  `(select c.id as queue_id, s.state from ${t.consumers} c
    cross join (values ('open'), ('redriving'), ('resolved'), ('discarded')) s(state)
    where ($1::text is null or c.name = $1) and ($10::text is null or s.state = $10)) p`

const facet = ["topic", "tag", "reason", "code_version"]

/**
 * Returns the combinations of topic, tag, reason and version in a queue `p`. The statement steps from one to the next
 * in the index. Index: dead_letters_facet.
 */
const facets = (t: Names) => {
  const columns = facet.join(", ")
  const next = (after: string) =>
    `select ${columns} from ${t.deadLetters} where ${after} and (queue_id, state) <= (p.queue_id, p.state)
      order by queue_id, state, ${columns} limit 1`
  return `(with recursive step as (
    (${next("(queue_id, state) >= (p.queue_id, p.state)")})
    union all
    select n.* from step s cross join lateral (
      ${next(`(queue_id, state, ${columns}) > (p.queue_id, p.state, ${facet.map((one) => `s.${one}`).join(", ")})`)}) n)
  select * from step where ($2::text is null or reason = $2) and ($3::text is null or topic = $3)
    and ($7::text is null or tag = $7) and ($12::text is null or code_version = $12))`
}

/** The highest id of a page that ends before $11. */
const last = "coalesce($11::bigint, 9223372036854775807)"

/** Returns the ids with these values of the first columns of an index. */
const among = (
  t: Names,
  values: Readonly<Record<string, string>>,
  { also = "true", columns = "d.id", most, order }: Options
): string => {
  const names = Object.keys(values).map((column) => `d.${column}`)
  const row = (...end: ReadonlyArray<string>) => `(${[...Object.values(values), ...end].join(", ")})`
  const withId = `(${[...names, "d.id"].join(", ")})`
  const [upwards, direction] = order === "oldest" ? [true, ""] : [false, " desc"]
  if (order === "each") {
    const same = names.map((name, i) => `${name} = ${Object.values(values)[i]}`)
    return `select ${columns} from ${t.deadLetters} d where ${
      [...same, "($11::bigint is null or d.id < $11)", rest, also].join(" and ")
    } limit ${most}`
  }
  const edge = upwards ? `${withId} > ${row("coalesce($11::bigint, 0)")}` : `${withId} < ${row(last)}`
  const others = names.length === 0 ? "true" : `(${names.join(", ")}) ${upwards ? "<=" : ">="} ${row()}`
  return `select ${columns} from ${t.deadLetters} d where ${edge} and ${others} and ${rest} and ${also}
  order by ${[...names, "d.id"].map((column) => `${column}${direction}`).join(", ")} limit ${most}`
}

const rest = `${filterOfOne} and ($12::text is null or d.code_version = $12)`

/** Returns the part of the filter that the queue decides. */
const ofQueue = (t: Names) =>
  `($1::text is null or d.queue_id = (select id from ${t.consumers} where name = $1)) and ($10::text is null or d.state = $10)`

/**
 * Returns the queues and tags of the dead letters that match topic, tag, reason and version. $1 to $10 and $12 as in
 * `ids`
 */
export const tags = (t: Names): string => `select p.queue_id, f.tag from ${queues(t)} cross join lateral ${facets(t)} f`

/** Returns the first ones of the ids of all queues `p`. */
const merged = (t: Names, each: string, { most, order }: Options, condition = "true") =>
  `select x.* from ${queues(t)} cross join lateral ${each} x where ${condition}${
    order === "any" || order === "each" ? "" : ` order by x.id${order === "newest" ? " desc" : ""}`
  } limit ${most}`

/**
 * Makes the statement that returns the ids of the dead letters that match, in order.
 *
 * $1 to $9 filter $10 state $11 before, or after $12 version
 */
export const ids = (t: Names, way: Way, options: Options): string => {
  const { order } = options
  const both = { ...options, also: `${ofQueue(t)} and ${options.also ?? "true"}` }
  const queue = { queue_id: "p.queue_id", state: "p.state" }
  switch (way) {
    case "message":
      return among(t, { message_id: "$5::text" }, both)
    case "key":
      return among(t, { key: "$4::text" }, both)
    case "all":
      return among(t, {}, both)
    case "queues":
      return merged(t, `(${among(t, queue, options)})`, options)
    case "causes":
      return merged(
        t,
        `(select distinct one as fingerprint from unnest($6::text[]) one) g cross join lateral (
  ${among(t, { ...queue, fingerprint: "g.fingerprint" }, options)})`,
        options
      )
    case "facets": {
      const values = Object.fromEntries(facet.map((column) => [column, `f.${column}`]))
      return merged(t, `${facets(t)} f cross join lateral (${among(t, { ...queue, ...values }, options)})`, options)
    }
    case "times":
      return order === "any" || order === "each"
        ? merged(t, `(${inTime(t, options)})`, options)
        : `with many as materialized (select count(*) > ${mostSorted} as are from (
  select from ${queues(t)} cross join lateral (${inTime(t, options)}) x limit ${mostSorted} + 1) seen)
(${merged(t, `(${inTime(t, options)})`, options, "not (select are from many)")})
union all
(${merged(t, `(${among(t, queue, options)})`, options, "(select are from many)")})`
  }
}

/**
 * The dead letters between two times that are sorted by id. If there are more, the statement reads the queues in the
 * order of ids, and most of those that it reads match.
 */
const mostSorted = 100_000

/**
 * Returns the ids of a queue `p` that died between two times. They have no order. With `offset 0` the statement reads
 * them queue by queue. Index: dead_letters_died.
 */
const inTime = (t: Names, { also = "true", columns = "d.id", order }: Options): string => {
  const [since, until] = [["$8", "-infinity"], ["$9", "infinity"]].map(([param, none]) =>
    `coalesce(to_timestamp(${param}::float8 / 1000), '${none}')`
  )
  return `select ${columns} from ${t.deadLetters} d where d.queue_id = p.queue_id and d.state = p.state
  and d.died_at >= ${since} and d.died_at < ${until}
  and ($11::bigint is null or d.id ${order === "oldest" ? ">" : "<"} $11) and ${rest} and ${also} offset 0`
}
