/** Opens a PGlite directory, commits into it, says so, and stays; or only claims it, at the same moment as others. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Embedded } from "millrace/embedded"
import * as DataLock from "../../src/embedded/DataLock.ts"
import { given } from "../harness/given.ts"

export interface Opening {
  readonly name: string
  readonly dataDir: string
  /** Rows to commit. */
  readonly rows: number
  /** Claim only, then. */
  readonly claimAt?: number | undefined
}

const { claimAt, dataDir, name, rows }: Opening = given<Opening>() ?? { name: "", dataDir: "", rows: 0 }
const say = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

const use = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists notes (who text, n int)`
  for (let n = 0; n < rows; n++) yield* sql.withTransaction(sql`insert into notes values (${name}, ${n})`)
  yield* say("committed")
  return yield* Effect.never
})

const program = claimAt === undefined
  ? Effect.provide(use, Embedded.layer({ dataDir }))
  : Effect.scoped(Effect.gen(function*() {
    while (Date.now() < claimAt) yield* Effect.void
    yield* DataLock.acquire(dataDir, String)
    yield* say("claimed")
    return yield* Effect.never
  }))

// oxlint-disable-next-line typescript/no-floating-promises
Effect.runPromise(
  Effect.catch(program, (error: unknown) => say(`refused: ${error instanceof Error ? error.message : String(error)}`))
)
// Nothing but the claim keeps this process alive.
setInterval(() => {}, 1000)
