/**
 * The conformance suites on PGlite. It has one session, so what needs two open transactions at once is skipped there,
 * and says so.
 */
import { Embedded } from "millrace/embedded"
import { suite } from "millrace/testing/conformance"
import { describe } from "vitest"
import { realTime } from "../postgres/kit.ts"

describe.concurrent("in this process", () => {
  suite("pglite", Embedded.layer(), { ...realTime, concurrentTransactions: false })
})
