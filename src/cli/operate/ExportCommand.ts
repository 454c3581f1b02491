/**
 * `millrace dead export`: dead letters as NDJSON, without loss. The payload is the stored text, so numbers stay exact.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { Operations } from "../../ops/Operations.ts"
import { usage } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import * as Options from "../look/Options.ts"
import * as Output from "../output/Output.ts"

/** Dead letters of one page. A page is in memory at once, and a payload may have 1 MiB. */
const page = 100

const state = Flag.Literals("state", ["open", "redriving", "resolved", "discarded", "any"]).pipe(
  Flag.withDescription("Only dead letters in this state. Default: open"),
  Flag.withDefault("open")
)

export const exportAll = Command.make(
  "export",
  {
    ...Options.filter,
    ...Options.search,
    state,
    // Without a filter all are exported anyway.
    all: Options.toggle("all", "Every dead letter, as without any filter"),
    format: Flag.Literals("format", ["ndjson"]).pipe(
      Flag.withDescription("The format of the output: one JSON line for each dead letter"),
      Flag.withDefault("ndjson")
    )
  },
  ({ all, format: _format, state, ...selected }) =>
    Effect.gen(function*() {
      const filter = { ...yield* Options.filterOf(selected), ...yield* Options.searchOf(selected) }
      if (all && !Options.isEmpty(filter)) {
        return yield* usage("--all and filters exclude each other. Nothing was written.")
      }
      const exported = yield* connected(Effect.gen(function*() {
        const operations = yield* Operations
        let count = 0
        let before: string | undefined
        while (true) {
          const some = yield* operations.searchDeadLetters({
            ...filter,
            state: state === "any" ? undefined : state,
            before,
            limit: page
          })
          for (const one of some.deadLetters) yield* Output.jsonLine(one)
          count += some.deadLetters.length
          before = some.next
          if (before === undefined) return count
        }
      }))
      yield* Output.hint(`exported ${exported} dead letters`)
    })
).pipe(Command.withDescription("Write dead letters to the standard output, one JSON line each, without loss"))
