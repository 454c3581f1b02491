/** Shared by the tests of the HTTP API: a real server on loopback, and requests as a browser or a tool sends them. */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { Server, type ServerOptions } from "millrace/http"
import { Operations } from "millrace/ops"
import { createServer, request as send } from "node:http"

export const secrets = {
  viewer: "viewer-secret-0123456789",
  operator: "operator-secret-012345",
  admin: "admin-secret-0123456789"
}

/** One token for each role. */
export const tokens: NonNullable<ServerOptions["tokens"]> = [
  { token: Redacted.make(secrets.viewer), role: "viewer", name: "vera" },
  { token: Redacted.make(secrets.operator), role: "operator", name: "otto" },
  { token: Redacted.make(secrets.admin), role: "admin", name: "ada" }
]

/** A server on a free port, on the store and the SqlClient around it. */
export const server = (options: Partial<ServerOptions> = {}, schema?: string) =>
  HttpRouter.serve(Server.layer({ tokens, ...options }), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(Operations.layer({ schema })),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 }))
  )

export interface Asked {
  readonly method?: string
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  /** The body as JSON, or undefined. */
  readonly json: any
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The port of the server around. */
export const port = Effect.map(HttpServer.HttpServer, ({ address }) => "port" in address ? Number(address.port) : 0)

/** Sends a request with exactly these headers, as no `fetch` does. The path is sent as it is. */
export const ask = Effect.fnUntraced(function*(path: string, asked: Asked = {}) {
  const at = yield* port
  const body = asked.body === undefined
    ? undefined
    : typeof asked.body === "string"
    ? asked.body
    : JSON.stringify(asked.body)
  const headers = {
    ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    // With chunks the body does not say its size.
    ...(body === undefined || asked.headers?.["transfer-encoding"] !== undefined
      ? {}
      : { "content-length": String(Buffer.byteLength(body)) }),
    ...asked.headers
  }
  return yield* Effect.callback<Answered>((resume) => {
    const sent = send(
      { host: "127.0.0.1", port: at, path, method: asked.method ?? "GET", headers, agent: false },
      (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8")
          const values = Object.fromEntries(
            Object.entries(response.headers).map((
              [name, value]
            ) => [name, Array.isArray(value) ? value.join("\n") : value])
          )
          resume(Effect.succeed({ status: response.statusCode ?? 0, headers: values, text, json: parsed(text) }))
        })
      }
    )
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.end(body)
    return Effect.sync(() => sent.destroy())
  })
})

/** Sends a request of the API as an operator. */
export const api = (path: string, asked: Asked = {}) => ask(`/api/v1${path}`, { token: secrets.operator, ...asked })

/** Posts JSON as an operator. */
export const post = (path: string, body: unknown = {}, headers: Asked["headers"] = {}) =>
  api(path, { method: "POST", body, headers })
