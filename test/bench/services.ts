/** Provides the contenders of `npm run bench -- all` with a Redis, and each of them with empty tables. */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { spawn } from "node:child_process"
import { createServer } from "node:net"

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" ? address?.port ?? 0 : 0))
    })
  })

export interface Redis {
  readonly url: string
  readonly stop: () => void
}

/** The given Redis, or one that is started. Undefined if there is neither. */
export const redisServer = async (): Promise<Redis | undefined> => {
  const given = process.env["REDIS_URL"]
  if (given !== undefined) return { url: given, stop: () => {} }
  const port = await freePort()
  const child = spawn("redis-server", [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no"
  ], {
    stdio: ["ignore", "pipe", "ignore"]
  })
  const ready = await new Promise<boolean>((resolve) => {
    child.once("error", () => resolve(false))
    child.stdout?.on("data", (chunk) => String(chunk).includes("Ready to accept") && resolve(true))
  })
  return ready ? { url: `redis://127.0.0.1:${port}`, stop: () => void child.kill() } : undefined
}

/** Holds a snapshot open that has read this table, in a session of its own. */
export const snapshotHeld = (table: string, millis: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql.withTransaction(Effect.andThen(sql.unsafe(`select count(*) from ${table}`), Effect.sleep(millis))).pipe(
        Effect.provideService(SqlClient.BeginTransaction, "begin isolation level repeatable read")
      )
  )

/** Fresh tables for the next contender, and no work of Postgres for the one before it. */
export const clean = (url: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`drop schema if exists bench cascade`
    yield* sql`drop table if exists ledger`
    yield* sql`create table ledger (id bigserial primary key, message_id text, key text, amount int)`
    yield* sql`checkpoint`
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })), Effect.runPromise)
