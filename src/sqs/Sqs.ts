/**
 * The transport on Amazon SQS. The messages of a consumer wait in a queue of SQS, and their effects commit in the
 * store.
 *
 * The store's inbox makes effects happen once, since SQS hands a message out again after a crash or an expired lease. A
 * FIFO queue keeps the order of each key, whose hash or text is the message group. A standard queue keeps no order, so
 * only a pipeline with `order: "none"` starts on it.
 *
 * A consumer needs a queue of its own: workers of two consumers on one queue would take each other's messages. See
 * `src/sqs/README.md` for what SQS can do and what it costs.
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { Pipeline, Topic, Worker } from "millrace"
 * import { Postgres } from "millrace/postgres"
 * import { Sqs } from "millrace/sqs"
 *
 * const Views = Topic.make("views", { schema: Schema.Struct({ page: Schema.String }), id: "random" })
 * const views = Pipeline.from(Views, { consumer: "views", order: "none" }).pipe(
 *   Pipeline.tap((view) => Effect.log(view.page))
 * )
 * const program = Worker.launch(Worker.layer(views).pipe(
 *   Layer.provide(Sqs.layerConfig),
 *   Layer.provide(Postgres.layerConfig)
 * ))
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { type InvalidConfig, InvalidSetting } from "../Errors.ts"
import * as GivenDuration from "../internal/GivenDuration.ts"
import { Store } from "../Store.ts"
import { Transport } from "../Transport.ts"
import type { WireOptions } from "../wire/Wire.ts"
import * as SqsClient from "./SqsClient.ts"
import * as SqsConfig from "./SqsConfig.ts"
import { wireOf } from "./SqsMessage.ts"
import * as SqsTransport from "./SqsTransport.ts"

/**
 * How to reach the queue of a consumer, and how to read it.
 *
 * @since 0.1.0
 */
export interface SqsOptions {
  /** The address of the queue. The queue is FIFO if the address ends in `.fifo`. */
  readonly queueUrl: string
  /** The region of AWS. The default is the one that the AWS client finds in its environment. */
  readonly region?: string | undefined
  /** The address of the service, for a local server or a private endpoint. The default is the one of the region. */
  readonly endpoint?: string | undefined
  /** The credentials. By default the AWS client looks for them: environment, profile, role of the machine. */
  readonly credentials?: {
    readonly accessKeyId: string
    readonly secretAccessKey: Redacted.Redacted
    readonly sessionToken?: Redacted.Redacted | undefined
  } | undefined
  /**
   * How long a poll waits for messages: 0 to 20 seconds, in whole seconds. Default 5 seconds, and at most a third of
   * the worker's lease. A longer wait costs fewer requests. A worker that stops waits for the end of its poll.
   */
  readonly longPoll?: Duration.Input | undefined
  /**
   * The form of messages, for example the mapping of messages of other producers (`foreign`). The limits of SQS hold
   * beside those given here: 10 attributes and 1 MiB. By default the id of a message that is no CloudEvent is the one
   * of SQS, and its key is the message group.
   */
  readonly wire?: WireOptions | undefined
}

const refused = (setting: string, got: string, expected: string): InvalidSetting =>
  new InvalidSetting({ setting, got, expected })

const problem = ({ longPoll, queueUrl }: SqsOptions): InvalidSetting | undefined => {
  if (!URL.canParse(queueUrl)) {
    return refused("queueUrl", JSON.stringify(queueUrl.slice(0, 80)), "the address of a queue of SQS is needed")
  }
  const millis = longPoll === undefined ? 5_000 : GivenDuration.millis(longPoll)
  return millis >= 0 && millis <= 20_000 && millis % 1000 === 0
    ? undefined
    : GivenDuration.refusal("longPoll", longPoll, "0 to 20 whole seconds are needed")
}

/**
 * Provides the transport on one queue. The store comes from `Postgres.layer`, or from `Memory.layer` in a test.
 *
 * Building the layer sends no request. A worker asks SQS when it starts, and tries again while SQS is unavailable.
 *
 * @since 0.1.0
 */
export const layer = (options: SqsOptions): Layer.Layer<Transport, InvalidSetting, Store> =>
  Layer.effect(
    Transport,
    Effect.gen(function*() {
      const bad = problem(options)
      if (bad !== undefined) return yield* bad
      const wire = yield* Effect.fromResult(wireOf(options.wire))
      const { credentials, endpoint, queueUrl, region } = options
      const longPollMillis = Duration.toMillis(Duration.fromInputUnsafe(options.longPoll ?? "5 seconds"))
      const api = yield* SqsClient.make({
        queueUrl,
        region,
        endpoint,
        credentials: credentials === undefined ? undefined : { sessionToken: undefined, ...credentials }
      }, longPollMillis)
      return SqsTransport.make(api, yield* Store, { longPollSeconds: longPollMillis / 1000, wire })
    })
  )

/**
 * Provides the transport with the options of the environment: `SQS_QUEUE_URL`, and if they are set `SQS_ENDPOINT`,
 * `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`. An error names the variable, and
 * never shows a secret.
 *
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<Transport, InvalidConfig | InvalidSetting, Store> = Layer.unwrap(
  Effect.map(SqsConfig.options, layer)
)
