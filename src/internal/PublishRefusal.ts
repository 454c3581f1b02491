/** What no store takes, looked at before anything is written: messages made by hand have not been through `Message.make`. */
import * as Delay from "../Delay.ts"
import { StoreFailure } from "../Errors.ts"
import * as Message from "../Message.ts"

/** The first message that cannot be stored, or a time or name for later that makes no sense. */
export const of = (
  messages: ReadonlyArray<Message.Message>,
  later: Delay.ResolvedDelay | undefined
): StoreFailure | undefined => {
  const bad = messages.map(Message.problem).find((found) => found !== undefined)
    ?? (later === undefined ? undefined : Delay.problem(messages, later))
  if (bad === undefined) return undefined
  const { hint, message: detail } = bad
  return new StoreFailure({ operation: "publish", kind: "refused", code: "", detail, hint })
}
