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
    file: "src/http/answers/IdempotentAction.ts",
    from: "if (key === undefined) return",
    to: "if (key === undefined || key !== \"\") return",
    test: answers,
    named: "the first answer to a repeated request"
  },
  {
    name: "http: the key of one operator is that of all",
    guarantee: "operations",
    file: "src/http/answers/IdempotentAction.ts",
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
  },
  {
    name: "http: each name of an operator has its own limit of changes",
    guarantee: "operations",
    file: "src/http/security/AccessLayer.ts",
    from: "bucket(\"changes\", countedAs)",
    to: "bucket(\"changes\", actor.name)",
    test: security,
    named: "limit the changes of one operator"
  },
  {
    name: "http: an address of IPv6 without its brackets",
    guarantee: "operations",
    file: "src/http/security/ServerSettings.ts",
    from: "`[${host}]` : host",
    to: "host : host",
    test: security,
    named: "under a name that is not allowed"
  },
  {
    name: "http: a live stream outlives its session",
    guarantee: "operations",
    file: "src/http/handlers/SessionHandlers.ts",
    from: "Stream.interruptWhen(bytes, refused(request))",
    to: "bytes",
    test: "test/http/live.test.ts",
    named: "end when the session that opened them is closed"
  },
  {
    name: "http: the placeholder of a whole payload replaces it",
    guarantee: "operations",
    file: "src/http/security/Redaction.ts",
    from: "edited.includes(notJson) ? Result.fail(\"$\") : ",
    to: "",
    test: redaction,
    named: "take the whole payload with them"
  },
  {
    name: "http: hidden values in a key that is refused",
    guarantee: "operations",
    file: "src/http/answers/Edits.ts",
    from: "edited: mask(error.edited)",
    to: "edited: error.edited",
    test: "test/http/hiding.test.ts",
    named: "not quoted by the refusal of an edit"
  },
  {
    name: "http: a code in the log of a server for other machines",
    guarantee: "operations",
    file: "src/cli/serve/DashboardCommand.ts",
    from: "isLoopback(host) ? randomBytes(16).toString(\"base64url\") : undefined",
    to: "randomBytes(16).toString(\"base64url\")",
    test: "test/cli/serving.test.ts",
    named: "prints no code for an address that other machines reach"
  },
  {
    name: "dashboard: a request whose answer is lost is not sent again",
    guarantee: "operations",
    file: "src/dashboard/data/Http.ts",
    from: "ask().catch(ask)",
    to: "ask()",
    test: "test/dashboard/requests.test.ts",
    named: "is sent again with the same Idempotency-Key"
  },
  {
    name: "dashboard: a refused stream stays closed",
    guarantee: "operations",
    file: "src/dashboard/data/Live.ts",
    from: "    leave()\n    receive(\"changes\")",
    to: "    receive(\"changes\")",
    test: "test/dashboard/liveStream.test.ts",
    named: "is opened again after the server has refused it"
  },
  {
    name: "http: control characters in an export",
    guarantee: "operations",
    file: "src/http/security/Guards.ts",
    from: "text.split(\"\\n\").map(escapeJson).join(\"\\n\")",
    to: "text",
    test: answers,
    named: "escapes their controls"
  },
  {
    name: "dashboard: a problem passes for a payload",
    guarantee: "operations",
    file: "src/dashboard/data/Http.ts",
    from: "if (!response.ok) throw",
    to: "if (false) throw",
    test: "test/dashboard/requests.test.ts",
    named: "is no text that an operator could edit"
  },
  {
    name: "dashboard: a failed sign-out looks like one that worked",
    guarantee: "operations",
    file: "src/dashboard/shell/Session.tsx",
    from: ".then(() => undefined, (error: unknown) => error)",
    to: ".then(() => undefined, () => undefined)",
    test: "test/dashboard/pages.test.ts",
    named: "after a sign-out that failed"
  }
]
