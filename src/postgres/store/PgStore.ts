/**
 * The store on Postgres, composed of its parts.
 *
 * @since 0.1.0
 */
import * as SqlPg from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { UnroutedTopics } from "../../internal/UnroutedTopics.ts"
import type { Store } from "../../Store.ts"
import type { PgDelayed } from "../queue/PgDelayed.ts"
import type { Wake } from "../queue/Wake.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Names } from "../sql/names.ts"
import { ping } from "../sql/server.ts"
import * as PgAudit from "./PgAudit.ts"
import * as PgConsumerOperations from "./PgConsumerOperations.ts"
import * as PgConsumers from "./PgConsumers.ts"
import * as PgDataCommit from "./PgDataCommit.ts"
import * as PgDeadLetters from "./PgDeadLetters.ts"
import * as PgInbox from "./PgInbox.ts"
import * as PgLeases from "./PgLeases.ts"
import * as PgOnce from "./PgOnce.ts"
import * as PgOutbox from "./PgOutbox.ts"
import * as PgUnsettled from "./PgUnsettled.ts"
import type { PgWatchers } from "./PgWatchers.ts"

export const make = (
  db: PgDatabase,
  names: Names,
  queues: PgConsumers.Queues,
  wake: Wake,
  delayed: PgDelayed,
  watchers: PgWatchers,
  window: Duration.Duration
): Store["Service"] => {
  const ours = db.sql.transactionService.key
  const isOurs = (context: Context.Context<never>, tag: Context.Key<any, SqlClient.SqlClient>): boolean => {
    const client = Context.getOrUndefined(context, tag)
    return client === undefined || client.transactionService.key === ours
  }
  const unrouted = new UnroutedTopics()
  const inbox = PgInbox.make(db, names, queues)
  const pings = ping(names)
  const deadLetters = PgDeadLetters.make(db, names, queues, wake)
  /** Wakes, after the commit, the callers that wait for the outcome of these message ids. */
  const settled = (consumer: string, ids: ReadonlyArray<{ readonly id: string }>) => () =>
    db.sql.afterCommit(Effect.sync(() => watchers.settled(consumer, ids)))
  return {
    engine: "postgres",
    maxGroup: 1_000,
    maxTransactions: db.settings.single ? 1 : Number.POSITIVE_INFINITY,
    deduplicationWindow: window,
    joinsTransactions: (context) => isOurs(context, SqlClient.SqlClient) && isOurs(context, SqlPg.PgClient),
    transact: db.transact,
    savepoint: db.savepoint,
    commitData: PgDataCommit.make(db, names, wake, watchers, unrouted),
    checkAccess: (who) =>
      Effect.mapError(Effect.asVoid(db.machinery(pings[who], [])), PgFailure.storeFailure("answer")),
    notListeningMillis: wake.notListeningMillis,
    inTransaction: db.inTransaction,
    statements: db.statements,
    inbox: {
      claim: (consumer, claims) => Effect.tap(inbox.claim(consumer, claims), settled(consumer, claims)),
      ...PgOnce.make(db, names, queues, watchers)
    },
    outbox: PgOutbox.make(db, names, wake, delayed, unrouted),
    deadLetters: {
      ...deadLetters,
      add: (consumer, entries) =>
        Effect.tap(
          deadLetters.add(consumer, entries),
          settled(consumer, entries.map((entry) => entry.delivery.message))
        )
    },
    consumers: {
      ...PgConsumers.makeConsumers(db, names, queues, wake),
      ...PgConsumerOperations.makeConsumerOperations(db, names, queues, wake)
    },
    audit: PgAudit.make(db, names),
    leases: PgLeases.make(db, names, wake),
    unsettled: PgUnsettled.make(db, names, queues)
  }
}
