/**
 * The server of `millrace dashboard`: it listens, prints its address, and runs until it is interrupted.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { createServer } from "node:http"
import { Server, type ServerOptions } from "../../http/index.ts"
import { CliFailure } from "../frame/CliFailure.ts"
import * as Output from "../output/Output.ts"

/** Where the server listens, and how the operator signs in. */
export interface Listen {
  readonly host: string
  readonly port: number
  /** The one-time code of the printed address. Without it the page asks for a token. */
  readonly code: string | undefined
  /** Whether the browser of this machine is opened. */
  readonly open: boolean
}

/** The program that opens an address in a browser. */
const opener: Readonly<Record<string, readonly [string, ...Array<string>]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""]
}

const openBrowser = Effect.fnUntraced(function*(url: string) {
  const spawner = yield* ChildProcessSpawner
  const [program, ...args] = opener[process.platform] ?? ["xdg-open"]
  yield* spawner.exitCode(ChildProcess.make(program, [...args, url])).pipe(
    Effect.timeout("5 seconds"),
    Effect.catchCause(() => Output.hint("No browser could be opened. Open the address yourself."))
  )
})

/**
 * Makes a server that answers 503 until it has its handler. It listens before that, and a request without any handler
 * would wait indefinitely.
 */
const answeringFromTheStart = () => {
  const server = createServer()
  return server.on("request", (_, response) => {
    if (server.listenerCount("request") === 1) response.writeHead(503, { "retry-after": "1" }).end()
  })
}

const portOf = (address: HttpServer.HttpServer["Service"]["address"]): number | undefined =>
  "port" in address ? Number(address.port) : undefined

const inUse = (host: string, port: number) =>
  new CliFailure({
    reason: "conflict",
    type: "port-in-use",
    message: `The server cannot listen on ${host}:${port}. Nothing was started.\n`
      + "Another program may use the port: pass --port 0 for a free one, or stop that program."
  })

/** Serves until it is interrupted. */
export const serve = (options: ServerOptions, { code, host, open, port }: Listen) => {
  const listening = HttpRouter.serve(Server.layer(options), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(answeringFromTheStart, { host, port }))
  )
  const running = Effect.gen(function*() {
    // The rest of the layer's context would replace the streams of this command.
    const { address } = Context.get(yield* Layer.build(listening), HttpServer.HttpServer)
    const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host
    const url = `http://${shown}:${portOf(address) ?? port}/`
    const signIn = code === undefined ? undefined : `${url}#code=${code}`
    yield* Output.emit({ data: { url, signIn }, lines: [Output.line(signIn ?? url)] })
    const how = signIn === undefined ? "Sign in with a token." : "The address signs in once."
    yield* Output.hint(`${how} The server runs until it is interrupted (Ctrl-C).`)
    if (open) yield* openBrowser(signIn ?? url)
    return yield* Effect.never
  })
  return Effect.scoped(running).pipe(
    Effect.catchTag("ServeError", () => Effect.fail(inUse(host, port)))
  )
}
