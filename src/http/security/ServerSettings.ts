/**
 * The settings of the server, checked once before it serves anything.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import type { FrozenSet } from "../../DeadLetter.ts"
import { InvalidSetting } from "../../Errors.ts"
import * as GivenDuration from "../../internal/GivenDuration.ts"
import type { PurgePreview } from "../../ops/Purge.ts"
import type { RedrivePreview } from "../../ops/RedriveRun.ts"
import * as TraceLink from "../../ops/TraceLink.ts"
import type { Topic } from "../../Topic.ts"
import type { Actor, Role } from "../api/Access.ts"
import * as Redaction from "./Redaction.ts"
import * as Secrets from "./Secrets.ts"
import * as Shelf from "./Shelf.ts"

/**
 * A secret that gives a role, in the header `Authorization: Bearer <token>` or at the sign-in.
 *
 * @since 0.1.0
 */
export interface Token {
  /** At least 16 characters. */
  readonly token: Redacted.Redacted
  readonly role: Role
  /**
   * The name that the audit keeps. The operator may give another one at the sign-in, or in the header `Millrace-By`.
   */
  readonly name: string
}

/**
 * Options of the server. One of `tokens`, `code` and `authenticate` is needed, since the server is closed by default.
 *
 * @since 0.1.0
 */
export interface ServerOptions {
  /** The path below which everything is served: `/ops`. Default `/`. */
  readonly path?: `/${string}` | undefined
  /** Tokens with their roles. */
  readonly tokens?: ReadonlyArray<Token> | undefined
  /** A code for one sign-in, which the command line prints as a part of the link. It ends with its first use. */
  readonly code?: { readonly code: Redacted.Redacted; readonly actor: Actor } | undefined
  /**
   * Your own authentication. It returns the operator of a request. If it returns undefined, tokens and sessions are
   * tried. It is asked again every few seconds while a live stream is open, and may so end the stream.
   */
  readonly authenticate?:
    | ((request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Actor | undefined>)
    | undefined
  /**
   * Names under which the server is reached, with or without a port. A request with another Host is refused.
   * `localhost`, `127.0.0.1` and `[::1]` are always allowed.
   */
  readonly hosts?: ReadonlyArray<string> | undefined
  /** `onRequest`: a dead letter comes without its payload, which has a request of its own. Default `shown`. */
  readonly payloads?: "shown" | "onRequest" | undefined
  /**
   * Values of payloads that no answer contains: `$.card.number`, `$.lines[*].iban`. An operator can edit such a
   * payload, and the hidden values stay.
   */
  readonly hide?: ReadonlyArray<string> | undefined
  /**
   * The address at which a tracing system shows a trace: `https://traces.example.com/trace/{traceId}`. A message with a
   * `traceparent` header then has a link to its trace. Default: its trace id only.
   */
  readonly traceUrl?: string | undefined
  /** Topics whose Schemas check an edited payload. Without its topic only the JSON of an edit is checked. */
  readonly topics?: ReadonlyArray<Topic<string, Schema.Codec<unknown, unknown>>> | undefined
  /** The most bytes of a request's body. Default 1 MiB, and some room for the JSON around it. */
  readonly bodyBytes?: number | undefined
  /** The most live streams at the same time. Default 100. */
  readonly streams?: number | undefined
  /** How long a session lasts. Default 12 hours. */
  readonly session?: Duration.Input | undefined
}

/** An operator, and the name under which its changes are counted. The operator cannot choose the second name. */
export interface Entered {
  readonly actor: Actor
  readonly countedAs: string
}

/** The settings of the server, and what it keeps in this process. */
export class Settings extends Context.Service<Settings, {
  /** The path without a slash at its end: empty or `/ops`. */
  readonly path: string
  readonly tokens: ReadonlyArray<Token>
  readonly authenticate: NonNullable<ServerOptions["authenticate"]> | undefined
  readonly hosts: ReadonlyArray<string>
  readonly payloads: "shown" | "onRequest"
  readonly redaction: Redaction.Redaction
  readonly traceLink: TraceLink.Link | undefined
  readonly topics: ReadonlyMap<string, Topic<string, Schema.Codec<unknown, unknown>>>
  readonly bodyBytes: number
  readonly streams: number
  readonly sessions: Shelf.Shelf<Entered>
  readonly sessionMillis: number
  readonly takeCode: (code: string) => Effect.Effect<Actor | undefined>
  readonly previews: Shelf.Shelf<RedrivePreview>
  readonly purges: Shelf.Shelf<PurgePreview>
  readonly sets: Shelf.Shelf<FrozenSet>
}>()("millrace/http/Settings") {}

const refuse = (setting: string, got: unknown, expected: string) =>
  new InvalidSetting({ setting, got: String(got), expected })

const defaults = { bodyBytes: 1_048_576 + 65_536, streams: 100, session: "12 hours" } as const

/** The most sessions and previews that a process keeps. */
const mostSessions = 1_000
const mostPreviews = 200

/** Returns the first setting that cannot be used. */
const problem = (options: ServerOptions): InvalidSetting | undefined => {
  const { authenticate, bodyBytes, code, hide = [], path = "/", streams, tokens = [] } = options
  if (authenticate === undefined && code === undefined && tokens.length === 0) {
    return refuse("tokens", "empty", "the server is closed by default: one of tokens, code and authenticate is needed")
  }
  const short = tokens.find(({ token }) => Redacted.value(token).length < 16)
  if (short !== undefined) {
    return refuse("tokens", `a short token of ${short.name}`, "at least 16 characters are needed")
  }
  if (!/^\/([\w.~-]+(\/[\w.~-]+)*)?$/.test(path)) {
    return refuse("path", path, "a path like /ops is needed, without a slash at its end")
  }
  const bad = hide.find((one) => Redaction.parse(one) === undefined)
  if (bad !== undefined) return refuse("hide", bad, "a JSON path like $.card.number or $.lines[*].iban is needed")
  for (const [name, value] of [["bodyBytes", bodyBytes], ["streams", streams]] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      return refuse(name, value, "a whole number above 0 is needed")
    }
  }
  return undefined
}

