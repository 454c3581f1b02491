/** The requests of the pages to a server whose answers get lost. */
import { createServer, type IncomingMessage } from "node:http"
import { afterAll, assert, beforeAll, describe, it } from "vitest"

/** The requests that the server has read, and how many answers it loses from now on. */
const seen: Array<IncomingMessage> = []
let lost = 0

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    seen.push(request)
    if (lost > 0) {
      lost--
      request.socket.destroy()
    } else response.end(`{"data":1}`)
  })
})

/** The module reads the address of the page when it is loaded, and a clock watches whether the page is hidden. */
const load = async (port: number): Promise<typeof import("../../src/dashboard/data/Http.ts")> => {
  const page = { baseURI: `http://127.0.0.1:${port}/ops/`, hidden: false, addEventListener: () => {} }
  Object.assign(globalThis, { document: page })
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
    const acted = await post().then(() => "", String)
    assert.include(acted, "Whether the action was carried out is not known.")
    assert.notInclude(acted, "Nothing was changed")
    lost = 2
    assert.include(await http.read("overview").then(() => "", String), "Nothing was changed.")
  })
})
