/** A streaming replica of a test server: made while the server works, left behind on purpose, and promoted. */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type { Cluster } from "./cluster.ts"

/** Uses one session. */
const inSession = <A, E>(
  { url }: Cluster,
  use: (session: PgConnection.PgConnection) => Effect.Effect<A, E>
): Promise<A> =>
  PgConnection.make({ url: Redacted.make(url) }).pipe(Effect.flatMap(use), Effect.scoped, Effect.runPromise)

export interface Replica {
  readonly cluster: Cluster
  /** Freezes the process that sends the log to it. */
  readonly lag: () => void
  /** Ends that process, which is frozen perhaps; the server would wait for it. */
  readonly endSender: () => void
}

export const follow = async (primary: Cluster, name: string): Promise<Replica> => {
  const cluster = await primary.follower(name, (copy) =>
    inSession(primary, (session) =>
      Effect.gen(function*() {
        yield* session.query("select pg_backup_start('replica', true)::text")
        yield* Effect.sync(copy)
        const { rows } = yield* session.query("select labelfile from pg_backup_stop(false)")
        return String(rows[0]!["labelfile"])
      })))
  const sender = await inSession(
    primary,
    (session) =>
      session.query("select pid from pg_stat_replication where state = 'streaming'").pipe(
        Effect.filterOrFail(({ rows }) => rows.length > 0, () => "the replica does not follow" as const),
        Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 1000 }),
        Effect.map(({ rows }) => Number(rows[0]!["pid"]))
      )
  )
  return {
    cluster,
    lag: () => void process.kill(sender, "SIGSTOP"),
    endSender: () => {
      try {
        process.kill(sender, "SIGKILL")
      } catch {
        // It has ended by itself.
      }
    }
  }
}

/** Removes the primary, and makes its replica the server. */
export const promote = async (primary: Cluster, { cluster, endSender }: Replica): Promise<Cluster> => {
  const removed = primary.remove("SIGQUIT")
  endSender()
  await removed
  const accepts = cluster.accepts()
  await inSession(cluster, (session) => session.query("select pg_promote()::text"))
  await accepts
  return cluster
}
