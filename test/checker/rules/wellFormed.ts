/**
 * The form of a history's lines: one Schema for each kind of entry, and the check of one line.
 *
 * A line is checked with the guard of its kind only, since a history of a million messages has millions of lines. The
 * reason of a refusal is worked out only for a refused line. Fields that a kind does not have are ignored.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const text = Schema.String
const int = Schema.Int
const maybeText = Schema.optional(Schema.String)
const maybeInt = Schema.optional(Schema.Int)
const maybeYes = Schema.optional(Schema.Boolean)
const reasons = ["exhausted", "rejected", "undecodable", "crashed"] as const

const at = { process: text }
const message = { consumer: text, id: text, key: text }

/** One Schema for each kind of entry, by its tag. */
export const schemas = {
  RunStarted: Schema.Struct({ _tag: Schema.tag("RunStarted"), seed: int, command: text }),
  ConsumerRegistered: Schema.Struct({
    _tag: Schema.tag("ConsumerRegistered"),
    consumer: text,
    topics: Schema.Array(text),
    order: Schema.Literals(["continue", "park"])
  }),
  ProcessStarted: Schema.Struct({
    _tag: Schema.tag("ProcessStarted"),
    ...at,
    limits: Schema.optional(Schema.Struct({ inFlight: maybeInt, attempts: maybeInt }))
  }),
  ProcessEnded: Schema.Struct({
    _tag: Schema.tag("ProcessEnded"),
    ...at,
    code: Schema.NullOr(int),
    signal: Schema.NullOr(text)
  }),
  PublishTried: Schema.Struct({
    _tag: Schema.tag("PublishTried"),
    ...at,
    id: text,
    topic: text,
    key: text,
    position: int,
    batch: maybeText,
    poison: Schema.optional(Schema.Struct({ reason: Schema.Literals([...reasons, "conflict"]), attempts: maybeInt }))
  }),
  PublishAnswered: Schema.Struct({
    _tag: Schema.tag("PublishAnswered"),
    ...at,
    id: text,
    answer: Schema.Literals(["acknowledged", "failed", "unknown"]),
    durable: maybeYes
  }),
  HandlerStarted: Schema.Struct({
    _tag: Schema.tag("HandlerStarted"),
    ...at,
    ...message,
    attempt: int,
    lane: maybeInt,
    token: maybeInt,
    draw: maybeInt,
    transaction: maybeText
  }),
  HandlerEnded: Schema.Struct({
    _tag: Schema.tag("HandlerEnded"),
    ...at,
    ...message,
    outcome: Schema.Literals(["done", "failed", "interrupted"]),
    draw: maybeInt
  }),
  FaultInjected: Schema.Struct({
    _tag: Schema.tag("FaultInjected"),
    ...at,
    name: text,
    target: maybeText,
    window: maybeText
  }),
  Takeover: Schema.Struct({
    _tag: Schema.tag("Takeover"),
    consumer: text,
    lane: int,
    token: int,
    from: maybeText,
    to: maybeText,
    draw: maybeInt
  }),
  OperatorActed: Schema.Struct({
    _tag: Schema.tag("OperatorActed"),
    ...at,
    action: Schema.Literals(["redrive", "discard", "park", "release"]),
    consumer: text,
    key: text,
    id: maybeText,
    draw: maybeInt
  }),
  Sampled: Schema.Struct({
    _tag: Schema.tag("Sampled"),
    ...at,
    quantity: text,
    value: Schema.Finite,
    limit: Schema.Finite
  }),
  Durable: Schema.Struct({ _tag: Schema.tag("Durable"), ...at }),
  ServerHolds: Schema.Struct({
    _tag: Schema.tag("ServerHolds"),
    ...at,
    server: int,
    ...message,
    as: Schema.Literals(["committed", "waiting", "deadLetter"]),
    durable: maybeYes
  }),
  ServerReturned: Schema.Struct({ _tag: Schema.tag("ServerReturned"), ...at, server: int, draw: int }),
  FaultsStopped: Schema.Struct({ _tag: Schema.tag("FaultsStopped"), ...at }),
  Settled: Schema.Struct({ _tag: Schema.tag("Settled"), ...at, millis: Schema.Finite, boundMillis: Schema.Finite }),
  Committed: Schema.Struct({
    _tag: Schema.tag("Committed"),
    ...message,
    position: int,
    worker: text,
    attempt: int,
    lane: maybeInt,
    token: maybeInt,
    draw: maybeInt,
    transaction: maybeText,
    emits: Schema.optional(Schema.Array(text)),
    previous: maybeText,
    chain: maybeText
  }),
  DeadLettered: Schema.Struct({
    _tag: Schema.tag("DeadLettered"),
    ...message,
    reason: Schema.Literals(reasons),
    state: Schema.Literals(["open", "redriving", "resolved", "discarded"]),
    parked: Schema.Boolean,
    redriven: int,
    attempts: Schema.Array(Schema.Struct({ attempt: int, tag: text })),
    draw: maybeInt
  }),
  Waiting: Schema.Struct({
    _tag: Schema.tag("Waiting"),
    ...message,
    state: Schema.Literals(["ready", "held", "parked", "due", "unrouted"])
  }),
  Outgoing: Schema.Struct({ _tag: Schema.tag("Outgoing"), id: text, key: text, consumer: text, source: text })
}

type Kind = keyof typeof schemas
type HistoryLine = (typeof schemas)[Kind]["Type"]

const guards = new Map<unknown, (value: unknown) => value is HistoryLine>(
  Object.entries(schemas).map(([kind, schema]) => [kind, Schema.is(schema as Schema.Schema<HistoryLine>)])
)

/** The entry of a line, or what is wrong with it. */
const parse = (line: string): HistoryLine | string => {
  const value = fromJson(line)
  if (value === undefined) return "it is not JSON"
  const kind = typeof value === "object" && value !== null && "_tag" in value ? value._tag : undefined
  const guard = guards.get(kind)
  if (guard === undefined) return `"${String(kind)}" is no kind of entry, as ${Object.keys(schemas).join(", ")} are`
  return guard(value) ? value : explain(kind as Kind, value)
}

const fromJson = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const explain = (kind: Kind, value: unknown): string => {
  const result = Schema.decodeUnknownResult(schemas[kind] as Schema.Decoder<HistoryLine>)(value)
  return Result.isFailure(result) ? `${kind}: ${String(result.failure).replaceAll(/\s+/g, " ")}` : kind
}

/** A line that is no entry. */
export interface Problem {
  readonly line: number
  readonly problem: string
}

/** Cuts bytes into lines and lines into entries: plain loops, in chunks as they come. Stops at the first problem. */
export class Lines {
  private readonly decoder = new TextDecoder()
  private rest = ""
  private line = 0
  private readonly use: (entry: HistoryLine) => void

  constructor(use: (entry: HistoryLine) => void) {
    this.use = use
  }

  take(bytes: Uint8Array): Problem | undefined {
    const lines = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n")
    this.rest = lines.pop() ?? ""
    for (const line of lines) {
      const problem = this.one(line)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  /** A last line may lack its line feed. */
  end(): Problem | undefined {
    return this.one(this.rest + this.decoder.decode())
  }

  private one(line: string): Problem | undefined {
    this.line++
    if (line.trim() === "") return undefined
    const parsed = parse(line)
    if (typeof parsed === "string") return { line: this.line, problem: parsed }
    this.use(parsed)
    return undefined
  }
}