/** Returns a host as requests name it: in lower case, and an address of IPv6 in brackets. */
const asHost = (host: string): string =>
  (/^[\da-f]*:[\da-f.]*:[\da-f:.]*$/i.test(host) ? `[${host}]` : host).toLowerCase()

/** Checks the options, and makes what the server keeps. */
export const make = Effect.fnUntraced(function*(options: ServerOptions) {
  const bad = problem(options)
  if (bad !== undefined) return yield* bad
  const { code, path = "/" } = options
  const millis = GivenDuration.millis(options.session ?? defaults.session)
  if (!(millis > 0)) return yield* GivenDuration.refusal("session", options.session, "a duration above 0 is needed")
  const traceLink = options.traceUrl === undefined
    ? undefined
    : yield* Effect.fromResult(TraceLink.parse(options.traceUrl))
  let unused = code
  return Settings.of({
    path: path === "/" ? "" : path,
    tokens: options.tokens ?? [],
    authenticate: options.authenticate,
    hosts: ["localhost", "127.0.0.1", "[::1]", ...(options.hosts ?? [])].map(asHost),
    payloads: options.payloads ?? "shown",
    redaction: Redaction.make((options.hide ?? []).map((one) => Redaction.parse(one)!)),
    traceLink,
    topics: new Map((options.topics ?? []).map((topic) => [topic.name, topic])),
    bodyBytes: options.bodyBytes ?? defaults.bodyBytes,
    streams: options.streams ?? defaults.streams,
    sessions: Shelf.make({ ttl: Duration.millis(millis), most: mostSessions }),
    sessionMillis: millis,
    takeCode: (given) =>
      Effect.sync(() => {
        if (unused === undefined || !Secrets.same(Redacted.value(unused.code), given)) return undefined
        const { actor } = unused
        unused = undefined
        return actor
      }),
    previews: Shelf.make({ ttl: Duration.minutes(10), most: mostPreviews }),
    purges: Shelf.make({ ttl: Duration.minutes(10), most: mostPreviews }),
    sets: Shelf.make({ ttl: Duration.minutes(10), most: mostPreviews })
  })
})
