/**
 * A kind of message: its name, its Schema, and the functions that derive key and id from a value.
 *
 * Publishers and pipelines share a topic as a value. A publish encodes the value, checks the limits, and stores the
 * message for every consumer. Inside a transaction of the store the message becomes visible when that transaction
 * commits, so the topic works as an outbox.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import type { Pipeable } from "effect/Pipeable"
import { pipeArguments } from "effect/Pipeable"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { randomUUID } from "node:crypto"
import * as Delay from "./Delay.ts"
import { DecodeFailed, EncodeFailed, InvalidMessage, InvalidName, type StoreFailure } from "./Errors.ts"
import * as HandlerResult from "./internal/HandlerResult.ts"
import { firstLine, whereOf } from "./internal/SchemaFailure.ts"
import * as Tracing from "./internal/Tracing.ts"
import * as Message from "./Message.ts"
import * as MessageId from "./MessageId.ts"
import { Store } from "./Store.ts"
import * as Telemetry from "./Telemetry.ts"

const TypeId = "~millrace/Topic"

/**
 * A typed kind of message.
 *
 * @since 0.1.0
 */
export interface Topic<out Name extends string, out S extends Schema.Constraint> extends Pipeable {
  readonly [TypeId]: typeof TypeId
  readonly name: Name
  readonly schema: S
  /** Version of the Schema, stored with each message. A message of a higher version does not decode with this code. */
  readonly version: number
  /** Encodes a value as the message to publish. */
  encode(
    value: S["Type"],
    options?: PublishOptions
  ): Effect.Effect<Message.Message, InvalidMessage | EncodeFailed, S["EncodingServices"]>
  /** Decodes a delivered message. */
  decode(message: Message.Message): Effect.Effect<S["Type"], DecodeFailed, S["DecodingServices"]>
  /**
   * Decodes a delivered message without an effect. Returns undefined if the Schema needs one, or if the message does
   * not decode: `decode` then returns the value or the failure. A worker decodes most messages in this way, since a
   * fiber for each message costs more than the decoding.
   */
  decodeNow(message: Message.Message): { readonly value: S["Type"] } | undefined
}

/**
 * The Schema of a topic, and how it derives id, key and headers.
 *
 * @since 0.1.0
 */
export interface TopicOptions<S extends Schema.Constraint> {
  /** The Schema of the value. A message carries the value's encoded side as JSON. */
  readonly schema: S
  /**
   * Returns the key. Messages with the same key are processed in order. Without this function no order is kept, and no
   * message waits for another one.
   */
  readonly key?: ((value: S["Type"]) => string) | undefined
  /**
   * The deduplication id. Default `"content"`.
   *
   * - A function of the value.
   * - `"content"`: SHA-256 of topic and canonical encoded payload, so that two equal values are one message.
   * - `"random"`: every publish is a message of its own.
   *
   * Topics that one pipeline reads (`Pipeline.fromAll`) share the ids of its consumer. Put the topic into the ids
   * (`paid-${orderId}`). Otherwise the second message with an id becomes a dead letter with `IdempotencyConflict`.
   */
  readonly id?: ((value: S["Type"]) => string) | "content" | "random" | undefined
  /** Returns headers for every message. Headers of the publish are added, and replace headers of the same name. */
  readonly headers?: ((value: S["Type"]) => Readonly<Record<string, string>>) | undefined
  /** The version of the Schema; default 1. Raise the version if older code must not read messages of newer code. */
  readonly version?: number | undefined
}

/**
 * Options of one publish.
 *
 * @since 0.1.0
 */
export interface PublishOptions extends Delay.DelayOptions {
  /**
   * Strings beside the payload. If `traceparent` is not among the headers, the publish adds the one of the current
   * span.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Overrides the topic's id for this message. */
  readonly id?: string | undefined
  /**
   * The name under which the message waits; at most 512 bytes. At most one message of a topic and key waits under a
   * name. This message replaces the waiting one, with content and time. Without `delay` or `at` the new message is
   * published now, and no message waits under the name any more.
   */
  readonly name?: string | undefined
}

/** Returns the problem of a name. Names go into logs, metrics and URLs unchanged, so their characters are limited. */
export const nameProblem = (kind: "topic" | "consumer" | "lease", name: string): InvalidName | undefined =>
  /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/.test(name)
    ? undefined
    : new InvalidName({
      kind,
      got: name,
      problem: name.length === 0
        ? "is empty"
        : name.length > 200
        ? "has more than 200 characters"
        : /^[A-Za-z0-9]/.test(name)
        ? "has other characters"
        : "begins with another character"
    })

