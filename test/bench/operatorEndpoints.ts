/**
 * Every GET of the HTTP API, over HTTP, and every page of the dashboard in a real Chromium.
 *
 * The endpoints come from the OpenAPI document. One that has no example here fails the run, so that no endpoint is
 * forgotten.
 */
import { NodeHttpServer } from "@effect/platform-node"
import { Console, Effect, Layer, Redacted } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { OpenApi } from "effect/http-api"
import { DeadLetters } from "millrace"
import { Api, Server } from "millrace/http"
import { Operations } from "millrace/ops"
import { createServer } from "node:http"
import { join } from "node:path"
import { buildPages } from "../dashboard/builtPages.ts"
import { browserRuns, Chromium, watched } from "../dashboard/chromium.ts"
import { signIn, turnTo } from "../dashboard/walks.ts"
import { root } from "../scripts/run.ts"

const token = "operator-token-of-the-bench"

/** The server of the operations with the built pages, on a free port. */
export const server = HttpRouter.serve(
  Server.layer({ path: "/ops", tokens: [{ token: Redacted.make(token), role: "operator", name: "bench" }] }),
  { disableLogger: true, disableListenLog: true }
).pipe(
  Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
  Layer.provide(Layer.effectDiscard(Effect.sync(() => buildPages(join(root, "dist/dashboard")))))
)

const origin = Effect.map(
  HttpServer.HttpServer,
  ({ address }) => `http://127.0.0.1:${"port" in address ? address.port : 0}`
)

const group = encodeURIComponent("Declined@steps f7")

/** The ends of the addresses of each endpoint: values of its path, and queries that fit many, few or nothing. */
const examples = (dead: string, run: string): Readonly<Record<string, ReadonlyArray<string>>> => ({
  "/overview": [""],
  "/consumers": [""],
  "/consumers/{consumer}": ["/c", "/other"],
  "/consumers/{consumer}/series": ["/c/series", "/c/series?from=2026-01-01T00:00Z"],
  "/consumers/{consumer}/lanes": ["/c/lanes"],
  "/consumers/{consumer}/messages": ["/c/messages", "/c/messages?key=k77"],
  "/consumers/{consumer}/keys/{key}": ["/c/keys/k7"],
  "/workers": ["", "?consumer=c"],
  "/workers/crashes": ["", "?consumer=c"],
  "/keys": ["", "?hold=paused"],
  "/messages": [""],
  "/messages/{id}": ["/d77", "/m77", "/m77?key=k77", "/none"],
  "/messages/{id}/stored": ["/m77/stored", "/m77/stored?key=k77"],
  "/database": [""],
  "/audit": ["", "?by=ben", "?consumer=other", "?about=consumers", `?deadLetter=${dead}`],
  "/failures": ["", "?consumer=c", "?topic=none", "?text=not-there", "?payload=bank.code:51"],
  "/failures/{fingerprint}": [`/${group}`],
  "/failures/{fingerprint}/history": [`/${group}/history?consumer=c`],
  "/redrives": ["", "?by=ben"],
  "/dead-letters": [
    "",
    "?consumer=c",
    "?state=any",
    "?state=discarded",
    "?topic=none",
    "?error=none",
    "?version=9",
    "?until=2001-01-01T00:00Z",
    "?key=x77",
    `?failure=${group}`,
    "?text=not-there",
    "?text=declined",
    "?payload=bank.code:51"
  ],
  "/dead-letters/export": ["?limit=100"],
  "/dead-letters/search": ["?error=none", "?text=not-there"],
  "/dead-letters/groups": ["", "?topic=none"],
  "/dead-letters/{id}": [`/${dead}`],
  "/dead-letters/{id}/payload": [`/${dead}/payload`],
  "/redrive-runs": [""],
  "/redrive-runs/{id}": [`/${run}`],
  "/session": [""],
  "/events": [""]
})

/** Returns the addresses of every GET of the document. Dies if an endpoint has no example. */
const addresses = (dead: string, run: string): ReadonlyArray<string> => {
  const known = examples(dead, run)
  return Object.entries(OpenApi.fromApi(Api.api).paths).flatMap(([path, methods]) => {
    if (!("get" in methods)) return []
    const name = path.replace("/api/v1", "")
    const ends = known[name]
    if (ends === undefined) throw new Error(`GET ${name} has no example in test/bench/operatorEndpoints.ts. Add one.`)
    return ends.map((end) => `${path.split("/{")[0]}${end}`)
  })
}

/** Reads an answer to its end. A stream is read to its first facts. */
const get = (address: string) =>
  Effect.promise(async (signal) => {
    const response = await fetch(address, { headers: { authorization: `Bearer ${token}` }, signal })
    if (!response.ok) throw new Error(`${address} answered ${response.status}: ${await response.text()}`)
    if (!address.endsWith("/events")) return await response.text()
    let read = ""
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      read += chunk
      if (read.includes("event: stats")) break
    }
    return read
  })

const start = Effect.gen(function*() {
  const operations = yield* Operations.Operations
  const [newest] = yield* DeadLetters.list({ limit: 1, consumer: "c" })
  const { id } = yield* operations.startRedrive({ consumer: "c", tag: "Declined" }, { by: "bench", rate: 1 })
  return { dead: newest!.id, run: id, at: yield* origin }
})

/** Each GET of the API. */
export const endpoints = Effect.map(
  start,
  ({ at, dead, run }) =>
    Object.fromEntries(
      addresses(dead, run).map((path) => [`GET ${path.replace("/api/v1", "")}`, get(`${at}/ops${path}`)])
    )
)

/** The pages, as their own links open them. */
const places = (dead: string): ReadonlyArray<string> => [
  "#/",
  "#/failures",
  "#/failures?view=list",
  "#/failures?q=error%3Anone&view=list",
  "#/failures?q=not-there&view=list",
  `#/failures/c/${group}`,
  `#/dead-letters/${dead}`,
  "#/keys",
  "#/keys/c/k7",
  "#/queues",
  "#/queues/c",
  "#/workers",
  "#/workers?tab=lanes&consumer=c",
  "#/workers?tab=suspects",
  "#/audit",
  "#/messages/d77"
]

/** Each page in a browser: the time from its link to its facts, the best of five. */
export const pages = Effect.scoped(Effect.gen(function*() {
  if (!browserRuns("the pages of the dashboard")) return []
  const at = yield* origin
  const [newest] = yield* DeadLetters.list({ limit: 1, consumer: "c" })
  const { page } = yield* watched(at, { width: 1360, theme: "light" })
  yield* signIn(page, `${at}/ops/`, token)
  const times: Array<readonly [name: string, millis: number]> = []
  for (const place of places(newest!.id)) {
    let best = Infinity
    for (let i = 0; i < 5; i++) {
      yield* turnTo(page, "#/no-such-page")
      const began = performance.now()
      yield* turnTo(page, place)
      best = Math.min(best, performance.now() - began)
    }
    times.push([`page ${place}`, best])
    yield* Console.log(`     ${best.toFixed(1).padStart(8)}  page ${place}`)
  }
  return times
})).pipe(Effect.provide(Chromium.layer))
