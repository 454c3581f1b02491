/**
 * `millrace watch`: the status again and again. A terminal shows one screen, and other output gets a line for each
 * consumer.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import type { ConsumerFacts } from "../../ops/ConsumerFacts.ts"
import { show } from "../../ops/Fact.ts"
import { CliFailure } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import * as Times from "../output/Times.ts"
import * as Rows from "./Rows.ts"
import { consumer, detail, look, overview } from "./StatusCommand.ts"

const every = Flag.String("every").pipe(
  Flag.withMetavar("duration"),
  Flag.withDescription("Time between two looks, at least 100ms. Default 1s"),
  Flag.withDefault("1s")
)

const times = Flag.Int("times").pipe(Flag.withDescription("End after this many looks. Default: no end"), Flag.optional)

/** Moves to the top left, and clears everything below. */
const clear = "\u001b[H\u001b[J"

const raw = (text: string) => Stdio.Stdio.use((stdio) => Effect.ignore(Stream.run(Stream.make(text), stdio.stdout())))

/** Returns one line for each consumer, with the time. */
const plain = (all: ReadonlyArray<ConsumerFacts>, now: number): ReadonlyArray<Output.OutputLine> =>
  all.length === 0 ? [Output.line(`${Times.utc(now)} There is no consumer.`)] : all.map((one) =>
    Output.line(
      `${Times.utc(now)} ${one.consumer} waiting=${show(one.waiting)} lag=${Times.short(one.lag.millis)}`
        + ` in=${Rows.rate(one.rates.inPerSecond)}/s out=${Rows.rate(one.rates.outPerSecond)}/s`
        + ` parked=${show(one.parkedKeys)} dead=${show(one.deadLetters)} workers=${one.workers} ${one.lag.sentence}`
    )
  )

/** Waits until the operator ends the screen by `q`, Escape or Ctrl-C. */
const quit = Effect.scoped(Effect.gen(function*() {
  const terminal = yield* Terminal.Terminal
  const keys = yield* terminal.readInput
  while (true) {
    const { input } = yield* Queue.take(keys)
    if (Option.isSome(input) && input.value === "q") return
  }
})).pipe(Effect.ignore)

const looks = Effect.fnUntraced(function*(
  name: Option.Option<string>,
  millis: number,
  most: number,
  screen: boolean
) {
  for (let i = 0; i < most; i++) {
    if (i > 0) yield* Effect.sleep(millis)
    const all = yield* look(name)
    const now = yield* Rows.now
    const [one] = all
    if (!screen) {
      yield* Output.emit({ data: all, items: all, lines: plain(all, now) })
      continue
    }
    yield* raw(clear)
    yield* Output.lines([
      Output.line(Output.styled("bold", `millrace ${Times.utc(now)}`), "   q quits"),
      Output.line(""),
      ...(Option.isSome(name) && one !== undefined ? detail(one, now) : overview(all))
    ])
  }
})

export const watch = Command.make(
  "watch",
  { consumer, every, times },
  ({ consumer, every, times }) =>
    Effect.gen(function*() {
      const millis = Times.millisOf(every)
      if (millis === undefined || millis < 100) {
        return yield* new CliFailure({
          reason: "usage",
          type: "usage",
          message: `--every is ${JSON.stringify(every)}, but it must be a duration of at least 100ms, for example 2s.`
        })
      }
      const { canAnimate, canPrompt } = yield* TerminalCapabilities.TerminalCapabilities
      const screen = canAnimate && !(yield* Output.isJson)
      const all = connected(looks(consumer, millis, Option.getOrElse(times, () => Infinity), screen))
      yield* screen && canPrompt ? Effect.raceFirst(all, quit) : all
    })
).pipe(Command.withDescription("Show the status again and again: a screen on a terminal, lines elsewhere"))
