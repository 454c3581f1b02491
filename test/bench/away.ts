/**
 * `npm run bench -- away`: what `all.ts` measures with a network in between.
 *
 * A proxy delays each chunk by 1 ms each way. Timers are coarse, so the run prints the round trip that it measured.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Proxy } from "../harness/proxy.ts"
import { median } from "./figures.ts"

/** The forms of Millrace, and the peers that do best on one machine. */
export const names = [
  "Millrace commitSql",
  "Millrace commit",
  "graphile-worker tuned",
  "pg-boss tuned",
  "pg-boss by hand"
]

/** At least how many times as fast as the best peer each form must be. */
export const targets: ReadonlyMap<string, number> = new Map([["Millrace commitSql", 4], ["Millrace commit", 1.5]])

export interface Rate {
  readonly name: string
  /** Messages a second. */
  readonly rate: number
}

export interface Compared {
  readonly name: string
  readonly bestPeer: string
  readonly times: number
  readonly least: number
  readonly isMet: boolean
}

/** Compares each form that has a target with the best peer. A form or a peer that did not run misses the target. */
export const compare = (rates: ReadonlyArray<Rate>): ReadonlyArray<Compared> => {
  const [best] = rates.filter(({ name }) => !name.startsWith("Millrace")).toSorted((a, b) => b.rate - a.rate)
  return [...targets].map(([name, least]) => {
    const times = (rates.find((one) => one.name === name)?.rate ?? 0) / (best?.rate ?? Number.NaN)
    return { name, bestPeer: best?.name ?? "no peer", times, least, isMet: times >= least }
  })
}

/** A network in front of this database. Its url is that of the database. */
export const network = (url: string): Promise<Proxy> => {
  const proxy = new Proxy(/(?!)/)
  proxy.wayMillis = 1
  return new Promise((resolve) => proxy.listen(url, resolve))
}

/** The median time of `select 1`, in milliseconds. */
export const roundTrip = (url: string): Promise<number> =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const times: Array<number> = []
    for (let i = 0; i < 200; i++) {
      const began = performance.now()
      yield* sql`select 1`
      times.push(performance.now() - began)
    }
    return median(times)
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })), Effect.runPromise)
