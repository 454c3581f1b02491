/**
 * The conformance suites on PGlite. It has one session, so what needs two open transactions at once is skipped there,
 * and says so.
 */
import { suite } from "millrace/testing/conformance"
import { describe } from "vitest"
import { realTime } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"

describe.concurrent("in this process", () => {
  suite("pglite", pglite(), { ...realTime, concurrentTransactions: false })
})
