/**
 * `millrace stuck` and `millrace keys`: the held keys, with what waits behind each.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as DeadLetters from "../../DeadLetters.ts"
import type { StuckKey } from "../../ops/KeyFacts.ts"
import { Operations } from "../../ops/Operations.ts"
import { CliFailure } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import * as SafeText from "../output/SafeText.ts"
import * as Times from "../output/Times.ts"
import * as Options from "./Options.ts"
import * as Rows from "./Rows.ts"

/** Returns why a key is held, for an operator. */
export const holdOf = ({ deadLetter, parked, paused, retryAt }: StuckKey, now: number): string =>
  [
    parked
      ? deadLetter === undefined
        ? "parked behind no open dead letter"
        : `parked by ${Options.shortId(deadLetter.id)} ${deadLetter.tag}`
      : undefined,
    retryAt === undefined ? undefined : `retry in ${Times.short(Math.max(0, retryAt - now))}`,
    paused === undefined ? undefined : `paused by ${paused.by} since ${Times.utc(paused.at)}`
  ].filter((part) => part !== undefined).join(", ") || "due"

/** Returns the last failure of the message that a key waits for, in one line. */
const failureOf = ({ lastFailure }: StuckKey): string => {
  if (lastFailure === undefined) return "-"
  const { attempt, message, step, tag } = lastFailure
  return `${tag} in ${step}, attempt ${attempt}${message === "" ? "" : `: ${message.split("\n")[0]}`}`
}

const heldTable = (keys: ReadonlyArray<StuckKey>, now: number): ReadonlyArray<Output.OutputLine> =>
  Output.table(keys, [
    { title: "CONSUMER", of: ({ consumer }) => consumer },
    { title: "KEY", of: ({ key }) => key },
    { title: "BEHIND", numeric: true, of: ({ behind }) => Rows.countCell(behind, "yellow") },
    { title: "OLDEST", numeric: true, of: ({ oldestAt }) => Times.ago(oldestAt, now) },
    { title: "LANE", numeric: true, of: ({ lane }) => String(lane) },
    { title: "HELD", of: (key) => holdOf(key, now) },
    { title: "LAST FAILURE", of: failureOf }
  ], "No key is held.")

const hold = Flag.Literals("hold", ["parked", "delayed", "paused"]).pipe(
  Flag.withDescription("Only keys that are held for this reason"),
  Flag.optional
)

const page = Options.int("limit", "The most keys, 1 to 100. Default 25", 25, 1, 100)

const after = Options.text("after", "cursor", "The next page: `next` of the page before, or consumer:key")

/** Returns the cursor behind the last key. A consumer's name has no colon, so the key begins behind the first one. */
const cursorOf = (keys: ReadonlyArray<StuckKey>, limit: number): string | undefined => {
  const last = keys.at(-1)
  return last === undefined || keys.length < limit ? undefined : `${last.consumer}:${last.key}`
}

const parseCursor = (cursor: string): { readonly consumer: string; readonly key: string } => {
  const at = cursor.indexOf(":")
  return { consumer: cursor.slice(0, Math.max(0, at)), key: cursor.slice(at + 1) }
}

const flags = { consumer: Options.consumer, hold, limit: page, after }

const list = Effect.fnUntraced(function*(
  { after, consumer, hold, limit }: {
    readonly consumer: Option.Option<string>
    readonly hold: Option.Option<"parked" | "delayed" | "paused">
    readonly limit: number
    readonly after: Option.Option<string>
  }
) {
  const { keys, now } = yield* connected(Effect.gen(function*() {
    const operations = yield* Operations
    const keys = yield* operations.stuckKeys({
      consumer: Option.getOrUndefined(consumer),
      hold: Option.getOrUndefined(hold),
      limit,
      after: Option.getOrUndefined(Option.map(after, parseCursor))
    })
    return { keys, now: yield* Rows.now }
  }))
  const next = cursorOf(keys, limit)
  yield* Output.emit({ data: keys, next, lines: heldTable(keys, now) })
  const parked = keys.find(({ deadLetter }) => deadLetter !== undefined)
  if (parked !== undefined) {
    yield* Output.hint(`next: millrace dead show ${Options.numberOf(parked.deadLetter!.id)}`)
  }
  if (next !== undefined) yield* Output.hint(`There may be more: --after ${SafeText.forShell(next)}`)
})

export const stuck = Command.make("stuck", flags, list).pipe(
  Command.withDescription("List the held keys: why each is held, and how many messages wait behind it")
)

export const keysList = Command.make("list", flags, list).pipe(
  Command.withDescription("List the held keys, as `millrace stuck` does")
)

/** The arguments that name a key of a consumer. */
export const keyOf = {
  consumer: Options.argument("consumer", "The consumer"),
  key: Options.argument("key", "The key, exactly as `millrace stuck --json` shows it")
}

/** Returns a held key with its open dead letters. Fails if the consumer holds no such key. */
export const heldKey = Effect.fnUntraced(function*(consumer: string, key: string) {
  const operations = yield* Operations
  const [held] = yield* operations.stuckKeys({ consumer, key })
  const open = yield* DeadLetters.list({ consumer, key, state: "open" })
  if (held !== undefined || open.length > 0) return { held, deadLetters: open }
  const others = yield* operations.stuckKeys({ consumer })
  return yield* new CliFailure({
    reason: "notFound",
    type: "key-not-found",
    message: `Consumer ${JSON.stringify(consumer)} does not hold key ${
      JSON.stringify(key)
    }, and has no open dead letter of it. Nothing was changed.\n${
      others.length === 0
        ? "It holds no key."
        : `It holds: ${others.slice(0, 10).map((one) => JSON.stringify(one.key)).join(", ")}.`
    }`,
    fields: { consumer, key }
  })
})

export const keysShow = Command.make("show", keyOf, ({ consumer, key }) =>
  Effect.gen(function*() {
    const { deadLetters, held, now } = yield* connected(Effect.gen(function*() {
      return { ...yield* heldKey(consumer, key), now: yield* Rows.now }
    }))
    yield* Output.emit({
      data: { consumer, key, held, deadLetters },
      lines: [
        ...Output.pairs([
          ["consumer", consumer],
          ["key", key],
          ["held", held === undefined ? "no" : holdOf(held, now)],
          ["messages behind", held === undefined ? "-" : Rows.countCell(held.behind, "yellow")],
          ["oldest of these", Times.ago(held?.oldestAt, now)],
          ["last failure", held === undefined ? "-" : failureOf(held)],
          ["lane", held === undefined ? "-" : String(held.lane)]
        ]),
        Output.line(""),
        ...Output.table(deadLetters, [
          { title: "DEAD LETTER", of: ({ id }) => Options.shortId(id) },
          { title: "MESSAGE", of: ({ message }) => message.id },
          { title: "PARKS", of: ({ parked }) => parked ? "yes" : "no" },
          { title: "DIED", of: ({ diedAt }) => Times.ago(diedAt, now) },
          { title: "ERROR", of: ({ attempts, tag }) => `${tag}: ${attempts.at(-1)?.message ?? ""}` }
        ], "No dead letter of this key is open.")
      ]
    })
  })).pipe(Command.withDescription("Show why a key is held, and its open dead letters"))
