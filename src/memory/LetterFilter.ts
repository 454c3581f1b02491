/**
 * Which letters people mean, and how far they are counted, in memory: what the statements say on Postgres.
 *
 * @since 0.1.0
 */
import type { Count, DeadLetter, Filter } from "../DeadLetter.ts"

/** Whether a letter is meant. */
export const matches = (filter: Filter, letter: DeadLetter): boolean =>
  (filter.consumer === undefined || letter.consumer === filter.consumer)
  && (filter.state === undefined || letter.state === filter.state)
  && (filter.reason === undefined || letter.reason === filter.reason)
  && (filter.topic === undefined || letter.message.topic === filter.topic)
  && (filter.key === undefined || letter.message.key === filter.key)
  && (filter.id === undefined || letter.message.id === filter.id)
  && (filter.fingerprint === undefined || letter.fingerprint === filter.fingerprint)
  && (filter.tag === undefined || letter.tag === filter.tag)
  && (filter.since === undefined || letter.diedAt >= filter.since)
  && (filter.until === undefined || letter.diedAt < filter.until)

/** Entries of a page. */
export const pageOf = (limit: number | undefined): number => Math.min(1000, Math.max(1, limit ?? 100))

/** Counting ends here. */
export const countTo = 10_000
export const counted = (count: number): Count => ({ count: Math.min(count, countTo), more: count > countTo })
