/**
 * Serves the pages of the operations beside the run, on this machine only. The printed address signs in once.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { Server } from "millrace/http"
import { Operations } from "millrace/ops"
import { randomBytes } from "node:crypto"
import { createServer } from "node:http"
import type { Screen } from "./screen.ts"

/** The port of `millrace dashboard`. If it is taken, the run ends and says so. */
const port = 4055

export const layer = (schema: string, screen: Screen) => {
  const code = randomBytes(16).toString("base64url")
  const pages = Server.layer({ code: { code: Redacted.make(code), actor: { name: "you", role: "admin" } } })
  const printed = Layer.effectDiscard(
    Effect.map(HttpServer.HttpServer, () => screen.line(`  Pages: http://127.0.0.1:${port}/#code=${code}`))
  )
  return Layer.merge(HttpRouter.serve(pages, { disableLogger: true, disableListenLog: true }), printed).pipe(
    Layer.provide(Operations.layer({ schema })),
    Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port }))
  )
}
