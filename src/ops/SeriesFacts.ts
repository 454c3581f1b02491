/**
 * The series that workers write into the database. A series has a point for each 10 seconds of the last day, and one
 * for each minute of the last week. So charts need no other monitoring, and show the workers of every process.
 *
 * @since 0.1.0
 */
import type { Count } from "./Fact.ts"

/**
 * One point of a consumer's series.
 *
 * @since 0.1.0
 */
export interface SeriesPoint {
  /** The begin of the point, in milliseconds since the epoch on the store's clock. */
  readonly at: number
  /** The length of the point: 10 or 60 seconds. */
  readonly seconds: 10 | 60
  /** The highest values within the point. */
  readonly waiting: Count
  readonly lagMillis: number
  readonly delayedKeys: number
  readonly parkedKeys: number
  readonly deadLetters: Count
  /**
   * Messages that workers settled, by outcome. A worker adds its counts every 10 seconds (`statsEvery`), to the point
   * of that moment. The last counts of a worker that stops are missing, and so are those of `Worker.drain`.
   */
  readonly committed: number
  readonly duplicates: number
  readonly dead: number
  /** Attempts that failed and are tried again. */
  readonly retried: number
}

/**
 * Selects a part of a series.
 *
 * @since 0.1.0
 */
export interface SeriesQuery {
  /** The length of a point. Default 10 seconds. */
  readonly seconds?: 10 | 60 | undefined
  /** Only points that begin at this time or later. Default: one hour ago. */
  readonly from?: number | undefined
  /** Only points that begin before this time. */
  readonly until?: number | undefined
}
