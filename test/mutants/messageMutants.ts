/**
 * The breaks of stored messages, of links to traces, of searched failure groups, and of the deduplication window that
 * `doctor` compares with.
 */
import type { Mutant } from "./types.ts"

const links = { guarantee: "operations", file: "src/ops/TraceLink.ts", test: "test/ops/traceLink.test.ts" } as const

export const messageMutants: ReadonlyArray<Mutant> = [
  {
    name: "messages: the payload of a stored message with its hidden values",
    guarantee: "operations",
    file: "src/http/answers/Views.ts",
    from: "asked || payloads === \"shown\" ? text : undefined",
    to: "asked || payloads === \"shown\" ? message.payload : undefined",
    test: "test/http/hiding.test.ts",
    named: "in no answer, and stays when the payload is edited"
  },
  {
    name: "messages: the payload of a stored message without a request for it",
    guarantee: "operations",
    file: "src/http/answers/Views.ts",
    from: "asked || payloads === \"shown\" ? text : undefined",
    to: "text",
    test: "test/http/hiding.test.ts",
    named: "in no answer, and stays when the payload is edited"
  },
  {
    ...links,
    name: "messages: a trace opened by any protocol",
    from: "url !== undefined && [\"http:\", \"https:\"].includes(url.protocol) &&",
    to: "url !== undefined &&",
    named: "needs a template of http or https"
  },
  {
    ...links,
    name: "messages: a trace id that chooses the host",
    from: "one.origin === other?.origin",
    to: "other !== undefined",
    named: "needs a template of http or https"
  },
  {
    name: "messages: failure groups of a search with all of their dead letters",
    guarantee: "operations",
    file: "src/postgres/sql/searchedFailures.ts",
    from: "where x.hit",
    to: "where x.hit or true",
    test: "test/cli/selecting.test.ts",
    named: "failure groups by a search"
  },
  {
    name: "messages: a search of failure groups that looked at a part calls its counts exact",
    guarantee: "operations",
    file: "src/postgres/sql/searchedFailures.ts",
    from: "(select count(*) >= $13::int or not",
    to: "(select count(*) > $13::int or not",
    test: "test/ops/searching.test.ts",
    named: "says how far it looked"
  },
  {
    name: "messages: doctor compares with the default window always",
    guarantee: "operations",
    file: "src/cli/setup/Checkup.ts",
    from: "oldestMillis > window.millis",
    to: "oldestMillis > defaultWindow.millis",
    test: "test/cli/checkup.test.ts",
    named: "names the deduplication window"
  }
]
