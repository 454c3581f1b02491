/**
 * The commands that show one list of facts each: workers, lanes, delayed and unrouted messages, redrives, blockers.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Session } from "../../ops/DatabaseFacts.ts"
import { Operations } from "../../ops/Operations.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import * as SafeText from "../output/SafeText.ts"
import * as Times from "../output/Times.ts"
import * as Options from "./Options.ts"
import * as Rows from "./Rows.ts"

/** Reads facts on the database, with the time at which they are shown. */
const read = <A, E, R>(of: (operations: Operations["Service"]) => Effect.Effect<A, E, R>) =>
  connected(Effect.all({ all: Effect.flatMap(Operations, of), now: Rows.now }))

export const workersList = Command.make(
  "list",
  { consumer: Options.consumer, dead: Options.toggle("dead", "Only workers that died within the last hour") },
  ({ consumer, dead }) =>
    Effect.gen(function*() {
      const { all, now } = yield* read((operations) =>
        Effect.andThen(
          Option.isNone(consumer) ? Effect.void : operations.lanes(consumer.value),
          operations.workers
        )
      )
      const chosen = all.filter((one) =>
        (Option.isNone(consumer) || one.consumer === consumer.value) && (!dead || !one.alive)
      )
      yield* Output.emit({
        data: chosen,
        lines: Output.table(chosen, [
          { title: "CONSUMER", of: ({ consumer }) => consumer },
          { title: "WORKER", of: ({ worker }) => worker },
          { title: "STATE", of: ({ alive }) => alive ? Output.styled("green", "alive") : Output.styled("red", "dead") },
          { title: "CODE", of: ({ codeVersion }) => codeVersion === "" ? "-" : codeVersion },
          { title: "LANES", numeric: true, of: ({ lanes }) => String(lanes) },
          { title: "UP", numeric: true, of: ({ startedAt }) => Times.short(Math.max(0, now - startedAt)) },
          {
            title: "HEARTBEAT",
            of: ({ alive, aliveUntil }) =>
              alive ? `counts as alive for ${Times.short(aliveUntil - now)}` : `ended ${Times.ago(aliveUntil, now)}`
          }
        ], "No worker lives, and none died within the last hour.")
      })
    })
).pipe(Command.withDescription("List the workers that live, or died within the last hour"))

export const suspects = Command.make(
  "suspects",
  { consumer: Options.consumer },
  ({ consumer }) =>
    Effect.gen(function*() {
      const { all, now } = yield* read((operations) => operations.suspects(Option.getOrUndefined(consumer)))
      yield* Output.emit({
        data: all,
        lines: Output.table(all, [
          { title: "CONSUMER", of: ({ consumer }) => consumer },
          { title: "MESSAGE", of: ({ id }) => id },
          { title: "KEY", of: ({ key }) => key },
          { title: "LANE", numeric: true, of: ({ lane }) => String(lane) },
          { title: "CRASHES", numeric: true, of: ({ crashCount }) => String(crashCount) },
          {
            title: "SUSPICION",
            of: ({ crashedAlone, inEveryCrash }) =>
              crashedAlone
                ? Output.styled("red", "crashed alone")
                : inEveryCrash
                ? Output.styled("red", "in every crash")
                : "in some crashes"
          },
          { title: "PUBLISHED", numeric: true, of: ({ publishedAt }) => Times.ago(publishedAt, now) },
          { title: "WORKER", of: ({ worker }) => worker ?? "-" }
        ], "No waiting message was in flight when a worker died.")
      })
      const likely = all.find(({ inEveryCrash }) => inEveryCrash)
      if (likely !== undefined) {
        yield* Output.hint(
          `next: millrace messages dead-letter ${likely.consumer} ${SafeText.forShell(likely.id)} --dry-run`
        )
      }
    })
).pipe(Command.withDescription("List the waiting messages that were in flight when a worker died"))

export const lanes = Command.make(
  "lanes",
  { consumer: Options.argument("consumer", "The consumer") },
  ({ consumer }) =>
    Effect.gen(function*() {
      const { all, now } = yield* read((operations) => operations.lanes(consumer))
      yield* Output.emit({
        data: all,
        lines: Output.table(all, [
          { title: "LANE", numeric: true, of: ({ lane }) => String(lane) },
          { title: "WAITING", numeric: true, of: ({ waiting }) => Rows.countCell(waiting) },
          { title: "OLDEST", numeric: true, of: ({ oldestAt }) => Times.ago(oldestAt, now) },
          {
            title: "OWNER",
            of: ({ alone, deadOwner, owner }) =>
              owner !== undefined
                ? `${owner.worker} for ${Times.short(Math.max(0, owner.leaseUntil - now))}${
                  alone ? ", runs a suspect of a crash alone" : ""
                }`
                : deadOwner === undefined
                ? Output.styled("dim", "none")
                : Output.styled("red", `none; ${deadOwner} died`)
          }
        ], "The consumer has no lane.")
      })
    })
).pipe(Command.withDescription("List the lanes of a consumer: owner, lease, and what waits"))

