/**
 * The measurements of one process: `npm run bench`, and with `yardstick` or `publish` (`fractions.ts`, `publishes.ts`).
 *
 * Without a name it compares Millrace with the bare prototype and the ceiling, in one run, on one Postgres
 * (`DATABASE_URL`, or one from npm). Each runs in turn, several times. The medians and their ratios count, not the
 * single figures. The exit code is 1 if Millrace does less than half of the prototype. `--short` runs fewer messages
 * and rounds, for CI. Two short rounds are noise, so it fails only under a third.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Redacted } from "effect"
import { Postgres } from "millrace/postgres"
import { parseArgs } from "node:util"
import { givenOrStarted } from "../setup/server.ts"
import { ceiling } from "./ceiling.ts"
import { median } from "./figures.ts"
import { fractions } from "./fractions.ts"
import { millrace } from "./millrace.ts"
import { prototype } from "./prototype.ts"
import { publishes } from "./publishes.ts"

const { positionals: [scenario], values } = parseArgs({
  allowPositionals: true,
  options: { short: { type: "boolean", default: false }, messages: { type: "string" } }
})
const messages = Number(values.messages ?? (values.short ? 10_000 : 40_000))
const rounds = values.short ? 2 : 5
const keys = 1000
/**
 * A key's messages commit in order: how much of the rate is left when there are hardly any keys to run side by side.
 */
const hotKeys = 4
const hotMessages = messages / 4
const floor = values.short ? 0.33 : 0.5

const bench = Effect.gen(function*() {
  const figures = {
    ceiling: [] as Array<number>,
    prototype: [] as Array<number>,
    millrace: [] as Array<number>,
    publish: [] as Array<number>,
    hot: [] as Array<number>
  }
  for (let round = 0; round < rounds; round++) {
    figures.ceiling.push(yield* ceiling(messages))
    figures.prototype.push(yield* prototype(messages, keys))
    const { publishRate, rate } = yield* millrace(messages, keys)
    figures.millrace.push(rate)
    figures.publish.push(publishRate)
    figures.hot.push((yield* millrace(hotMessages, hotKeys)).rate)
    yield* Console.log(
      `round ${round + 1}: ceiling ${figures.ceiling[round]!.toFixed(0)}/s, prototype ${
        figures.prototype[round]!.toFixed(0)
      }/s, `
        + `millrace ${rate.toFixed(0)}/s (published at ${publishRate.toFixed(0)}/s), `
        + `over ${hotKeys} keys ${figures.hot[round]!.toFixed(0)}/s`
    )
  }
  const ratio = median(figures.millrace) / median(figures.prototype)
  yield* Console.log(
    `medians of ${rounds} rounds of ${messages} messages, ${keys} keys: ceiling ${
      median(figures.ceiling).toFixed(0)
    }/s, `
      + `prototype ${median(figures.prototype).toFixed(0)}/s, millrace ${
        median(figures.millrace).toFixed(0)
      }/s, publishAll ${median(figures.publish).toFixed(0)}/s`
  )
  yield* Console.log(
    `millrace / prototype ${ratio.toFixed(2)} (floor ${floor}), millrace / ceiling ${
      (median(figures.millrace) / median(figures.ceiling)).toFixed(2)
    }`
  )
  yield* Console.log(
    `over ${hotKeys} keys / over ${keys} keys ${(median(figures.hot) / median(figures.millrace)).toFixed(2)}`
  )
  if (ratio < floor) return yield* Effect.die(`millrace does ${ratio.toFixed(2)} of the prototype, less than ${floor}`)
})

const schema = "millrace_bench"
const scenarioOf = (url: string) =>
  scenario === "yardstick"
    ? fractions({ url, schema, messages, keys, rounds })
    : scenario === "publish"
    ? publishes({ schema, messages: messages / 4, rounds })
    : bench

const program = Effect.acquireUseRelease(
  Effect.promise(() => givenOrStarted({ settings: ["shared_preload_libraries=pg_stat_statements"] })),
  ({ url }) => Effect.provide(scenarioOf(url), Postgres.layer({ url: Redacted.make(url), schema })),
  (server) => Effect.promise(() => server.stop())
)

NodeRuntime.runMain(program)