/** Returns the current span as a W3C `traceparent`, so that the consumer's span can link to it. */
const traceparent: Effect.Effect<string | undefined> = Effect.withFiber((fiber) => {
  const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
  return Effect.succeed(
    span === undefined
      ? undefined
      : `00-${span.traceId.padStart(32, "0")}-${span.spanId.padStart(16, "0")}-${span.sampled ? "01" : "00"}`
  )
})

/**
 * Defines a topic.
 *
 * This function does not check the name. If the name is unusable, `publish` and the start of a worker fail with
 * `InvalidName`.
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Topic } from "millrace"
 *
 * const Payments = Topic.make("payments", {
 *   schema: Schema.Struct({ paymentId: Schema.String, accountId: Schema.String, cents: Schema.Int }),
 *   key: (payment) => payment.accountId,
 *   id: (payment) => payment.paymentId
 * })
 * ```
 *
 * @since 0.1.0
 */
export const make = <const Name extends string, S extends Schema.Constraint>(
  name: Name,
  options: TopicOptions<S>
): Topic<Name, S> => {
  const version = options.version ?? 1
  const codec = Schema.toCodecJson(options.schema)
  const encodeValue = Schema.encodeUnknownEffect(codec)
  const decodeValue = Schema.decodeUnknownEffect(codec, { errors: "all" })
  const idOf = options.id ?? "content"

  const encode = Effect.fnUntraced(function*(value: S["Type"], publish?: PublishOptions) {
    const encoded = yield* encodeValue(value).pipe(
      Effect.catchCause((cause) => Effect.fail(new EncodeFailed({ topic: name, issue: firstLine(cause) })))
    )
    const payload = yield* written(name, encoded)
    const id = publish?.id ?? (idOf === "content"
      ? MessageId.ofValue(name, encoded)
      : idOf === "random"
      ? randomUUID()
      : yield* derived(name, "id", idOf, value))
    const key = options.key === undefined ? undefined : yield* derived(name, "key", options.key, value)
    const trace = publish?.headers?.["traceparent"] === undefined ? yield* traceparent : undefined
    const own = options.headers === undefined ? undefined : yield* called(name, "headers", options.headers, value)
    const headers = { ...own, ...publish?.headers, ...(trace === undefined ? undefined : { traceparent: trace }) }
    return yield* Message.make({ id, topic: name, key, payload, headers, version })
  })

  const failed = (message: Message.Message, issue: string, where: string) =>
    new DecodeFailed({ topic: name, id: message.id, version: message.version, issue, where })

  const decode = (message: Message.Message): Effect.Effect<S["Type"], DecodeFailed, S["DecodingServices"]> => {
    if (message.version > version) {
      return Effect.fail(failed(message, `this code reads versions up to ${version}`, "$ Version"))
    }
    return Effect.suspend(() => decodeValue(JSON.parse(message.payload) as unknown)).pipe(
      // A payload that is no JSON, or is nested too deeply for the decoder, makes the decoder die. So defects become
      // `DecodeFailed`, too.
      Effect.catchCause((cause) => Effect.fail(failed(message, firstLine(cause), whereOf(cause))))
    )
  }

  const decodeNow = (message: Message.Message): { readonly value: S["Type"] } | undefined => {
    if (message.version > version) return undefined
    try {
      const decoded: unknown = decodeValue(JSON.parse(message.payload) as unknown)
      return Exit.isExit(decoded) && Exit.isSuccess(decoded) ? { value: decoded.value as S["Type"] } : undefined
    } catch {
      // The worker then calls `decode`, which fails with `DecodeFailed`.
      return undefined
    }
  }

  return {
    [TypeId]: TypeId,
    name,
    schema: options.schema,
    version,
    encode,
    decode,
    decodeNow,
    pipe() {
      return pipeArguments(this, arguments)
    }
  }
}

/** Writes the payload as JSON. A value that is nested too deeply is refused. */
const written = (topic: string, encoded: unknown): Effect.Effect<string, EncodeFailed> =>
  Effect.try({
    try: () => JSON.stringify(encoded) ?? "null",
    catch: (error) => new EncodeFailed({ topic, issue: `it cannot be written as JSON: ${String(error).slice(0, 200)}` })
  })