export const delayed = Command.make("delayed", {}, () =>
  Effect.gen(function*() {
    const { all, now } = yield* read((operations) => operations.delayed)
    yield* Output.emit({
      data: all,
      lines: Output.table(all, [
        { title: "TOPIC", of: ({ topic }) => topic },
        { title: "MESSAGES", numeric: true, of: ({ messages }) => Rows.countCell(messages) },
        { title: "NEXT DUE", of: ({ nextAt }) => nextAt <= now ? "now" : `in ${Times.short(nextAt - now)}` }
      ], "No message waits until it is due.")
    })
  })).pipe(Command.withDescription("Count the messages that are not due yet, by topic"))

export const unrouted = Command.make("unrouted", {}, () =>
  Effect.gen(function*() {
    const { all, now } = yield* read((operations) => operations.unrouted)
    yield* Output.emit({
      data: all,
      lines: Output.table(all, [
        { title: "TOPIC", of: ({ topic }) => topic },
        { title: "MESSAGES", numeric: true, of: ({ messages }) => Rows.countCell(messages, "yellow") },
        { title: "FIRST", numeric: true, of: ({ firstAt }) => Times.ago(firstAt, now) },
        { title: "LAST", of: ({ lastAt }) => Times.ago(lastAt, now) }
      ], "Every message has a consumer.")
    })
    if (all.length > 0) {
      yield* Output.hint(
        "These wait for the first consumer of their topic. Look for a typing error in the topic's name."
      )
    }
  })).pipe(Command.withDescription("Count the messages that no consumer reads, by topic"))

export const redrives = Command.make(
  "redrives",
  {
    consumer: Options.consumer,
    actor: Options.text("actor", "name", "Only redrives of this operator"),
    since: Times.flag("since", "Only redrives at this time or later")
  },
  ({ actor, consumer, since }) =>
    Effect.gen(function*() {
      const given = Option.getOrUndefined
      const from = yield* Times.given(given(since))
      const { all, now } = yield* read((operations) =>
        operations.redrives({ consumer: given(consumer), by: given(actor), since: from })
      )
      yield* Output.emit({
        data: all,
        lines: Output.table(all, [
          { title: "CONSUMER", of: ({ consumer }) => consumer },
          { title: "BY", of: ({ by }) => by },
          { title: "LAST", numeric: true, of: ({ lastAt }) => Times.ago(lastAt, now) },
          { title: "REDRIVEN", numeric: true, of: ({ deadLetters }) => Rows.countCell(deadLetters) },
          { title: "COMMITTED", numeric: true, of: ({ committed }) => String(committed) },
          { title: "WAITING", numeric: true, of: ({ waiting }) => String(waiting) },
          { title: "AGAIN DEAD", numeric: true, of: ({ discarded, failedAgain }) => String(failedAgain + discarded) },
          { title: "NOTE", of: ({ note }) => note }
        ], "Nothing was redriven.")
      })
    })
).pipe(Command.withDescription("Show what became of redriven dead letters"))

const sessionText = ({ application, client, pid, query, state, user }: Session): string =>
  pid === 0
    ? "a prepared transaction"
    : `process ${pid}${user === "" ? "" : `, ${user}`}${application === "" ? "" : `, ${application}`}${
      client === "" ? "" : `, ${client}`
    }${state === "" ? "" : `, ${state}`}: ${query._tag === "Visible" ? query.value : query.reason}`

export const blockers = Command.make("blockers", {}, () =>
  Effect.gen(function*() {
    const { all } = yield* read((operations) =>
      Effect.all({ blockers: operations.blockers, oldestSnapshot: operations.oldestSnapshot })
    )
    const { blockers: locks, oldestSnapshot: oldest } = all
    const snapshot = oldest._tag === "NotVisible"
      ? oldest.reason
      : oldest.value === undefined
      ? "Nothing keeps old rows alive."
      : `${oldest.value.kind} ${oldest.value.name} has the oldest snapshot${
        oldest.value.millis === undefined ? "" : `, for ${Times.short(oldest.value.millis)}`
      }, ${oldest.value.transactionsAgo} transactions ago.`
    yield* Output.emit({
      data: all,
      items: locks,
      lines: [
        ...(locks.length === 0 ? [Output.line("No session of Millrace waits for a lock.")] : []),
        ...locks.flatMap(({ by, lock, waits, waitsMillis }) => [
          Output.line(Output.styled("bold", `waits ${Times.short(waitsMillis)} for ${lock}`)),
          Output.line(`  waiting  ${sessionText(waits)}`),
          Output.line(Output.styled("red", "  blocker"), `  ${sessionText(by)}`)
        ]),
        Output.line(snapshot)
      ]
    })
    const [first] = locks
    if (first !== undefined && first.by.pid !== 0) {
      yield* Output.hint(`To end the blocker, when that is safe: select pg_terminate_backend(${first.by.pid})`)
    }
  })).pipe(Command.withDescription("Show who blocks a commit or a publish, and who keeps old rows alive"))
