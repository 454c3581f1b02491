/**
 * Commits a group whose statements are all known. Fence, removal, claim, commit steps, outgoing messages and COMMIT
 * are one write to the connection, where nothing has to be computed between them.
 *
 * The server checks that the group is whole. If a row is missing, the statement that removes or claims it fails with
 * `MR006`, and the server skips all others, COMMIT included. After any failure this file rolls back and returns false.
 * It decides nothing: the composed transaction runs the group again and finds the cause.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { CommitData, DataGroup, DataPart } from "../../internal/store/DataGroup.ts"
import type { UnroutedTopics } from "../../internal/UnroutedTopics.ts"
import type { Message } from "../../Message.ts"
import type { PgRemoval } from "../queue/PgSettlement.ts"
import type { Wake } from "../queue/Wake.ts"
import type { Answer, Sent } from "../session/Batch.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { PgSession } from "../session/PgSession.ts"
import * as TransactionControl from "../session/TransactionControl.ts"
import * as InboxSql from "../sql/inbox.ts"
import type { Names } from "../sql/names.ts"
import * as OutboxSql from "../sql/publishing.ts"
import * as ServerSql from "../sql/server.ts"
import * as PgOutbox from "./PgOutbox.ts"
import type { PgWatchers } from "./PgWatchers.ts"

const begin: Sent = { sql: ServerSql.begin, params: [] }
const commit: Sent = { sql: "COMMIT", params: [] }

export const make = (
  db: PgDatabase,
  names: Names,
  wake: Wake,
  watchers: PgWatchers,
  unrouted: UnroutedTopics
): CommitData => {
  const claimAll = InboxSql.claimAll(names)
  const { writeInBatch } = OutboxSql.make(names)

  const head = ({ claims, removal }: DataGroup): ReadonlyArray<Sent> => {
    const { queue, statements } = removal as PgRemoval
    return claims === undefined ? [begin, ...statements] : [begin, ...statements, {
      sql: claimAll,
      params: [queue, claims.map(({ id }) => id), claims.map(({ fingerprint }) => fingerprint), claims.length]
    }]
  }

  const tail = (emits: ReadonlyArray<Message>): ReadonlyArray<Sent> => [
    ...PgOutbox.chunks(emits).map((chunk) => ({ sql: writeInBatch, params: PgOutbox.columnsOf(chunk) })),
    commit
  ]

  /** Notifies the callers and wakes the workers that wait for what this group has committed. */
  const announce = ({ claims, consumer }: DataGroup, answers: ReadonlyArray<Answer>): Effect.Effect<void> => {
    if (claims !== undefined) watchers.settled(consumer, claims)
    return Effect.forEach(answers, ({ text }) => {
      const { queues, unrouted: lost } = JSON.parse(text!) as {
        readonly queues: ReadonlyArray<number>
        readonly unrouted: Readonly<Record<string, number>>
      }
      return PgOutbox.announce(wake, unrouted, { queues, unrouted: Object.entries(lost) })
    }, { discard: true })
  }

  /** Sends a part and those after it. Returns whether the group was committed. */
  const send = <E>(
    session: PgSession,
    group: DataGroup,
    next: () => Effect.Effect<DataPart, E>,
    part: DataPart,
    before: ReadonlyArray<Sent>
  ): Effect.Effect<boolean, E | SqlError> => {
    const { emits, statements } = part
    if (!statements.every(({ sql }) => TransactionControl.classify(sql).kind === "plain")) return Effect.succeed(false)
    if (emits === undefined) {
      const sent = Effect.andThen(session.batch([...before, ...statements]), Effect.suspend(next))
      return Effect.flatMap(sent, (following) => send(session, group, next, following, []))
    }
    const last = tail(emits)
    return Effect.flatMap(
      session.batch([...before, ...statements, ...last]),
      (answers) =>
        answers.at(-1)!.tag !== "COMMIT"
          ? Effect.succeed(false)
          : Effect.as(announce(group, answers.slice(answers.length - last.length, -1)), true)
    )
  }

  return <E>(group: DataGroup, next: () => Effect.Effect<DataPart, E>): Effect.Effect<boolean, E> =>
    Effect.flatMap(next(), (first) =>
      Effect.scoped(Effect.uninterruptibleMask((restore) => {
        const sent = Effect.flatMap(restore(db.committerSession), (session) => {
          const sending = restore(send(session, group, next, first, head(group)))
          return Effect.tap(
            Effect.tapCause(sending, () => session.rollback),
            (committed) => committed ? Effect.void : session.rollback
          )
        })
        return Effect.catchCause(sent, (cause): Effect.Effect<boolean, E> =>
          PgFailure.sqlErrorIn(cause) === undefined
            ? Effect.failCause(cause as Cause.Cause<E>)
            : Effect.succeed(false))
      })))
}
