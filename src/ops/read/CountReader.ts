/**
 * Counts the elements of lists. A count ends at 10,000, unless the caller gives it time to count all of them.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { StoreFailure } from "../../Errors.ts"
import { keyHash } from "../../internal/KeyHash.ts"
import * as Page from "../../internal/Page.ts"
import * as AuditSql from "../../postgres/sql/audit.ts"
import * as CountingSql from "../../postgres/sql/counting.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as Narrowing from "../../postgres/sql/narrowing.ts"
import { numberOf } from "../../postgres/store/DeadLetterRow.ts"
import type { Store } from "../../Store.ts"
import { upTo } from "../Fact.ts"
import type { Listed } from "../Listed.ts"
import type { Operations } from "../Operations.ts"
import { ReadTimeout } from "../ReadTimeout.ts"
import { type FactQuery, number } from "./FactQuery.ts"

/** The messages of a lane that a count of one of its keys reads, as the list of these messages does. */
const mostOfLane = 100_000

/** Returns whether the time or another caller ended a count. */
const isCut = ({ code, kind }: StoreFailure): boolean => kind === "timeout" || code === "57014"

const idOf = (id: string | undefined) => id === undefined ? null : numberOf(id) ?? 0n

export const make = (
  { exists, read }: FactQuery,
  names: Names,
  { maxTransactions }: Store["Service"]
): Pick<Operations["Service"], "count"> => {
  const sql = CountingSql.make(names)

  /** Returns the statement of a list and its parameters. `most` is null for all rows. */
  const statementOf = (
    { filter, of }: Listed,
    most: number | null
  ): readonly [text: string, params: ReadonlyArray<unknown>] => {
    switch (of) {
      case "deadLetters":
        return [sql.deadLetters(Narrowing.wayOf(filter), most === null), [...Narrowing.params(filter), most]]
      case "keys":
        return [sql.keys, [filter.consumer ?? null, filter.hold ?? null, filter.key ?? null, most]]
      case "waiting":
        return filter.key === undefined
          ? [sql.waiting, [filter.consumer, most]]
          : [sql.waitingOfKey, [
            filter.consumer,
            keyHash(filter.key),
            filter.key,
            most === null ? null : mostOfLane,
            most
          ]]
      case "audit":
        return [sql.audit(AuditSql.isFaceted(filter)), [
          filter.about ?? null,
          filter.consumer ?? null,
          idOf(filter.deadLetterId),
          filter.by ?? null,
          filter.action ?? null,
          null,
          most,
          idOf(filter.redriveRunId)
        ]]
    }
  }

  const counted = (listed: Listed, most: number | null) =>
    Effect.map(read(`count ${listed.of}`, ...statementOf(listed, most)), ([row]) => number(row ?? {}, "n"))

  return {
    count: (listed, { exactWithin } = {}) => {
      const some = Effect.map(counted(listed, Page.countTo + 1), (n) => upTo(n, Page.countTo))
      const all = exactWithin === undefined || maxTransactions === 1 ? some : counted(listed, null).pipe(
        Effect.map((value) => ({ value, kind: "exact" as const })),
        Effect.provideService(ReadTimeout, Duration.fromInputUnsafe(exactWithin)),
        Effect.catchIf(isCut, () => some)
      )
      // The audit keeps what was done to a consumer that was removed since.
      return listed.of === "audit" ? all : Effect.andThen(exists(listed.filter.consumer), all)
    }
  }
}
