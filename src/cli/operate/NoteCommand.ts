/**
 * `millrace dead note`: notes something about a failure group, for other operators.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Operations } from "../../ops/Operations.ts"
import { usage } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import { operator } from "../frame/GlobalSettings.ts"
import { noneMatches } from "../look/Matching.ts"
import * as Options from "../look/Options.ts"
import { dryRun } from "./DecideCommands.ts"
import { tell } from "./QueueCommands.ts"

const noteOn = Effect.fnUntraced(function*(fingerprint: string, consumer: string | undefined, dry: boolean) {
  const operations = yield* Operations
  const { by, note } = yield* operator
  if (note === undefined) return yield* usage("Pass the text by --note. An empty text removes it. Nothing was changed.")
  const [first, ...others] = yield* operations.failures({ consumer, fingerprint })
  if (first === undefined) return yield* noneMatches({ consumer, fingerprint })
  if (others.length > 0) {
    return yield* usage(
      `${
        [first, ...others].map((one) => one.consumer).join(", ")
      } have this failure. Pass --consumer. Nothing was changed.`
    )
  }
  if (!dry) yield* operations.noteFailure(first.consumer, fingerprint, { by, note })
  yield* tell(
    dry,
    { action: "noted", consumer: first.consumer, fingerprint, note },
    `noted on ${fingerprint} of ${first.consumer}: ${note}`
  )
})

export const note = Command.make(
  "note",
  {
    failure: Options.argument("failure", "The failure group, as `dead groups` shows it"),
    consumer: Options.consumer,
    dryRun
  },
  ({ consumer, dryRun, failure }) => connected(noteOn(failure, Option.getOrUndefined(consumer), dryRun))
).pipe(Command.withDescription("Note something about a failure group (--note), which `dead groups` then shows"))
