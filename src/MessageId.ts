/**
 * Ids made from content: canonical JSON and its SHA-256.
 *
 * Two payloads with the same meaning (another key order, `1.0` for `1`) get the same id. So messages of a sender
 * without ids can be deduplicated. The same hash tells whether a second message with a known id has other content.
 * The canonical form is RFC 8785 (JSON Canonicalization Scheme), with object keys sorted by UTF-16 code units.
 *
 * @since 0.1.0
 */
import { hash } from "node:crypto"

/**
 * Returns the canonical JSON of any value that JSON can hold. The function uses no recursion, so that a value of depth
 * 10,000 does not overflow the stack.
 *
 * @since 0.1.0
 */
export const canonical = (value: unknown): string => {
  const out: Array<string> = []
  // The stack of texts and values that are still to be written.
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
 * Returns the SHA-256 of the canonical JSON, in hexadecimal.
 *
 * @since 0.1.0
 */
export const fromContent = (value: unknown): string => hash("sha256", canonical(value), "hex")

/**
 * Returns the id of a message of a topic with `id: "content"`. Equal values of two topics are two messages.
 *
 * @since 0.1.0
 */
export const ofValue = (topic: string, encoded: unknown): string => fromContent([topic, encoded])

/**
 * Returns the id of the n-th message that a consumer emits for a message. A repeated attempt computes the same id, so
 * that an emitted message is never published twice.
 *
 * @since 0.1.0
 */
export const ofEmit = (consumer: string, messageId: string, n: number): string => fromContent([consumer, messageId, n])

/**
 * Returns the fingerprint of an encoded payload, as the inbox stores it. The inbox compares fingerprints to distinguish
 * a repetition from other content under one id.
 *
 * The bytes are hashed unchanged, because Millrace's encoder keeps the order of fields. The fingerprint is 16 bytes of
 * SHA-256.
 *
 * @since 0.1.0
 */
export const ofPayload = (payload: string): string => hash("sha256", payload, "hex").slice(0, 32)

/**
 * Returns the fingerprint of a message. It distinguishes a redelivery from another message under the same id, also from
 * one of another topic.
 *
 * @since 0.1.0
 */
export const ofMessage = ({ payload, topic }: { readonly topic: string; readonly payload: string }): string =>
  ofPayload(`${topic}\n${payload}`)
