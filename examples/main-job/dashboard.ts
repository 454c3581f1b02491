/**
 * Serves the pages of the operations beside the run, on this machine only. The printed address signs in once.
 *
 * A package contains the built pages. A clone does not, so this program builds them first.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Redacted, Schema, Stream } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { ChildProcess } from "effect/process"
import { Server } from "millrace/http"
import { Operations } from "millrace/ops"
import { randomBytes } from "node:crypto"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"
import type { Screen } from "./screen.ts"

/** The pages were not built. */
export class PagesNotBuilt extends Schema.TaggedError<PagesNotBuilt>()("PagesNotBuilt", { output: Schema.String }) {
  override get message() {
    return `The pages were not built. Run \`npm ci\`, or start without --dashboard. ${this.output}`.trim()
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url))

/** Runs `npm run build:dashboard`, which takes two seconds. */
const build = Effect.gen(function*() {
  const child = yield* ChildProcess.make("npm", ["run", "--silent", "build:dashboard"], {
    cwd: root,
    env: { NODE_ENV: "production" },
    extendEnv: true,
    shell: process.platform === "win32"
  })
  const output = yield* Stream.mkString(Stream.decodeText(child.all))
  if ((yield* child.exitCode) !== 0) return yield* new PagesNotBuilt({ output })
}).pipe(
  Effect.catchTag("PlatformError", ({ message }) => new PagesNotBuilt({ output: message })),
  Effect.scoped
)

/** Serves the pages at this port, or at a free one if it is 0. If the port is taken, the run ends and says so. */
export const layer = (schema: string, screen: Screen, port: number) => {
  const code = randomBytes(16).toString("base64url")
  const pages = Server.layer({ code: { code: Redacted.make(code), actor: { name: "you", role: "admin" } } })
  const printed = Layer.effectDiscard(
    HttpServer.addressFormattedWith((address) => Effect.sync(() => screen.line(`  Pages: ${address}/#code=${code}`)))
  )
  // The server listens before it has its pages, and a request of that moment would get no answer.
  return printed.pipe(
    Layer.provide(HttpRouter.serve(pages, { disableLogger: true, disableListenLog: true })),
    Layer.provide(Operations.layer({ schema })),
    Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port })),
    Layer.provide(Layer.effectDiscard(build))
  )
}
