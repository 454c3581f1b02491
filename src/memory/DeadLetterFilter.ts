/**
 * Matches dead letters with a filter in memory, as the statements do on Postgres.
 *
 * @since 0.1.0
 */
import type { DeadLetter, Filter } from "../DeadLetter.ts"

/** Returns whether a dead letter matches the filter. */
export const matches = (filter: Filter, deadLetter: DeadLetter): boolean =>
  (filter.consumer === undefined || deadLetter.consumer === filter.consumer)
  && (filter.state === undefined || deadLetter.state === filter.state)
  && (filter.reason === undefined || deadLetter.reason === filter.reason)
  && (filter.topic === undefined || deadLetter.message.topic === filter.topic)
  && (filter.key === undefined || deadLetter.message.key === filter.key)
  && (filter.id === undefined || deadLetter.message.id === filter.id)
  && (filter.fingerprint === undefined || [filter.fingerprint].flat().includes(deadLetter.fingerprint))
  && (filter.tag === undefined || deadLetter.tag === filter.tag)
  && (filter.since === undefined || deadLetter.diedAt >= filter.since)
  && (filter.until === undefined || deadLetter.diedAt < filter.until)
