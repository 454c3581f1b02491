/**
 * `millrace dead export`: dead letters as NDJSON, without loss. The payload is the stored text, so numbers stay exact.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as DeadLetters from "../../DeadLetters.ts"
import { Operations } from "../../ops/Operations.ts"
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
  { ...Options.filter, state },
  ({ state, ...selected }) =>
    Effect.gen(function*() {
      const filter = yield* Options.filterOf(selected)
      const exported = yield* connected(Effect.gen(function*() {
        const operations = yield* Operations
        // This fails if there is no such consumer.
        if (filter.consumer !== undefined) yield* operations.stuckKeys({ consumer: filter.consumer, limit: 1 })
        let count = 0
        let before: string | undefined
        while (true) {
          const some = yield* DeadLetters.list({
            ...filter,
            state: state === "any" ? undefined : state,
            before,
            limit: page
          })
          for (const one of some) yield* Output.jsonLine(one)
          count += some.length
          before = some.at(-1)?.id
          if (some.length < page) return count
        }
      }))
      yield* Output.hint(`exported ${exported} dead letters`)
    })
).pipe(Command.withDescription("Write dead letters to the standard output, one JSON line each, without loss"))
