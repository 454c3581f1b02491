/**
 * The inbox: the message ids that a consumer has committed. Each commit claims the ids of its messages. If two
 * transactions claim one id, the second waits until the first has ended.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Claim, ClaimResult, InboxStore } from "../../Store.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import * as InboxSql from "../sql/inbox.ts"
import type { Names } from "../sql/names.ts"
import type { Queues } from "./PgConsumers.ts"

export const make = (db: PgDatabase, names: Names, queues: Queues): Pick<InboxStore, "claim"> => {
  const text = InboxSql.make(names)
  const failed = PgFailure.storeFailure("claim message ids in the inbox")

  const commitRedriven = (queue: number, claims: ReadonlyArray<Claim>, fresh: Set<unknown>) => {
    const redriven = claims.filter((claim) => claim.deadLetterId !== undefined && !fresh.has(claim.id))
    if (redriven.length === 0) return Effect.void
    return Effect.map(
      db.within(text.commitRedriven, [queue, redriven.map((c) => c.id), redriven.map((c) => BigInt(c.deadLetterId!))]),
      (rows) => rows.forEach((row) => fresh.add(row["id"]))
    )
  }

  /** Returns the result of each claim. An id that is not fresh is a duplicate, or a conflict if its content differs. */
  const compareKnown = (queue: number, claims: ReadonlyArray<Claim>, fresh: ReadonlySet<unknown>) =>
    Effect.map(
      db.within(text.known, [queue, claims.filter((c) => !fresh.has(c.id)).map((c) => c.id)]),
      (rows) => {
        const known = new Map(rows.map((row) => [row["id"], row["fingerprint"]]))
        return claims.map((claim): ClaimResult => {
          if (fresh.has(claim.id)) return "fresh"
          const fingerprint = known.get(claim.id)
          return fingerprint === claim.fingerprint || fingerprint === "" ? "duplicate" : "conflict"
        })
      }
    )

  /**
   * Resolves the dead letters of redriven messages that `commitRedriven` has not resolved. Some messages are
   * duplicates, because another delivery has committed their id. Of others the inbox had forgotten the id, and this
   * commit inserts it.
   */
  const resolveDuplicates = (
    claims: ReadonlyArray<Claim>,
    answers: ReadonlyArray<ClaimResult>,
    inserted: ReadonlySet<unknown>
  ) => {
    const deadLetters = claims.flatMap(({ id, deadLetterId }, i) => {
      if (deadLetterId === undefined) return []
      const outcome = answers[i] === "duplicate"
        ? "duplicate"
        : answers[i] === "fresh" && inserted.has(id)
        ? "committed"
        : undefined
      return outcome === undefined ? [] : [{ deadLetter: BigInt(deadLetterId), outcome }]
    })
    const columns = [deadLetters.map((one) => one.deadLetter), deadLetters.map(({ outcome }) => outcome)]
    return deadLetters.length === 0 ? Effect.succeed(answers) : Effect.as(db.within(text.resolve, columns), answers)
  }

  /** Returns the result of each claim. `inserted` are the ids that this transaction has inserted into the inbox. */
  const outcomesOf = (queue: number, claims: ReadonlyArray<Claim>, inserted: ReadonlySet<unknown>) => {
    const allFresh = () => claims.map((): ClaimResult => "fresh")
    if (inserted.size === claims.length) return resolveDuplicates(claims, allFresh(), inserted)
    const fresh = new Set(inserted)
    return commitRedriven(queue, claims, fresh).pipe(
      Effect.flatMap(() =>
        fresh.size === claims.length ? Effect.succeed(allFresh()) : compareKnown(queue, claims, fresh)
      ),
      Effect.flatMap((answers) => resolveDuplicates(claims, answers, inserted))
    )
  }

  return {
    claim: (consumer, claims) =>
      Effect.flatMap(queues.byName(consumer), (queue) => {
        if (claims.length === 0) return Effect.succeed([])
        const ids = claims.map((claim) => claim.id)
        return db.within(text.claim, [queue, ids, claims.map((claim) => claim.fingerprint)]).pipe(
          Effect.flatMap((rows) => outcomesOf(queue, claims, new Set(rows.map((row) => row["id"])))),
          Effect.mapError(failed)
        )
      })
  }
}
