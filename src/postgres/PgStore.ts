/**
 * The store on Postgres: its parts put together.
 *
 * @since 0.1.0
 */
import * as SqlPg from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as SqlClient from "effect/sql/SqlClient"
import type { Store } from "../Store.ts"
import type { PgDatabase } from "./PgClient.ts"
import * as PgConsumers from "./PgConsumers.ts"
import * as PgDeadLetters from "./PgDeadLetters.ts"
import * as PgInbox from "./PgInbox.ts"
import * as PgPeople from "./PgPeople.ts"
import type { Names } from "./sql/names.ts"
import type { Wake } from "./Wake.ts"

export const make = (
  db: PgDatabase,
  names: Names,
  queues: PgConsumers.Queues,
  wake: Wake,
  horizon: Duration.Duration
): Store["Service"] => {
  const ours = db.sql.transactionService.key
  const isOurs = (context: Context.Context<never>, tag: Context.Key<any, SqlClient.SqlClient>): boolean => {
    const client = Context.getOrUndefined(context, tag)
    return client === undefined || client.transactionService.key === ours
  }
  return {
    engine: "postgres",
    maxGroup: 1_000,
    maxTransactions: db.settings.single ? 1 : Number.POSITIVE_INFINITY,
    dedupHorizon: horizon,
    joins: (context) => isOurs(context, SqlClient.SqlClient) && isOurs(context, SqlPg.PgClient),
    transact: db.transact,
    savepoint: db.savepoint,
    statements: db.statements,
    inbox: PgInbox.makeInbox(db, names, queues),
    outbox: PgInbox.makeOutbox(db, names, wake),
    deadLetters: PgDeadLetters.make(db, names, queues, wake),
    consumers: {
      ...PgConsumers.makeConsumers(db, names, queues, wake),
      ...PgPeople.makePeople(db, names, queues, wake)
    },
    audit: PgPeople.makeAudit(db, names)
  }
}
