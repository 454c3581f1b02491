/**
 * Repairs a database that was restored from a dump. The restored rows have transaction ids of another cluster, which
 * may be far ahead of the ids of this cluster. Each start gives such rows a transaction id of this cluster.
 *
 * Looking for them takes two short statements per start. The rows are updated in small transactions, beside running
 * workers and other starts. If a start dies during the repair, the next start continues. A reader that is already
 * running finds each repaired message as a late row once more.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { PgDatabase } from "../session/PgClient.ts"
import type { Names } from "../sql/names.ts"
import * as Sql from "../sql/restored.ts"

/** The most rows that one transaction repairs. */
const batch = 10_000

/**
 * Looks for rows with transaction ids of another cluster, and repairs them. Logs a warning if the role lacks the right.
 */
export const repair = Effect.fnUntraced(function*(db: PgDatabase, names: Names): Effect.fn.Return<void, SqlError> {
  const text = Sql.make(names)
  const [rights] = yield* db.query(text.rights, [names.messages, names.deadLetters, names.consumers])
  if (rights?.["look"] !== true) return
  const [future] = yield* db.query(text.look, [])
  if (future?.["found"] !== true) return
  if (rights["repair"] !== true) {
    return yield* Effect.logWarning(
      `Schema "${names.raw}" was restored from another cluster, and its rows have transaction ids of that cluster. Frozen sets miss `
        + `such dead letters, and each poll finds such messages again. Nothing is lost. Start once with a role that may update its tables.`
    )
  }
  const all = Effect.fnUntraced(function*(statement: string) {
    let repaired = 0
    while (true) {
      const rows = yield* db.onMachinery(db.transaction(
        Effect.andThen(db.within(text.alone, [names.channel]), db.within(statement, [batch]))
      ))
      if (rows.length === 0) return repaired
      repaired += rows.length
    }
  })
  const [messages, deadLetters] = [yield* all(text.messages), yield* all(text.deadLetters)]
  yield* Effect.logInfo(
    `Schema "${names.raw}" was restored from another cluster: ${messages} messages and ${deadLetters} dead letters got a transaction id of `
      + `this one.`
  )
})
