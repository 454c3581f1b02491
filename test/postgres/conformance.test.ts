/**
 * The conformance suites, on a Postgres server and on PGlite. PGlite has one session, so what needs two open transactions
 * at once is skipped there, and says so.
 */
import { type Duration, Effect, Redacted } from "effect"
import { Embedded } from "millrace/embedded"
import { Postgres } from "millrace/postgres"
import { suite } from "millrace/testing/conformance"
import { inject } from "vitest"

const options = {
  elapse: (duration: Duration.Duration) => Effect.andThen(Effect.sleep(duration), Effect.sleep(50)),
  lease: "1200 millis",
  idlePoll: "50 millis",
  live: true
} as const

suite(
  "postgres",
  Postgres.layer({ url: Redacted.make(inject("databaseUrl")), schema: `conformance_${process.pid}` }),
  options
)
suite("pglite", Embedded.layer(), { ...options, concurrentTransactions: false })
