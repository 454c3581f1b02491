/**
 * Spans for an installed tracer. Without an installed tracer no spans are made, because Effect's own tracer does not
 * export spans.
 *
 * A failure leaves the tag of its error in its span, and never the message, which may quote a payload.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

/** Returns whether a tracer is installed and switched on. */
export const isOn = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer && fiber.getRef(References.TracerEnabled)

/** The error that a span shows for a failure. */
class Failed extends Error {
  constructor(tag: string, where: string) {
    super(`${where}: ${tag}`)
    this.name = tag
    this.stack = `${tag}: ${where}`
  }
}

/** Reads a field of a foreign value. Returns undefined if a getter or proxy throws. */
export const read = (value: unknown, name: string): unknown => {
  try {
    return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined
  } catch {
    return undefined
  }
}

/** Returns `value instanceof Error`, for a value that may throw at the check. */
export const isError = (value: unknown): value is Error => {
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

/**
 * Returns the tag of an error, else its name, else its type, for records, spans and metrics. The text has at most 100
 * characters, which every store can keep.
 */
export const tagOf = (error: unknown): string => {
  const tag = read(error, "_tag")
  return plain(typeof tag === "string" ? tag : isError(error) ? nameOf(error) : typeof error, 100)
}

/**
 * Returns the name of an error if it is a text. A foreign error may have a field `name` of another type, and then this
 * is "Error".
 */
export const nameOf = (error: Error): string => {
  const name = read(error, "name")
  return typeof name === "string" ? name : "Error"
}

/** Returns foreign text for an indexed column: bounded, and without characters that Postgres cannot store. */
export const plain = (text: string, most: number): string =>
  text.slice(0, most).replaceAll("\u0000", "\ufffd").toWellFormed()

/** Ends a span. If there is a tag, the span ends as failed with an error of that tag. */
export const end = (span: Tracer.Span, tag: string | undefined, where: string): Effect.Effect<void> =>
  Effect.map(Clock.currentTimeNanos, (now) => {
    if (tag !== undefined) span.attribute("error.type", tag)
    span.end(now, tag === undefined ? Exit.void : Exit.die(new Failed(tag, where)))
  })

/**
 * Runs the effect within a span, and ends the span with it. `failed` returns the error that a successful result
 * contains. An interruption does not count as an error.
 */
export const within = <A, E, R>(
  span: Tracer.Span,
  body: Effect.Effect<A, E, R>,
  failed?: (result: A) => { readonly error: unknown; readonly where: string } | undefined
): Effect.Effect<A, E, R> =>
  Effect.onExit(Effect.provideService(body, Tracer.ParentSpan, span), (exit) => {
    if (exit._tag === "Success") {
      const found = failed?.(exit.value)
      return end(span, found === undefined ? undefined : tagOf(found.error), found?.where ?? "")
    }
    for (const reason of exit.cause.reasons) {
      if (reason._tag === "Fail") return end(span, tagOf(reason.error), span.name)
      if (reason._tag === "Die") return end(span, tagOf(reason.defect), span.name)
    }
    return Effect.map(Clock.currentTimeNanos, (now) => span.end(now, Exit.interrupt()))
  })
