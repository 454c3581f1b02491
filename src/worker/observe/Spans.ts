/**
 * A worker's spans, after OpenTelemetry's messaging conventions: `receive`, `process` for each attempt, `commit` for
 * each group.
 *
 * An attempt's span is linked to the span that published its message. A publisher does not wait for its consumers, and
 * one trace would contain everything that follows. So an attempt begins a trace of its own. With `tracing: "parent"`
 * the attempt continues the publisher's trace instead. Where the publisher's trace was not sampled, no span is made.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { Delivery, DeliveryContext } from "../../Delivery.ts"
import * as Tracing from "../../internal/Tracing.ts"
import * as Message from "../../Message.ts"
import type * as Pipeline from "../../Pipeline.ts"
import type { Settings } from "../start/Settings.ts"

export interface Spans {
  /**
   * Runs an attempt in a span of its own, unless the publisher's trace was not sampled. `failed` returns the error of
   * an attempt that did not commit.
   */
  readonly attempt: <A>(
    delivery: Delivery,
    context: DeliveryContext,
    run: (span: Tracer.Span | undefined) => Effect.Effect<A>,
    failed: (result: A) => { readonly error: unknown; readonly where: string } | undefined
  ) => Effect.Effect<A>
  /** Returns a new span for an attempt that shares the transaction of another one. The caller must end the span. */
  readonly begin: (delivery: Delivery, context: DeliveryContext) => Effect.Effect<Tracer.Span | undefined>
  /** Runs a group's commit in a span that links to the spans of its members. */
  readonly commit: (members: ReadonlyArray<Tracer.Span | undefined>, run: Effect.Effect<void>) => Effect.Effect<void>
  /** Traces a poll in a span that is linked to the spans that published its messages. */
  readonly receive: <A, E>(got: () => ReadonlyArray<Delivery>, run: Effect.Effect<A, E>) => Effect.Effect<A, E>
}

/** The spans where no tracer is installed: none is made. */
const none: Spans = {
  attempt: (_delivery, _delivered, run) => run(undefined),
  begin: () => Effect.undefined,
  commit: (_members, run) => run,
  receive: (_got, run) => run
}

/** The most links of a span. Collectors cut off further ones. */
const maxLinks = 128

const link = (span: Tracer.AnySpan): Tracer.SpanLink => ({ span, attributes: {} })

/**
 * Returns the span that published a message. Returns false if its trace was not sampled, and undefined if the message
 * has no trace.
 */
const publisherOf = (delivery: Delivery): Tracer.ExternalSpan | false | undefined => {
  const context = Option.getOrUndefined(Message.traceContext(delivery.message))
  return context === undefined ? undefined : context.sampled && Tracer.externalSpan(context)
}

export const make = (pipeline: Names, settings: Settings): Effect.Effect<Spans> =>
  Effect.withFiber((fiber) => Effect.succeed(Tracing.isOn(fiber) ? spans(pipeline, settings) : none))

type Names = Pick<Pipeline.Pipeline<unknown, unknown, unknown>, "consumer" | "topics">

const spans = ({ consumer, topics: [topic, ...others] }: Names, settings: Settings): Spans => {
  const common = {
    "messaging.system": "millrace",
    "messaging.consumer.group.name": consumer,
    "messaging.client.id": settings.name
  }
  // A poll and a group contain messages of all topics of the consumer.
  const grouped = others.length > 0 || topic === undefined
    ? common
    : { ...common, "messaging.destination.name": topic.name }
  const withKey = settings.spanAttributes.includes("key")
  const withSize = settings.spanAttributes.includes("bodySize")

  const begin: Spans["begin"] = (delivery, context) => {
    const { message } = delivery
    const publisher = publisherOf(delivery)
    if (publisher === false) return Effect.undefined
    const origin: Tracer.SpanOptionsNoTrace = settings.tracing === "parent" && publisher !== undefined
      ? { parent: publisher }
      : { root: true, links: publisher === undefined ? [] : [link(publisher)] }
    return Effect.makeSpan(`process ${message.topic}`, {
      ...origin,
      kind: "consumer",
      attributes: {
        ...common,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": message.topic,
        "messaging.destination.partition.id": delivery.lease.name,
        "messaging.message.id": message.id,
        "millrace.attempt": context.attempt,
        ...(withKey && message.keyed ? { "millrace.message.key": message.key } : undefined),
        ...(withSize ? { "messaging.message.body.size": Buffer.byteLength(message.payload) } : undefined),
        ...(context.redriven === 0 ? undefined : { "millrace.redrive.generation": context.redriven })
      }
    })
  }

  return {
    attempt: (delivery, context, run, failed) =>
      Effect.flatMap(
        begin(delivery, context),
        (span) => span === undefined ? run(undefined) : Tracing.within(span, run(span), failed)
      ),
    begin,

    commit: (members, run) =>
      Effect.suspend(() => {
        const linked = members.filter((span) => span !== undefined)
        if (linked.length === 0) return run
        return Effect.flatMap(
          Effect.makeSpan(`commit ${consumer}`, {
            root: true,
            kind: "client",
            links: linked.slice(0, maxLinks).map(link),
            attributes: {
              ...grouped,
              "messaging.operation.name": "commit",
              "messaging.operation.type": "settle",
              "messaging.batch.message_count": members.length
            }
          }),
          (span) => Tracing.within(span, run)
        )
      }),

    receive: (got, run) =>
      Effect.flatMap(
        Effect.makeSpan(`receive ${consumer}`, {
          root: true,
          kind: "client",
          attributes: { ...grouped, "messaging.operation.name": "receive", "messaging.operation.type": "receive" }
        }),
        (span) =>
          Effect.tap(run, () => {
            const deliveries = got()
            const links = deliveries.slice(0, maxLinks).flatMap((delivery) => publisherOf(delivery) || [])
            // Most polls find no traced message. Their span is never ended, so no exporter gets it.
            if (links.length === 0) return Effect.void
            span.addLinks(links.map(link))
            span.attribute("messaging.batch.message_count", deliveries.length)
            return Tracing.end(span, undefined, "")
          })
      )
  }
}
