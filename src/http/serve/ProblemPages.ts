/**
 * Explains the types of problems as text, so that the link in a problem leads somewhere without a network.
 */

/** The advice for an operator, by the last part of a problem's type. The problem itself has the detail. */
const advice: Readonly<Record<string, string>> = {
  "invalid-request": "Correct the value that the detail names.",
  "cursor-mismatch": "A cursor belongs to the filter of its list. Begin with the first page of the new filter.",
  "unauthorized": "Send `Authorization: Bearer <token>`, or sign in on the page with the token or the one-time code.",
  "forbidden": "The detail names the role that is needed. If the database refused it, look at `millrace roles --sql`.",
  "cross-site":
    "A browser may have sent the request for a page of another site. Use the page of this server, or a token.",
  "consumer-not-found": "Look at the list of consumers. A consumer registers when its first worker starts.",
  "dead-letter-not-found": "Retention deletes resolved and discarded dead letters. The audit still has their entries.",
  "redrive-run-not-found": "Look at the list of redrive runs. One that is over is kept for 30 days.",
  "worker-not-found": "A worker that has died gives its lanes away by itself. Look at the list of workers.",
  "key-not-found": "The key may have continued meanwhile. Look at the held keys.",
  "nothing-to-redrive": "Other operators may have decided about these dead letters. Look at the list again.",
  "nothing-to-advance": "Pause the key first, or look at what holds it.",
  "message-not-waiting": "The message may be committed or dead by now. Look for it by its id.",
  "not-found": "Look at openapi.json, which lists all paths.",
  "dead-letter-conflict":
    "Another operator was first, and the problem says who and when. Look at the dead letter again.",
  "redrive-running": "A consumer has one open run at a time. Continue or cancel the run that the problem names.",
  "redrive-run-conflict": "The run is in another state than the one that you saw. Look at it again.",
  "pause-conflict": "The pause is as you want it, or another operator changed it. Look at the consumer again.",
  "queue-changed": "Pause the consumer, make a new preview of the purge, and look at its number.",
  "preview-expired": "A preview is kept for 10 minutes in the process that made it. Make a new one, and look at it.",
  "still-running": "Send the same request with the same Idempotency-Key again. It gets the answer of the first one.",
  "stale-version": "Read it again, and send the new ETag in If-Match if the action is still right.",
  "too-large": "Send less. The server has a setting for the most bytes of a body.",
  "host-not-allowed": "Reach the server by an allowed name, or add the name to the setting `hosts`.",
  "key-changed": "Order and deduplication depend on the key. Discard the dead letter, and publish a new message.",
  "payload-invalid": "The issues name the places. Correct the payload, and check it again.",
  "idempotency-key-reused": "An Idempotency-Key belongs to one request. Send a new key for each intention.",
  "precondition-required": "Read the thing first, and send its ETag in If-Match. So you decide about what you saw.",
  "rate-limited": "Wait for the seconds of Retry-After.",
  "store-refused": "The detail has the answer of the database. Look at `millrace doctor`.",
  "query-timeout": "Ask for less, or look at the load of the database. Nothing of a read is kept.",
  "database-unavailable":
    "Look whether the database is reachable. Send the request again with the same Idempotency-Key."
}

/** Returns the page for the last part of a problem's type. */
export const of = (name: string): string | undefined =>
  Object.hasOwn(advice, name) ? `${name}\n\n${advice[name]}\n` : undefined
