/**
 * Flags and arguments that several commands share.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Filter } from "../../DeadLetter.ts"
import type { InvalidSetting } from "../../Errors.ts"
import * as DeadLetterSearch from "../../ops/DeadLetterSearch.ts"
import * as TraceLink from "../../ops/TraceLink.ts"
import type { CliFailure } from "../frame/CliFailure.ts"
import { variable } from "../frame/GlobalSettings.ts"
import * as Times from "../output/Times.ts"

/** Returns an optional flag with a text. */
export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

/** Returns a flag that is off by default. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withoutNegation, Flag.withDefault(false))

/** Returns a whole number with a default. */
export const int = (name: string, description: string, by: number, least = 1, most = 1_000) =>
  Flag.Int(name).pipe(
    Flag.withDescription(description),
    Flag.withDefault(by),
    Flag.filter(
      (value) => value >= least && value <= most,
      () => `a whole number from ${least} to ${most}`
    )
  )

export const consumer = text("consumer", "name", "Only this consumer")

export const limit = int("limit", "The most rows, 1 to 1,000. Default 100", 100)

/** The address of a trace, for commands that show a message. */
export const traceUrl = text(
  "trace-url",
  "url",
  "The address of a trace, such as https://traces.example.com/trace/{traceId}. Default: MILLRACE_TRACE_URL"
)

/** Returns the link of the flag, or of the variable MILLRACE_TRACE_URL. */
export const traceLink = Effect.fnUntraced(function*(given: Option.Option<string>) {
  const template = Option.getOrUndefined(given) ?? (yield* variable("MILLRACE_TRACE_URL"))
  return template === undefined ? undefined : yield* Effect.fromResult(TraceLink.parse(template))
})

/** Returns an argument that must be given. */
export const argument = (name: string, description: string) =>
  Argument.String(name).pipe(Argument.withDescription(description))

/** The flags that select dead letters. */
export const filter = {
  consumer,
  topic: text("topic", "name", "Only messages of this topic"),
  key: text("key", "key", "Only messages of this key"),
  message: text("message", "id", "Only the message with this id"),
  failure: text("failure", "fingerprint", "Only this failure group, as `dead groups` shows it"),
  error: text("error", "tag", "Only this tag of the last error"),
  reason: Flag.Literals("reason", ["exhausted", "rejected", "undecodable", "crashed"]).pipe(
    Flag.withDescription("Only this reason"),
    Flag.optional
  ),
  since: Times.flag("since", "Only those that died at this time or later"),
  until: Times.flag("until", "Only those that died before this time")
}

/** The flags that search dead letters, in addition to {@link filter}. No index has what they look for. */
export const search = {
  // `--version` is the version of this program.
  diedOn: text("died-on", "version", "Only those whose last attempt was made by this version of the code"),
  text: text("text", "text", "Only those with this text in the payload, the key, the id or an attempt"),
  value: text("value", "path:value", "Only those with this value in the payload: bank.code:51")
}

/** The parsed flags of {@link filter}. */
export interface Selected {
  readonly consumer: Option.Option<string>
  readonly topic: Option.Option<string>
  readonly key: Option.Option<string>
  readonly message: Option.Option<string>
  readonly failure: Option.Option<string>
  readonly error: Option.Option<string>
  readonly reason: Option.Option<NonNullable<Filter["reason"]>>
  readonly since: Option.Option<string>
  readonly until: Option.Option<string>
}

/** Returns the filter of the flags. */
export const filterOf = Effect.fnUntraced(function*(
  selected: Selected
): Effect.fn.Return<Omit<Filter, "state">, CliFailure> {
  const given = Option.getOrUndefined
  return {
    consumer: given(selected.consumer),
    topic: given(selected.topic),
    key: given(selected.key),
    id: given(selected.message),
    fingerprint: given(selected.failure),
    tag: given(selected.error),
    reason: given(selected.reason),
    since: yield* Times.given(given(selected.since)),
    until: yield* Times.given(given(selected.until))
  }
})

/** The parsed flags of {@link search}. */
export interface Searched {
  readonly diedOn: Option.Option<string>
  readonly text: Option.Option<string>
  readonly value: Option.Option<string>
}

/** The part of a search that no filter of a frozen set has. */
export type Search = Pick<DeadLetterSearch.DeadLetterSearch, "version" | "text" | "payload">

/** Returns the search of the flags. */
export const searchOf = Effect.fnUntraced(function*(
  { diedOn, text, value }: Searched
): Effect.fn.Return<Search, InvalidSetting> {
  const given = Option.getOrUndefined
  const asked = given(value)
  return {
    version: given(diedOn),
    text: given(text),
    payload: asked === undefined ? undefined : yield* Effect.fromResult(DeadLetterSearch.payloadValue(asked))
  }
})

/** Returns whether a filter or a search selects anything. */
export const isEmpty = (filter: Filter | Search): boolean => Object.values(filter).every((value) => value === undefined)

/**
 * Returns the id of a dead letter or of a redrive run in its full length. `7` and `#7` are short forms; a shell needs
 * quotes for `#7`.
 */
export const fullId = (given: string): string => {
  const digits = given.replace(/^#/, "")
  return /^\d{1,16}$/.test(digits) ? digits.padStart(16, "0") : given
}

/** Returns a flag with the id of a dead letter or of an audit entry. */
export const id = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("id"),
    Flag.withDescription(description),
    Flag.map(fullId),
    Flag.filter((value) => /^\d{16}$/.test(value), () => "an id of at most 16 digits"),
    Flag.optional
  )

/** The flag for the next page of a list that is ordered by id. */
export const before = id("before", "The next page: the last id, or `next` of the page before").pipe(
  Flag.withAlias("cursor")
)

/** Returns the short form of an id as a command takes it: `7`. */
export const numberOf = (id: string): string => id.replace(/^0+(?=\d)/, "")

/** Returns the short form of a dead letter's id: `#7`. */
export const shortId = (id: string): string => `#${numberOf(id)}`
