/** The dashboard as it is served: the real API on Postgres with the built pages, on a free port of this machine. */
import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer, Redacted } from "effect"
import type { Schema } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { type Topic } from "millrace"
import { Server } from "millrace/http"
import { Operations } from "millrace/ops"
import { createServer } from "node:http"
import { join } from "node:path"
import { postgres } from "../postgres/kit.ts"
import { root } from "../scripts/run.ts"
import { buildPages } from "./builtPages.ts"

export const tokens = {
  operator: "operator-token-of-a-test",
  other: "another-operator-token-of-a-test",
  viewer: "viewer-token-of-a-test"
}

/** The code of one sign-in, as `millrace dashboard` prints it. */
export const code = "one-time-code-of-a-test"

/** Where the pages are. */
export class Site extends Context.Service<Site, {
  /** `http://127.0.0.1:4055`. */
  readonly origin: string
  /** The address of a place, below the path of the mount. */
  readonly at: (place: string) => string
}>()("test/Site") {}

/** The path below which the pages are served, so that no page can depend on the root of a server. */
const path = "/ops/millrace"

/** Builds the pages, and serves them with the API on a schema of its own. */
export const site = (
  url: string,
  schema: string,
  topics: ReadonlyArray<Topic.Topic<string, Schema.Codec<any, any>>>
) => {
  const build = Layer.effectDiscard(Effect.sync(() => buildPages(join(root, "dist/dashboard"))))
  const operations = Server.layer({
    path,
    topics,
    hosts: ["millrace.internal"],
    traceUrl: "https://traces.example.com/trace/{traceId}",
    code: { code: Redacted.make(code), actor: { name: "otto", role: "operator" } },
    tokens: [
      { token: Redacted.make(tokens.operator), role: "operator", name: "anna" },
      { token: Redacted.make(tokens.other), role: "operator", name: "ben" },
      { token: Redacted.make(tokens.viewer), role: "viewer", name: "vera" }
    ]
  })
  const server = HttpRouter.serve(operations, { disableListenLog: true, disableLogger: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 }))
  )
  const address = Layer.effect(
    Site,
    Effect.map(HttpServer.HttpServer, ({ address }) => {
      const port = "port" in address ? address.port : 0
      const origin = `http://127.0.0.1:${port}`
      return { origin, at: (place: string) => `${origin}${path}/${place}` }
    })
  )
  const store = Operations.layer({ schema }).pipe(Layer.provideMerge(postgres(url, {}, schema)))
  return Layer.provideMerge(address, server).pipe(Layer.provide(build), Layer.provideMerge(store))
}
