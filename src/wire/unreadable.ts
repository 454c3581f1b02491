/**
 * The message that stands for one that cannot be read, on every broker. Its payload is no JSON, so it does not decode
 * and becomes a dead letter.
 */
import type { UnreadableMessage } from "../Errors.ts"
import * as Message from "../Message.ts"
import type { Received } from "./Wire.ts"

/** Returns a message whose payload says what is wrong, and then shows the body. It keeps the broker's id and key. */
export const unreadable = (
  { body, brokerId, brokerKey, topic }: Received,
  { field, problem }: UnreadableMessage
): Message.Message => {
  const shown = `This is no readable message, since its ${field} ${problem}: ${String(body)}`
  return {
    id: brokerId,
    topic,
    key: brokerKey ?? brokerId,
    keyed: brokerKey !== undefined,
    // A quarter of the limit in characters fits in bytes, too.
    payload: shown.slice(0, Message.limits.payloadBytes / 4).replaceAll("\0", "\\0").toWellFormed(),
    headers: {},
    version: 1,
    publishedAt: 0
  }
}
