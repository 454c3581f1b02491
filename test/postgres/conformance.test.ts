/**
 * The conformance suites on a Postgres server; those on PGlite are in `test/embedded`, so that they run side by side.
 */
import { Redacted } from "effect"
import { Postgres } from "millrace/postgres"
import { suite } from "millrace/testing/conformance"
import { describe, inject } from "vitest"
import { freshSchema, realTime } from "./kit.ts"

describe.concurrent("on a server", () => {
  suite(
    "postgres",
    Postgres.layer({ url: Redacted.make(inject("databaseUrl")), schema: freshSchema() }),
    realTime
  )
})
