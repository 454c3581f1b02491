/**
 * Which letters people mean, in memory: what the statements say on Postgres.
 *
 * @since 0.1.0
 */
import type { DeadLetter, Filter } from "../DeadLetter.ts"

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
