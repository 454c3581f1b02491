/** A server in front of another one that speaks SQS. It answers requests itself where a test says so. */
import { Effect } from "effect"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"

/** A request that the front has received. */
export interface Asked {
  /** The operation of SQS, for example `SendMessageBatch`. */
  readonly operation: string
  readonly body: {
    readonly Entries?: ReadonlyArray<
      { readonly Id: string; readonly MessageBody?: string; readonly [name: string]: unknown }
    >
    readonly [name: string]: unknown
  }
}

/**
 * The answer of the front. `hangUp` ends the connection without an answer, after the server behind it has done the
 * request. A status above 299 is an error of this code.
 */
export type Answer =
  | { readonly status: number; readonly code: string; readonly message?: string }
  | { readonly status: 200; readonly json: object }
  | "hangUp"

/** The errors of SQS, as its JSON protocol sends them. */
const headersOf = (answer: Exclude<Answer, "hangUp">): Record<string, string> => ({
  "content-type": "application/x-amz-json-1.0",
  ...("code" in answer ? { "x-amzn-query-error": `${answer.code};Sender` } : {})
})

const textOf = (request: IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => resolve(Buffer.concat(chunks).toString()))
    request.on("error", reject)
  })

/** Opens a front. The server behind it gets each request for which `answer` returns nothing. */
export const front = (behind: string, answer: (asked: Asked) => Answer | undefined) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly address: string; readonly close: Effect.Effect<void> }>((resume) => {
      const server = createServer((request, response) => {
        void (async () => {
          const text = await textOf(request)
          const target = String(request.headers["x-amz-target"])
          const given = answer({ operation: target.slice(target.indexOf(".") + 1), body: JSON.parse(text) })
          if (given !== undefined && given !== "hangUp") {
            response.writeHead(given.status, headersOf(given))
            const error = "code" in given
              ? { __type: `com.amazonaws.sqs#${given.code}`, message: given.message }
              : given.json
            response.end(JSON.stringify(error))
            return
          }
          const done = await fetch(behind, {
            method: "POST",
            headers: Object.entries(request.headers).flatMap(([name, value]): ReadonlyArray<[string, string]> =>
              typeof value === "string" && /^(?:x-amz|content-type|authorization)/.test(name) ? [[name, value]] : []
            ),
            body: text
          })
          const json = await done.text()
          if (given === "hangUp") {
            request.socket.destroy()
            return
          }
          response.writeHead(done.status, Object.fromEntries(done.headers))
          response.end(json)
        })().catch(() => request.socket.destroy())
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({
          address: `http://127.0.0.1:${port}`,
          close: Effect.callback<void>((done) => {
            server.close(() => done(Effect.void))
            server.closeAllConnections()
          })
        }))
      })
    }),
    ({ close }) => close
  )
