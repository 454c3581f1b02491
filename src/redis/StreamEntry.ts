/**
 * A message as an entry of a stream: the payload is the field `data`, and the attributes of CloudEvents are the other
 * fields. An entry of a foreign producer that has no field `data` has all its fields as payload, as a JSON object.
 */
import * as Result from "effect/Result"
import type { InvalidMessage } from "../Errors.ts"
import type * as Message from "../Message.ts"
import { unreadable } from "../wire/unreadable.ts"
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
  const received = {
    attributes: data === undefined ? {} : Object.fromEntries(all),
    body,
    brokerId: `${stream}:${id}`,
    topic
  }
  const message = Result.getOrElse(wire.decode(received), (failure) => unreadable(received, failure))
  return message.publishedAt > 0 ? message : { ...message, publishedAt: timeOf(id) }
}
