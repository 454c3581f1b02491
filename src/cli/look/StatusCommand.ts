/**
 * `millrace status`: every consumer with its queue, and why it lags.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ConsumerFacts } from "../../ops/ConsumerFacts.ts"
import { showMillis } from "../../ops/Fact.ts"
import { Operations } from "../../ops/Operations.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import type { Cell } from "../output/Table.ts"
import * as Times from "../output/Times.ts"
import * as Limits from "./Limits.ts"
import * as Rows from "./Rows.ts"

/** Returns the state of a consumer in one word. */
const stateOf = ({ lag, paused, workers }: ConsumerFacts): Cell =>
  paused !== undefined
    ? Output.styled("yellow", "paused")
    : lag.cause._tag === "CommitWaits"
    ? Output.styled("red", "blocked")
    : workers === 0
    ? Output.styled(lag.cause._tag === "NoWorker" ? "red" : "dim", "no worker")
    : Output.styled("green", "running")

/** Returns the table of consumers. */
export const overview = (all: ReadonlyArray<ConsumerFacts>): ReadonlyArray<Output.OutputLine> =>
  Output.table(all, [
    { title: "CONSUMER", of: ({ consumer }) => consumer },
    { title: "STATE", of: stateOf },
    { title: "WAITING", numeric: true, of: ({ waiting }) => Rows.countCell(waiting) },
    { title: "LAG", numeric: true, of: ({ lag }) => Times.short(lag.millis) },
    { title: "IN/S", numeric: true, of: ({ rates }) => Rows.rate(rates.inPerSecond) },
    { title: "OUT/S", numeric: true, of: ({ rates }) => Rows.rate(rates.outPerSecond) },
    { title: "PARKED", numeric: true, of: ({ parkedKeys }) => Rows.countCell(parkedKeys, "yellow") },
    { title: "DELAYED", numeric: true, of: ({ delayedKeys }) => Rows.countCell(delayedKeys) },
    { title: "DEAD", numeric: true, of: ({ deadLetters }) => Rows.countCell(deadLetters, "red") },
    { title: "WORKERS", numeric: true, of: ({ workers }) => String(workers) },
    { title: "LANES", numeric: true, of: ({ lanes, ownedLanes }) => `${ownedLanes}/${lanes}` },
    { title: "WHY", of: ({ lag }) => lag.sentence }
  ], "There is no consumer. A consumer registers when its first worker starts.")

/** Returns the lines of one consumer. */
export const detail = (one: ConsumerFacts, now: number): ReadonlyArray<Output.OutputLine> =>
  Output.pairs([
    ["consumer", one.consumer],
    ["state", stateOf(one)],
    ["why", one.lag.sentence],
    ["topics", one.topics.join(", ")],
    ["waiting", Rows.countCell(one.waiting)],
    ["oldest", Times.ago(one.oldestAt, now)],
    ["lag", showMillis(one.lag.millis)],
    ["rates", `${Rows.rate(one.rates.inPerSecond)} in/s, ${Rows.rate(one.rates.outPerSecond)} out/s`],
    ["parked keys", Rows.countCell(one.parkedKeys, "yellow")],
    ["delayed keys", Rows.countCell(one.delayedKeys)],
    ["paused keys", Rows.countCell(one.pausedKeys)],
    ["dead letters", Rows.countCell(one.deadLetters, "red")],
    ["redriving", Rows.countCell(one.redriving)],
    ["workers", `${one.workers}, code ${Rows.versions(one.codeVersions)}`],
    ["lanes", `${one.ownedLanes} of ${one.lanes} owned, ${one.freeLanes} with messages and no owner`],
    ["behind a dead letter", one.order === "park" ? "the key waits (park)" : "the key continues (continue)"],
    ["registered", Times.utc(one.registeredAt)]
  ])

/** Returns all consumers, or the named one. */
export const look = (consumer: Option.Option<string>) =>
  Effect.flatMap(Operations, (operations) =>
    Option.match(consumer, {
      onNone: () => operations.consumers,
      onSome: (name) => Effect.map(operations.consumer(name), (one) => [one])
    }))

/** The argument for one consumer, or all of them. */
export const consumer = Argument.String("consumer").pipe(
  Argument.withDescription("One consumer, in detail. Default: all consumers"),
  Argument.optional
)

const failOn = Flag.String("fail-on").pipe(
  Flag.withMetavar("limits"),
  Flag.withDescription("End with exit code 8 if a consumer is above a limit: lag=60s,dead=0,parked=0"),
  Flag.optional
)

export const status = Command.make("status", { consumer, failOn }, ({ consumer, failOn }) =>
  Effect.gen(function*() {
    const limits = Option.isNone(failOn) ? [] : yield* Limits.parse(failOn.value)
    const { all, now } = yield* connected(Effect.all({ all: look(consumer), now: Rows.now }))
    const [one] = all
    yield* Output.emit({
      data: Option.isSome(consumer) ? one : all,
      lines: Option.isSome(consumer) && one !== undefined ? detail(one, now) : overview(all)
    })
    yield* Limits.check(Limits.crossed(all, limits))
  })).pipe(Command.withDescription("Show each consumer with its queue, its dead letters, and why it lags"))