/** Calls a function of the topic. A function that throws, or that is async, refuses the value. */
const called = <A, B>(topic: string, field: string, f: (value: A) => B, value: A): Effect.Effect<B, EncodeFailed> =>
  Effect.flatMap(
    Effect.try({
      try: () => f(value),
      catch: (error) =>
        new EncodeFailed({ topic, issue: `its ${field} function failed: ${String(error).slice(0, 200)}` })
    }),
    (returned) => {
      if (!HandlerResult.isThenable(returned)) return Effect.succeed(returned)
      HandlerResult.ignoreRejection(returned)
      return Effect.fail(
        new EncodeFailed({
          topic,
          issue: `its ${field} function is async: it returned a promise, and must return its result at once`
        })
      )
    }
  )

/** Derives a key or an id. A value that is no text is refused, because two messages would get the same key or id. */
const derived = <A>(
  topic: string,
  field: string,
  f: (value: A) => unknown,
  value: A
): Effect.Effect<string, EncodeFailed> =>
  Effect.flatMap(called(topic, field, f, value), (text) =>
    typeof text === "string"
      ? Effect.succeed(text)
      : Effect.fail(
        new EncodeFailed({ topic, issue: `its ${field} function returned ${HandlerResult.nameOf(text)}, not a string` })
      ))

/**
 * Publishes one message and returns its id.
 *
 * Inside a transaction of the store the message becomes visible, and wakes workers, when that transaction commits.
 * Outside of a transaction the publish commits by itself. If the store fails, the call fails; after success the message
 * is never lost. If the call is interrupted, the message may have been published.
 *
 * On Postgres, concurrent publishes outside of a transaction share statements, and so the waits for the disk. A publish
 * does not wait for others that may come, and fails for its own message only.
 *
 * On Postgres, a transaction at REPEATABLE READ or SERIALIZABLE cannot publish if its snapshot is older than a
 * registration or removal of a consumer. The publish fails with a `StoreFailure` of code 40001. Run that transaction
 * again as a whole.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Topic } from "millrace"
 *
 * const Greetings = Topic.make("greetings", { schema: Schema.String, id: "random" })
 * const program = Effect.gen(function*() {
 *   const id = yield* Topic.publish(Greetings, "hello")
 *   yield* Effect.log(`published ${id}`)
 * })
 * ```
 *
 * **Delayed.** With `delay` or `at`, the message is published when it is due, on the database's clock. Only then it
 * takes its place in the order of its key. The first worker of any consumer that polls at or after that time moves the
 * message behind all messages published until then. A waiting worker polls at that time, and a busy one within a
 * second; while no worker runs, the message waits.
 *
 * Delayed messages of one key are moved in the order of their due times. Messages with the same due time keep the order
 * of their publishes. The message goes to the consumers that read the topic when it is due. If no consumer does, the
 * message waits as unrouted. The message's `publishedAt` is its due time. `Worker.drain` does not wait for messages
 * that are not due.
 *
 * **Named.** Another publish under the same name and key replaces the waiting message; {@link cancel} deletes it.
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Topic } from "millrace"
 *
 * const Reminders = Topic.make("reminders", {
 *   schema: Schema.Struct({ cart: Schema.String, items: Schema.Int }),
 *   key: (reminder) => reminder.cart,
 *   id: "random"
 * })
 * // With every change of the cart: one reminder waits, an hour from the last change.
 * const remind = (cart: string, items: number) =>
 *   Topic.publish(Reminders, { cart, items }, { delay: "1 hour", name: "abandoned" })
 * const paid = (cart: string) => Topic.cancel(Reminders, { key: cart, name: "abandoned" })
 * ```
 *
 * @since 0.1.0
 */
export const publish = <Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  value: S["Type"],
  options?: PublishOptions
): Effect.Effect<string, InvalidName | InvalidMessage | EncodeFailed | StoreFailure, Store | S["EncodingServices"]> =>
  Effect.map(write(topic, [value], options), (ids) => ids[0]!)

/**
 * Publishes many messages, all or none, in the given order, and returns their ids. 100,000 messages take seconds. With
 * `delay` or `at` all messages are due at that time, in the given order (see {@link publish}).
 *
 * ```ts
 * import { Schema } from "effect"
 * import { Topic } from "millrace"
 * const Numbers = Topic.make("numbers", { schema: Schema.Int })
 * const ids = Topic.publishAll(Numbers, [1, 2, 3])
 * ```
 *
 * @since 0.1.0
 */
export const publishAll = <Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  values: Iterable<S["Type"]>,
  options?: Pick<PublishOptions, "headers" | "delay" | "at">
): Effect.Effect<
  ReadonlyArray<string>,
  InvalidName | InvalidMessage | EncodeFailed | StoreFailure,
  Store | S["EncodingServices"]
