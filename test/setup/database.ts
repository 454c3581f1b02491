/**
 * Makes a database inside the test server, for the few tests that need their own. Their schema is newer than the code,
 * or their database goes away. All others share the server's database and differ by schema.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted, type Scope } from "effect"
import { randomBytes } from "node:crypto"

/**
 * The address of an empty database beside the one in `url`; it is dropped, with its connections, when the scope ends.
 */
export const freshDatabase = (url: string): Effect.Effect<string, never, Scope.Scope> => {
  const name = `millrace_${randomBytes(6).toString("hex")}`
  const run = (statement: string) =>
    Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe(statement)).pipe(
      Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })),
      Effect.orDie
    )
  return Effect.acquireRelease(
    run(`create database ${name}`),
    () => run(`drop database if exists ${name} with (force)`)
  )
    .pipe(Effect.map(() => {
      const fresh = new URL(url)
      fresh.pathname = `/${name}`
      return fresh.toString()
    }))
}
