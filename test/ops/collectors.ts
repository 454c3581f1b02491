/** Shared by the tests of operations: a tracer that keeps its spans, and a logger that keeps its lines. */
import { Layer, Logger, References, Tracer } from "effect"
import { inspect } from "node:util"

/** Installs a tracer; its spans are in the order in which they began. */
export const tracing = () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const named = (name: string) => spans.filter((span) => span.name === name)
  return { spans, named, layer: Layer.succeed(Tracer.Tracer, tracer) }
}

/** Whether a span ended with an error. */
export const failed = (span: Tracer.NativeSpan): boolean =>
  span.status._tag === "Ended" && span.status.exit._tag === "Failure"

export interface Line {
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** All that a logger could print of it. */
  readonly everything: string
}

/** Keeps every line of every level. */
export const logging = () => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>(({ cause, fiber, message }) => {
    const fields = fiber.getRef(References.CurrentLogAnnotations)
    lines.push({
      message: Array.isArray(message) ? message.map(String).join(" ") : String(message),
      fields,
      everything: inspect({ message, fields, cause }, { depth: 20, maxStringLength: null })
    })
  })
  const layer = Layer.merge(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "All"))
  return { lines, layer }
}