> => write(topic, values, options)

/**
 * Deletes the message that waits under a name and returns whether there was one. Returns false if the message is
 * published already or never existed. For a topic without keys, `key` is the message's id. {@link publish} has an
 * example.
 *
 * The call joins the ambient transaction. Until the end of the transaction no worker publishes the message, and after a
 * rollback the message waits as before. If the call returned true and is committed, no consumer will ever see the
 * message.
 *
 * @since 0.1.0
 */
export const cancel = <Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  what: { readonly key: string; readonly name: string }
): Effect.Effect<boolean, InvalidName | InvalidMessage | StoreFailure, Store> =>
  Effect.flatMap(Store, (store): Effect.Effect<boolean, InvalidName | InvalidMessage | StoreFailure> => {
    const { key, name } = what
    const bad = nameProblem("topic", topic.name)
      ?? Message.delayNameProblem({ topic: topic.name, id: key.slice(0, 64) }, name)
    if (bad !== undefined) return Effect.fail(bad)
    // No message can have a key with NUL, so nothing is to be cancelled.
    return key.includes("\0") ? Effect.succeed(false) : store.outbox.cancel(topic.name, key, name)
  })

const write = Effect.fnUntraced(function*<Name extends string, S extends Schema.Constraint>(
  topic: Topic<Name, S>,
  values: Iterable<S["Type"]>,
  options: PublishOptions | undefined
): Effect.fn.Return<
  ReadonlyArray<string>,
  InvalidName | InvalidMessage | EncodeFailed | StoreFailure,
  Store | S["EncodingServices"]
> {
  const bad = nameProblem("topic", topic.name)
  if (bad !== undefined) return yield* bad
  const store = yield* Store
  const clock = yield* Clock.Clock
  const began = clock.monotonicTimeNanosUnsafe()
  let written = 0
  const publishing = inSpan(
    topic.name,
    Effect.tap(
      Effect.forEach(values, (value) => topic.encode(value, options)),
      (messages): Effect.Effect<void, InvalidMessage | StoreFailure> => {
        const later = Delay.resolve(messages, options ?? {})
        if (later instanceof InvalidMessage) return Effect.fail(later)
        written = messages.length
        return written === 0 ? Effect.void : store.outbox.write(messages, later)
      }
    )
  )
  const messages = yield* Effect.onExit(publishing, (exit) => {
    if (written === 0 && exit._tag === "Success") return Effect.void
    const labels = { ...Telemetry.labels({ topic: topic.name, operation: "publish" }), ...errorType(exit) }
    const took = Number(clock.monotonicTimeNanosUnsafe() - began) / 1e9
    return Effect.andThen(
      written === 0 ? Effect.void : Metric.update(Metric.withAttributes(Telemetry.sent, labels), written),
      Metric.update(Metric.withAttributes(Telemetry.operationDuration, labels), took)
    )
  })
  return messages.map((message) => message.id)
})

/**
 * Returns the label of a publish that failed. A defect has the label `_OTHER`, since its name may be anything. A
 * success and an interruption have no such label.
 */
const errorType = (exit: Exit.Exit<unknown, { readonly _tag: string }>): Record<string, string> => {
  if (exit._tag === "Success" || Cause.hasInterruptsOnly(exit.cause)) return {}
  const failed = exit.cause.reasons.find(Cause.isFailReason)
  return { "error.type": failed === undefined ? "_OTHER" : failed.error._tag }
}

/**
 * Runs a publish in a span of its own, if a tracer is installed. The messages carry this span in their headers, and the
 * spans of their consumers link to it.
 */
const inSpan = <E, R>(
  topic: string,
  publish: Effect.Effect<ReadonlyArray<Message.Message>, E, R>
): Effect.Effect<ReadonlyArray<Message.Message>, E, R> =>
  Effect.withFiber((fiber) =>
    !Tracing.isOn(fiber) ? publish : Effect.flatMap(
      Effect.makeSpan(`publish ${topic}`, {
        kind: "producer",
        attributes: {
          ...Telemetry.labels({ topic }),
          "messaging.operation.name": "publish",
          "messaging.operation.type": "send"
        }
      }),
      (span) =>
        Tracing.within(
          span,
          Effect.tap(publish, (messages) =>
            Effect.sync(() =>
              messages.length === 1
                ? span.attribute("messaging.message.id", messages[0]!.id)
                : span.attribute("messaging.batch.message_count", messages.length)
            ))
        )
    )
  )
