/**
 * Serves the pages of the dashboard from memory. They contain no data, so they need no session.
 *
 * The files are read once at the start. A name with a hash never changes its content, so browsers keep that file. Every
 * other file has an ETag.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Mime from "effect/http/Mime"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { createHash } from "node:crypto"
import { folder } from "../DashboardFiles.ts"

/** A file in memory. */
interface Kept {
  readonly body: Uint8Array
  readonly type: string
  readonly etag: string
  readonly immutable: boolean
}

/** The page of an installation without the built pages. */
const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Millrace</title>
<h1>The pages of the dashboard are not built</h1>
<p>Run <code>npm run build:dashboard</code> in the folder of millrace, and start this server again.</p>
<p>The API is at <a href="./api/v1/overview">api/v1</a>, and its description at <a href="./openapi.json">openapi.json</a>.</p>
</html>
`

const keep = (name: string, body: Uint8Array): Kept => ({
  body,
  type: Option.getOrElse(Mime.getType(name), () => "application/octet-stream"),
  etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
  immutable: name.startsWith("assets/")
})

/** Reads all files, by their names relative to the folder. */
const load = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const kept = new Map<string, Kept>()
  const names = yield* Effect.orElseSucceed(files.readDirectory(folder, { recursive: true }), () => [])
  for (const name of names) {
    const full = path.join(folder, name)
    const { type } = yield* files.stat(full)
    if (type !== "File") continue
    const relative = name.split(path.sep).join("/")
    kept.set(relative, keep(relative, yield* files.readFile(full)))
  }
  if (!kept.has("index.html")) kept.set("index.html", keep("index.html", new TextEncoder().encode(notBuilt)))
  return kept
})

const respond = ({ headers }: HttpServerRequest.HttpServerRequest, { body, etag, immutable, type }: Kept) => {
  const caching = { etag, "cache-control": immutable ? "public, max-age=31536000, immutable" : "no-cache" }
  const known = headers["if-none-match"]?.split(",").map((one) => one.trim().replace(/^W\//, "")) ?? []
  return known.includes(etag)
    ? HttpServerResponse.empty({ status: 304, headers: caching })
    : HttpServerResponse.uint8Array(body, { contentType: type, headers: caching })
}

/** Returns the file for a path of a request, relative to the mount. */
export const make = Effect.map(load, (kept) => (path: string) => {
  const file = kept.get(path === "/" ? "index.html" : path.slice(1))
  return file === undefined
    ? undefined
    : Effect.map(HttpServerRequest.HttpServerRequest, (request) => respond(request, file))
})
