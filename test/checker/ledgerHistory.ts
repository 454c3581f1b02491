/**
 * A ledger as a history: the checker says what is wrong with the commits of a run whose processes wrote nothing else
 * down.
 */
import * as Checker from "./Checker.ts"
import type * as History from "./History.ts"

export interface LedgerRow {
  readonly id: string
  readonly key: string
  readonly position: number
  readonly worker: string
  readonly attempt: number
}

export type Published = Pick<LedgerRow, "id" | "key" | "position">

const consumer = "ledger"
const topic = "work"

/**
 * A sentence for each message that is lost, committed twice, or out of order within its key. The rows are in the order
 * of commits.
 */
export const violations = (
  rows: ReadonlyArray<LedgerRow>,
  published: ReadonlyArray<Published>
): ReadonlyArray<string> => {
  const entries: ReadonlyArray<History.Entry> = [
    { _tag: "ConsumerRegistered", consumer, topics: [topic], order: "continue" },
    ...published.flatMap(({ id, key, position }): ReadonlyArray<History.Entry> => [
      { _tag: "PublishTried", process: "publisher", id, topic, key, position },
      { _tag: "PublishAnswered", process: "publisher", id, answer: "acknowledged" }
    ]),
    ...rows.map(({ attempt, id, key, position, worker }): History.Entry => ({
      _tag: "Committed",
      consumer,
      id,
      key,
      position,
      worker,
      attempt
    }))
  ]
  return Checker.check(entries, { settles: false, redelivered: 0 }).violations.map(({ sentence }) => sentence)
}
