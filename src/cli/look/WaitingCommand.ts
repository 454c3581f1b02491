/**
 * `millrace messages list`: the messages of a queue with their states, lane after lane or of one key in their order.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { WaitingMessage } from "../../ops/MessageFacts.ts"
import { Operations } from "../../ops/Operations.ts"
import { usage } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import * as Times from "../output/Times.ts"
import * as MessageTexts from "./MessageTexts.ts"
import * as Options from "./Options.ts"
import * as Rows from "./Rows.ts"

type State = WaitingMessage["state"]

/** The messages of one page, and the most messages that a search for a state looks at. */
const pageSize = 200
const mostLooked = 20_000

const states = ["waiting", "in-flight", "held", "due"] as const

const state = Flag.Literals("state", states).pipe(
  Flag.withDescription("Only messages in this state. A search for it looks at 20,000 messages"),
  Flag.optional
)

const colors = { inFlight: "green", held: "yellow", due: "yellow", waiting: "plain" } as const

/** Returns the place of a cursor: `3:77` is the place 77 in lane 3. */
const placeOf = (cursor: string) =>
  /^\d{1,9}:\d{1,19}$/.test(cursor)
    ? Effect.succeed({ lane: Number(cursor.split(":")[0]), place: cursor.split(":")[1]! })
    : usage(`--after is ${JSON.stringify(cursor)}, but it must be \`next\` of the page before. Nothing was read.`)

/** Reads the queue from a place on, until so many messages have the state. */
const read = Effect.fnUntraced(function*(
  consumer: string,
  query: {
    readonly key: string | undefined
    readonly after: { readonly lane: number; readonly place: string } | undefined
  },
  wanted: State | undefined,
  limit: number
) {
  const operations = yield* Operations
  const found: Array<WaitingMessage> = []
  let [after, looked] = [query.after, 0]
  while (looked < mostLooked) {
    const most = wanted === undefined ? limit : pageSize
    const page = yield* operations.waiting(consumer, { key: query.key, after, limit: most })
    for (const message of page) {
      looked++
      after = { lane: message.lane, place: message.place }
      if (wanted === undefined || message.state === wanted) found.push(message)
      if (found.length === limit) return { found, next: after }
    }
    if (page.length < most) return { found, next: undefined }
  }
  return { found, next: after }
})

const table = (all: ReadonlyArray<WaitingMessage>, now: number): ReadonlyArray<Output.OutputLine> =>
  Output.table(all, [
    { title: "MESSAGE", of: ({ id }) => id },
    { title: "TOPIC", of: ({ topic }) => topic },
    { title: "KEY", of: ({ key }) => key },
    { title: "STATE", of: ({ state }) => Output.styled(colors[state], MessageTexts.stateOf(state)) },
    { title: "LANE", numeric: true, of: ({ lane }) => String(lane) },
    { title: "PUBLISHED", numeric: true, of: ({ publishedAt }) => Times.ago(publishedAt, now) },
    { title: "ATTEMPTS", numeric: true, of: ({ attempts }) => String(attempts) },
    { title: "CRASHES", numeric: true, of: ({ crashCount }) => String(crashCount) },
    { title: "WORKER", of: ({ worker }) => worker ?? "-" }
  ], "No such message waits.")

export const messagesList = Command.make(
  "list",
  {
    consumer: Options.argument("consumer", "The consumer"),
    key: Options.text("key", "key", "Only messages of this key, in their order"),
    state,
    limit: Options.int("limit", "The most messages, 1 to 200. Default 50", 50, 1, 200),
    after: Options.text("after", "cursor", "The next page: `next` of the page before").pipe(Flag.withAlias("cursor"))
  },
  ({ after, consumer, key, limit, state }) =>
    Effect.gen(function*() {
      const at = Option.isNone(after) ? undefined : yield* placeOf(after.value)
      const wanted = Option.getOrUndefined(Option.map(state, (one): State => one === "in-flight" ? "inFlight" : one))
      const { found, next, now } = yield* connected(Effect.gen(function*() {
        const query = { key: Option.getOrUndefined(key), after: at }
        return { ...yield* read(consumer, query, wanted, limit), now: yield* Rows.now }
      }))
      const cursor = next === undefined ? undefined : `${next.lane}:${next.place}`
      yield* Output.emit({ data: found, next: cursor, lines: table(found, now) })
      if (cursor !== undefined) yield* Output.hint(`There may be more: --after ${cursor}`)
    })
).pipe(Command.withDescription("List the messages of a queue: waiting, in flight, held, or due again"))
