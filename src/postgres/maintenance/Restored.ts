/**
 * A database that was restored from a dump has the transaction ids of the cluster that it comes from in its rows, and its own cluster
 * may be far behind them. Who starts gives such rows an id of this cluster.
 *
 * Looking costs two short statements a start. What is found is rewritten in small transactions, beside workers that run and beside
 * other starts; one that dies is gone on with by the next start. A restored message is late once for who reads already, as one that
 * is put back is.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { PgDatabase } from "../session/PgClient.ts"
import type { Names } from "../sql/names.ts"
import * as Sql from "../sql/restored.ts"

/** Rows of one transaction. */
const batch = 10_000

/** Looks, and fixes what it finds; only says so where the role may not. */
export const repair = Effect.fnUntraced(function*(db: PgDatabase, names: Names): Effect.fn.Return<void, SqlError> {
  const text = Sql.make(names)
  const [rights] = yield* db.query(text.rights, [names.messages, names.deadLetters, names.consumers])
  if (rights?.["look"] !== true) return
  const [future] = yield* db.query(text.look, [])
  if (future?.["found"] !== true) return
  if (rights["repair"] !== true) {
    return yield* Effect.logWarning(
      `Schema "${names.raw}" was restored from another cluster, and transaction ids of that one are in its rows: sets of dead letters do `
        + `not have them, and polls find messages late again and again. Nothing is lost. Start once with a role that may update its tables.`
    )
  }
  const all = Effect.fnUntraced(function*(statement: string) {
    let mended = 0
    while (true) {
      const rows = yield* db.onMachinery(db.transaction(
        Effect.andThen(db.within(text.alone, [names.channel]), db.within(statement, [batch]))
      ))
      if (rows.length === 0) return mended
      mended += rows.length
    }
  })
  const [messages, deadLetters] = [yield* all(text.messages), yield* all(text.deadLetters)]
  yield* Effect.logInfo(
    `Schema "${names.raw}" was restored from another cluster: ${messages} messages and ${deadLetters} dead letters got a transaction id of `
      + `this one.`
  )
})
