/**
 * Ids made from content: canonical JSON and its SHA-256.
 *
 * Two payloads that mean the same (other key order, `1.0` for `1`) get the same id, so that a sender without ids of its
 * own can still be deduplicated. The same hash tells whether a second message with a known id has other content.
 * Canonical form: RFC 8785 (JSON Canonicalization Scheme), with object keys sorted by UTF-16 code units.
 *
 * @since 0.1.0
 */
import { hash } from "node:crypto"

/**
 * Canonical JSON of any value that JSON can hold. Iterative, so that depth 10,000 does not overflow the stack.
 *
 * @since 0.1.0
 */
export const canonical = (value: unknown): string => {
  const out: Array<string> = []
  // What is still to be written, last first: a text as it stands, or a value.
  const todo: Array<{ readonly text: string } | { readonly value: unknown }> = [{ value }]
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if ("text" in next) {
      out.push(next.text)
      continue
    }
    const current = next.value
    if (Array.isArray(current)) {
      todo.push({ text: "]" })
      for (let i = current.length - 1; i >= 0; i--) {
        todo.push({ value: current[i] ?? null })
        if (i > 0) todo.push({ text: "," })
      }
      todo.push({ text: "[" })
    } else if (typeof current === "object" && current !== null) {
      const fields = current as Record<string, unknown>
      const keys = Object.keys(fields).filter((key) => fields[key] !== undefined).sort()
      todo.push({ text: "}" })
      for (let i = keys.length - 1; i >= 0; i--) {
        todo.push({ value: fields[keys[i]!] }, { text: `${i > 0 ? "," : ""}${JSON.stringify(keys[i])}:` })
      }
      todo.push({ text: "{" })
    } else {
      out.push(JSON.stringify(current) ?? "null")
    }
  }
  return out.join("")
}

/**
 * SHA-256 of the canonical JSON, in hexadecimal.
 *
 * @since 0.1.0
 */
export const fromContent = (value: unknown): string => hash("sha256", canonical(value), "hex")

/**
 * The id of a message of a topic with `id: "content"`: equal values of two topics are two messages.
 *
 * @since 0.1.0
 */
export const ofValue = (topic: string, encoded: unknown): string => fromContent([topic, encoded])

/**
 * The id of the n-th message that a consumer emits while it handles a message. A re-run of the handler computes the
 * same id, so that an outgoing message is never sent as two.
 *
 * @since 0.1.0
 */
export const ofEmit = (consumer: string, messageId: string, n: number): string => fromContent([consumer, messageId, n])

/**
 * Fingerprint of an encoded payload, as the inbox keeps it: tells a repetition from something else under one id.
 *
 * The bytes are hashed as they are where the sender's encoder is ours (field order is then stable); 16 bytes of SHA-256.
 *
 * @since 0.1.0
 */
export const ofPayload = (payload: string): string => hash("sha256", payload, "hex").slice(0, 32)

/**
 * Fingerprint of a message: tells a redelivery from a second message under one id, of another topic included.
 *
 * @since 0.1.0
 */
export const ofMessage = ({ payload, topic }: { readonly topic: string; readonly payload: string }): string =>
  ofPayload(`${topic}\n${payload}`)
