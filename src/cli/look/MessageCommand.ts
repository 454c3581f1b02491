/**
 * `millrace messages show`: one message with its payload, once for each place where it is stored.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { show } from "../../ops/Fact.ts"
import type { StoredMessage } from "../../ops/MessageFacts.ts"
import { Operations } from "../../ops/Operations.ts"
import type * as TraceLink from "../../ops/TraceLink.ts"
import { CliFailure } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import * as Times from "../output/Times.ts"
import * as MessageTexts from "./MessageTexts.ts"
import * as Options from "./Options.ts"
import * as Rows from "./Rows.ts"

/** Says why the key of a message is held. */
const holdOf = ({ hold }: StoredMessage, now: number): string | undefined => {
  if (hold === undefined) return undefined
  const { deadLetter, parked, pausedBy, retried, retryAt } = hold
  const by = deadLetter === undefined ? "" : ` by ${Options.shortId(deadLetter.id)} ${deadLetter.tag}`
  const retry = retried === undefined ? "" : ` of message ${retried.messageId}`
  return [
    parked ? `parked${by}` : undefined,
    retryAt === undefined ? undefined : `for a retry${retry} in ${Times.short(Math.max(0, retryAt - now))}`,
    pausedBy === undefined ? undefined : `paused by ${pausedBy}`
  ].filter((part) => part !== undefined).join(", ") || "until its worker polls again"
}

const dueOf = (dueAt: number, now: number): string =>
  `${Times.utc(dueAt)}, ${dueAt > now ? `in ${Times.short(dueAt - now)}` : "now"}`

const aheadOf = ({ ahead, message: { keyed } }: StoredMessage): string | undefined =>
  ahead === undefined || !keyed
    ? undefined
    : ahead.value === 0
    ? "first of its key"
    : `behind ${show(ahead)} of its key`

const detail = (
  one: StoredMessage,
  now: number,
  link: TraceLink.Link | undefined
): ReadonlyArray<Output.OutputLine> => {
  const { attempts, consumer, crashCount, dueAt, lane, message, name, redriven, state, worker } = one
  const pairs: ReadonlyArray<readonly [string, string | undefined]> = [
    ["message", message.id],
    ["state", MessageTexts.stateOf(state)],
    ["consumer", consumer],
    ["topic", message.topic],
    ["key", message.keyed ? message.key : "-"],
    ["place", aheadOf(one)],
    ["key held", holdOf(one, now)],
    ["due", dueAt === undefined ? undefined : dueOf(dueAt, now)],
    ["name", name],
    ["published", message.publishedAt === 0 ? undefined : Times.utc(message.publishedAt)],
    ["attempts", consumer === undefined ? undefined : `${attempts.length} failed`],
    ["crashes", crashCount === 0 ? undefined : String(crashCount)],
    ["redriven", redriven === 0 ? undefined : `${redriven} times`],
    ["lane", lane === undefined ? undefined : `${lane}, ${worker === undefined ? "without a worker" : worker}`]
  ]
  return [
    ...Output.pairs([
      ...pairs.flatMap(([label, value]) => value === undefined ? [] : [[label, value] as const]),
      ...MessageTexts.trace(message, link)
    ]),
    ...MessageTexts.attempts(attempts),
    ...MessageTexts.payload(`PAYLOAD (version ${message.version})`, message.payload),
    ...MessageTexts.headers(message.headers)
  ]
}

export const messagesShow = Command.make(
  "show",
  {
    id: Options.argument("id", "The id of the message"),
    key: Options.text("key", "key", "The key of the message. With it, a long queue is searched faster and to its end"),
    traceUrl: Options.traceUrl
  },
  ({ id, key, traceUrl }) =>
    Effect.gen(function*() {
      const link = yield* Options.traceLink(traceUrl)
      const { now, stored: { messages, searchedAll, sentences } } = yield* connected(
        Effect.all({
          stored: Operations.use(({ storedMessages }) => storedMessages(id, { key: Option.getOrUndefined(key) })),
          now: Rows.now
        })
      )
      if (messages.length === 0) {
        return yield* new CliFailure({
          reason: "notFound",
          type: "message-not-stored",
          message: [
            `Message ${JSON.stringify(id)} was found in no queue, and it is neither delayed nor unrouted.`,
            ...sentences
          ].join("\n"),
          fields: { id, searchedAll }
        })
      }
      yield* Output.emit({
        data: messages,
        lines: messages.flatMap((one, i) => [...(i === 0 ? [] : [Output.line("")]), ...detail(one, now, link)])
      })
      if (!searchedAll) yield* Output.hint(sentences.at(-1) ?? "")
    })
).pipe(
  Command.withDescription("Show a waiting, held, delayed or unrouted message: its place, attempts, headers and payload")
)
