/**
 * The conformance suites, on a Postgres server and on PGlite. PGlite has one session, so what needs two open transactions
 * at once cannot run there; test/embedded has the promises about reading and publishing that it keeps.
 */
import { type Duration, Effect, Redacted } from "effect"
import { Embedded } from "millrace/embedded"
import { Postgres } from "millrace/postgres"
import { consumers, deadLetters, suite } from "millrace/testing/conformance"
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
deadLetters("pglite", Embedded.layer(), options)
consumers("pglite", Embedded.layer(), options)
