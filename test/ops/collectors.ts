/** Shared by the tests of operations: a tracer, a logger and a collector of OTLP, which keep what they get. */
import { Effect, Layer, Logger, References, Tracer } from "effect"
import { createServer, type Server } from "node:http"
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

export interface LogLine {
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
  /** All that a logger could print of it. */
  readonly everything: string
}

/** Keeps every line of every level. */
export const logging = () => {
  const lines: Array<LogLine> = []
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

/** A collector of OTLP on a loopback address: keeps what it is sent, by path. */
export const collector = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly server: Server; readonly got: Map<string, Array<any>> }>(
    (resume) => {
      const got = new Map<string, Array<any>>()
      const server = createServer((request, response) => {
        let body = ""
        request.on("data", (chunk) => body += String(chunk))
        request.on("end", () => {
          const path = request.url ?? ""
          got.set(path, [...got.get(path) ?? [], JSON.parse(body)])
          response.end("{}")
        })
      })
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" ? address?.port : ""
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, server, got }))
      })
    }
  ),
  ({ server }) => Effect.sync(() => void server.close())
)
