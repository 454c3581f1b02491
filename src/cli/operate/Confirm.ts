/**
 * Asks before an action on several things. Without a terminal the question has no answer, so the action needs `--yes`.
 */
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import { refused } from "../frame/CliFailure.ts"
import { Yes } from "../frame/GlobalSettings.ts"
import * as Output from "../output/Output.ts"
import * as SafeText from "../output/SafeText.ts"

/** Asks a question on the terminal. Returns whether the operator agrees. */
export const agrees = Effect.fnUntraced(function*(question: string) {
  yield* Output.stderr(`${SafeText.oneLine(question)} [y/N] `)
  const terminal = yield* Terminal.Terminal
  const answer = yield* terminal.readLine
  return /^y(es)?$/i.test(answer.trim())
})

/** Succeeds if the operator agrees, or has passed `--yes`. Fails if not. */
export const confirm = Effect.fnUntraced(function*(question: string) {
  if (yield* Yes) return
  const stdio = yield* Stdio.Stdio
  if (!(yield* stdio.stdinIsTerminal)) {
    return yield* refused(
      "needs-yes",
      `${question} This needs a confirmation, and there is no terminal to ask. Nothing was changed.\n`
        + "Look at it with --dry-run, then pass --yes."
    )
  }
  if (!(yield* agrees(question))) return yield* refused("not-confirmed", "Nothing was changed.")
})
