/**
 * Refuses messages that no store can keep, before anything is written. Messages made by hand have not been through
 * `Message.make`.
 */
import * as Delay from "../Delay.ts"
import { StoreFailure } from "../Errors.ts"
import * as Message from "../Message.ts"

/** Returns the refusal of the first message that cannot be stored, or of an invalid due time or name. */
export const of = (
  messages: ReadonlyArray<Message.Message>,
  delay: Delay.ResolvedDelay | undefined
): StoreFailure | undefined => {
  const bad = messages.map(Message.problem).find((found) => found !== undefined)
    ?? (delay === undefined ? undefined : Delay.problem(messages, delay))
  if (bad === undefined) return undefined
  const { hint, message: detail } = bad
  return new StoreFailure({ operation: "publish", kind: "refused", code: "", detail, hint })
}
