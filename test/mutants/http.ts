/**
 * The breaks of the HTTP API: its guards, its conditions, and what it hides.
 */
import type { Mutant } from "./types.ts"

const security = "test/http/security.test.ts"
const answers = "test/http/answers.test.ts"
const redaction = "test/http/redaction.test.ts"

export const httpMutants: ReadonlyArray<Mutant> = [
  {
    name: "http: roles not compared",
    guarantee: "operations",
    file: "src/http/security/AccessLayer.ts",
    from: "roles.indexOf(actor.role) < roles.indexOf(role)",
    to: "roles.indexOf(actor.role) < 0",
    test: security,
    named: "let each operation pass for its role"
  },
  {
    name: "http: any origin may change something",
    guarantee: "operations",
    file: "src/http/security/AccessLayer.ts",
    from: "changing && bearerOf(request) === undefined && !Origin.sameSite(request.headers)",
    to: "changing && bearerOf(request) === undefined && false",
    test: security,
    named: "that a page of another site may have sent"
  },
  {
    name: "http: same-site counts as same-origin",
    guarantee: "operations",
    file: "src/http/security/Origin.ts",
    from: "site === \"same-origin\"",
    to: "site !== \"cross-site\"",
    test: security,
    named: "that a page of another site may have sent"
  },
  {
    name: "http: a change without Sec-Fetch-Site and Origin passes",
    guarantee: "operations",
    file: "src/http/security/Origin.ts",
    from: "host !== undefined && (origin",
    to: "origin === undefined || host !== undefined && (origin",
    test: security,
    named: "that a page of another site may have sent"
  },
  {
    name: "http: any Host is served",
    guarantee: "operations",
    file: "src/http/security/Guards.ts",
    from: "Origin.hostAllowed(host, hosts)",
    to: "host !== undefined",
    test: security,
    named: "under a name that is not allowed"
  },
  {
    name: "http: sign-ins are not limited",
    guarantee: "operations",
    file: "src/http/security/AccessLayer.ts",
    from: "failures.limit - 1, failures.window, 0",
    to: "failures.limit + 1, failures.window, 0",
    test: security,
    named: "fail ten times a minute"
  },
  {
    name: "http: changes are not limited",
    guarantee: "operations",
    file: "src/http/security/AccessLayer.ts",
    from: "changes.limit, changes.window, 1",
    to: "10_000, changes.window, 1",
    test: security,
    named: "limit the changes of one operator"
  },
  {
    name: "http: the ETag is not compared",
    guarantee: "operations",
    file: "src/http/handlers/DeadLetterHandlers.ts",
    from: "Views.versionOf(before) !== version",
    to: "version === \"\"",
    test: answers,
    named: "412 to the second of two operators"
  },
  {
    name: "http: no record of an Idempotency-Key",
    guarantee: "operations",
    file: "src/http/answers/Acting.ts",
    from: "if (key === undefined) return",
    to: "if (key === undefined || key !== \"\") return",
    test: answers,
    named: "the first answer to a repeated request"
  },
  {
    name: "http: the key of one operator is that of all",
    guarantee: "operations",
    file: "src/http/answers/Acting.ts",
    from: "JSON.stringify([name, key])",
    to: "JSON.stringify([name.length > 0, key])",
    test: answers,
    named: "the first answer to a repeated request"
  },
  {
    name: "http: a cursor of any filter",
    guarantee: "operations",
    file: "src/http/answers/Cursor.ts",
    from: "of === hashOf(list, query) &&",
    to: "of !== \"\" &&",
    test: answers,
    named: "refuses a cursor of another list"
  },
  {
    name: "http: a step past another head is kept",
    guarantee: "operations",
    file: "src/http/handlers/SteeringHandlers.ts",
    from: "head !== messageId && head.padStart(16, \"0\") !== deadLetterId",
    to: "head === \"\"",
    test: answers,
    named: "the head of a key that the operator saw"
  },
  {
    name: "http: control characters in JSON",
    guarantee: "operations",
    file: "src/http/security/Guards.ts",
    from: "const safe = harmless(response)",
    to: "const safe = response",
    test: answers,
    named: "escapes their controls"
  },
  {
    name: "http: a hidden value copied to a shown place",
    guarantee: "operations",
    file: "src/http/security/Redaction.ts",
    from: "placesOf(edited, patterns), (",
    to: "placesOf(edited, [...patterns, [\"note\"]]), (",
    test: redaction,
    named: "are never copied to a place that is shown"
  },
  {
    name: "http: hidden values in errors",
    guarantee: "operations",
    file: "src/http/answers/Views.ts",
    from: "  message: mask(failure.message),",
    to: "  message: failure.message,",
    test: "test/http/hiding.test.ts",
    named: "in no answer"
  }
]
