/** Carries out an action of the operator, and says what became of it. */
import { now } from "../data/Clock.ts"
import { Problem } from "../data/Http.ts"
import { notify } from "../shell/Toasts.tsx"
import { duration } from "../text/Amounts.ts"
import { flat } from "../text/Pieces.ts"

/** Returns a problem in the server's words, with the operator that was first, if there was one. */
export const explain = (error: unknown): string => {
  if (!(error instanceof Problem)) return error instanceof Error ? error.message : String(error)
  const { at, by } = error.fields
  const first = typeof by === "string" && by !== "" && !error.message.includes(by)
    ? ` ${by} was first${typeof at === "number" ? `, ${duration(now.peek() - at)} ago` : ""}.`
    : ""
  return flat(`${error.message}${first}`)
}

/** Runs an action. Shows the text if it succeeds, and the reason if it fails. Returns whether it succeeded. */
export const attempt = async (
  action: () => Promise<unknown>,
  done: string,
  undo?: () => void
): Promise<boolean> => {
  try {
    await action()
    notify(flat(done), undo === undefined ? {} : { undo })
    return true
  } catch (error) {
    notify(explain(error), { bad: true })
    return false
  }
}
