/** The requests of the pages to a server whose answers get lost, or refuse. */
import { createServer, type IncomingMessage } from "node:http"
import { afterAll, assert, beforeAll, describe, it, vi } from "vitest"

/** The requests that the server has read, and how many answers it loses from now on. */
const seen: Array<IncomingMessage> = []
let lost = 0

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    seen.push(request)
    if (lost > 0) {
      lost--
      // Every other one is lost in its middle.
      if (lost % 2 === 0) request.socket.destroy()
      else response.writeHead(200, { "content-length": 99 }).write("{", () => request.socket.destroy())
    } else if (request.url?.endsWith("/payload") === true) {
      response.writeHead(503).end(`{"type":"/problems/database-unavailable","title":"Away"}`)
    } else response.end(`{"data":1}`)
  })
})

/** The module reads the address of the page when it is loaded, and a clock watches whether the page is hidden. */
const load = async (port: number): Promise<typeof import("../../src/dashboard/data/Http.ts")> => {
  const page = { baseURI: `http://127.0.0.1:${port}/ops/`, hidden: false, addEventListener: () => {} }
  Object.assign(globalThis, { document: page })
  // Another test file of this process may have loaded it, with another address.
  vi.resetModules()
  return import("../../src/dashboard/data/Http.ts")
}

let http: Awaited<ReturnType<typeof load>>

beforeAll(async () => {
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })
  http = await load(port)
})

afterAll(() => {
  server.close()
})

const failure = (request: Promise<unknown>): Promise<string> => request.then(() => "", String)
const post = () => http.send("dead-letters/7/discard", { method: "POST", body: {} })

describe("a request whose answer is lost", () => {
  it("is sent again with the same Idempotency-Key, so the action happens once", async () => {
    seen.length = 0
    lost = 1
    assert.deepEqual((await post()).value, { data: 1 })
    assert.deepEqual(seen.map(({ url }) => url), Array(2).fill("/ops/api/v1/dead-letters/7/discard"))
    const keys = seen.map(({ headers }) => headers["idempotency-key"])
    assert.match(String(keys[0]), /^[\da-f]{32}$/)
    assert.strictEqual(keys[1], keys[0])
    await post()
    assert.notStrictEqual(seen[2]!.headers["idempotency-key"], keys[0])
  })

  it("says that nothing is known about the action, and promises that a read changed nothing", async () => {
    lost = 2
    const acted = await failure(post())
    assert.include(acted, "Whether the action was carried out is not known.")
    assert.notInclude(acted, "Nothing was changed")
    lost = 2
    assert.include(await failure(http.read("overview")), "Nothing was changed.")
  })
})

describe("a payload that the server refuses", () => {
  it("is no text that an operator could edit", async () => {
    const { payload } = await import("../../src/dashboard/data/Requests.ts")
    assert.strictEqual(await failure(payload("7")), "Error: Away")
  })
})
