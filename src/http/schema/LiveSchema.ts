/**
 * The session, the overview, and the updates of the live stream, as JSON.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Count, maybe, Time } from "./Answer.ts"
import { Consumer, Worker } from "./ConsumerSchema.ts"
import { FailureGroup } from "./DeadLetterSchema.ts"
import { Elsewhere, StuckKey } from "./MessageSchema.ts"
import { Run } from "./RunSchema.ts"

/**
 * The operator of a session, and what the server shows.
 *
 * @since 0.1.0
 */
export const SessionInfo = Schema.Struct({
  name: Schema.String,
  role: Schema.Literals(["viewer", "operator", "admin"]),
  /** `onRequest`: a dead letter comes without its payload, which has a request of its own. */
  payloads: Schema.Literals(["shown", "onRequest"]),
  /** Whether the server hides parts of payloads. */
  redacts: Schema.Boolean,
  /** How often the live stream sends `stats`, in milliseconds. */
  statsEvery: Schema.Finite
})

/**
 * A sign-in: the token of the server, or the one-time code that the command line printed.
 *
 * @since 0.1.0
 */
export const SignIn = Schema.Struct({
  token: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(4096))),
  code: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))),
  /** The name that the audit keeps. Default: the name that belongs to the token. */
  name: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)))
})

/**
 * Something that an operator should look at, the worst first.
 *
 * @since 0.1.0
 */
export const Attention = Schema.Struct({
  about: Schema.Literals(["stoppedRun", "noWorker", "blocked", "parkedKeys", "deadLetters", "paused", "unrouted"]),
  /** Absent for a topic that no consumer reads. */
  consumer: maybe(Schema.String),
  /** The sentence for an operator. */
  sentence: Schema.String,
  /** The failure group, redrive run or topic. */
  id: maybe(Schema.String)
})

/**
 * The whole system on one page.
 *
 * @since 0.1.0
 */
export const Overview = Schema.Struct({
  attention: Schema.Array(Attention),
  consumers: Schema.Array(Consumer),
  /** The newest groups, at most 20. */
  failures: Schema.Array(FailureGroup),
  /** Parked keys, at most 20. */
  parked: Schema.Array(StuckKey),
  /** Runs that are not over. */
  runs: Schema.Array(Run),
  workers: Schema.Array(Worker),
  ...Elsewhere.fields
})

/**
 * The state of a consumer in an update `stats`.
 *
 * @since 0.1.0
 */
export const ConsumerStats = Schema.Struct({
  consumer: Schema.String,
  waiting: Count,
  lagMillis: Schema.Finite,
  sentence: Schema.String,
  inPerSecond: maybe(Schema.Finite),
  outPerSecond: maybe(Schema.Finite),
  parkedKeys: Count,
  delayedKeys: Count,
  deadLetters: Count,
  workers: Schema.Finite,
  ownedLanes: Schema.Finite,
  lanes: Schema.Finite,
  paused: Schema.Boolean
})

/** Makes the schema of an update, whose data is JSON. */
const update = <const Name extends string, S extends Schema.Top>(name: Name, data: S) =>
  Schema.Struct({
    id: Schema.String,
    event: Schema.Literal(name),
    data: Schema.fromJsonString(Schema.toCodecJson(data))
  })

/**
 * The updates of the live stream.
 *
 * - `stats`: the state of all consumers, every 2 seconds (5 on PGlite).
 * - `runs`: the redrive runs that are not over, and those that ended since the update before.
 * - `changed`: dead letters, audit entries or workers came or changed. The page reads again what it shows.
 * - `reset`: updates were missed. The page reads everything again.
 *
 * @since 0.1.0
 */
export const Update = Schema.Union([
  update("stats", Schema.Struct({ asOf: Time, consumers: Schema.Array(ConsumerStats) })),
  update("runs", Schema.Struct({ runs: Schema.Array(Run) })),
  update("changed", Schema.Struct({ about: Schema.Array(Schema.Literals(["deadLetters", "audit", "workers"])) })),
  update("reset", Schema.Struct({}))
])
