/**
 * A message as an entry of a stream: the payload is the field `data`, and the attributes of CloudEvents are the other
 * fields. An entry of a foreign producer that has no field `data` has all its fields as payload, as a JSON object.
 */
import * as Result from "effect/Result"
import type { InvalidMessage } from "../Errors.ts"
import * as Message from "../Message.ts"
import type { Wire } from "../wire/Wire.ts"

/** The field of the payload. */
const payloadField = "data"

/** Returns the fields and values of a message, one after the other. */
export const toFields = (wire: Wire, message: Message.Message): Result.Result<ReadonlyArray<string>, InvalidMessage> =>
  Result.map(wire.encode(message), ({ attributes, body }) => [
    ...Object.entries(attributes).flat(),
    payloadField,
    body
  ])

/** Returns the time in an entry id, which is the server's when the entry was appended. */
const timeOf = (entryId: string): number => Number(entryId.slice(0, entryId.indexOf("-")))

/**
 * Returns the message of an entry. An entry that is no message becomes one that does not decode. Its payload says what
 * is wrong, and then shows the entry. So it becomes a dead letter.
 */
export const fromFields = (
  wire: Wire,
  { fields, id, stream, topic }: {
    readonly stream: string
    readonly id: string
    readonly fields: ReadonlyArray<string>
    readonly topic: string
  }
): Message.Message => {
  const all = new Map<string, string>()
  for (let i = 0; i + 1 < fields.length; i += 2) all.set(fields[i]!, fields[i + 1]!)
  const data = all.get(payloadField)
  all.delete(payloadField)
  const body = data ?? JSON.stringify(Object.fromEntries(all))
  const brokerId = `${stream}:${id}`
  const decoded = wire.decode({
    attributes: data === undefined ? {} : Object.fromEntries(all),
    body,
    brokerId,
    topic
  })
  if (Result.isSuccess(decoded)) {
    const { publishedAt } = decoded.success
    return publishedAt > 0 ? decoded.success : { ...decoded.success, publishedAt: timeOf(id) }
  }
  const { field, problem } = decoded.failure
  const shown = `This entry is no message, since its ${field} ${problem}: ${body}`
  return {
    id: brokerId,
    topic,
    key: brokerId,
    keyed: false,
    // A quarter of the limit in characters fits in bytes, too.
    payload: shown.slice(0, Message.limits.payloadBytes / 4).replaceAll("\0", "\\0").toWellFormed(),
    headers: {},
    version: 1,
    publishedAt: timeOf(id)
  }
}
