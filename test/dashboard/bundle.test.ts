/** The built pages: how large they are, and what they must not have. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { buildPages } from "./builtPages.ts"

/** The most bytes of script and style together, compressed as a server compresses them. */
const most = 80_000

const folder = mkdtempSync(join(tmpdir(), "millrace-dashboard-"))
const read = (name: string) => readFileSync(join(folder, name), "utf8")

describe("the built dashboard", () => {
  beforeAll(() => buildPages(folder))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("is one script and one style sheet with hashed names, of 80 kB at most", () => {
    const assets = readdirSync(join(folder, "assets")).toSorted()
    assert.deepEqual(assets.map((name) => name.replace(/-[\w-]{8}\./, "-HASH.")), ["index-HASH.js", "style-HASH.css"])
    const sizes = assets.map((name) => gzipSync(readFileSync(join(folder, "assets", name)), { level: 9 }).length)
    const sum = sizes.reduce((all, size) => all + size, 0)
    assert.isAtMost(sum, most, `${sizes.join(" + ")} bytes`)
  })

  it("has no inline script or style, and only relative addresses", () => {
    const page = read("index.html")
    assert.notMatch(page, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/)
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!)
    assert.isAtLeast(addresses.length, 4)
    for (const address of addresses) assert.match(address, /^\.\//)
  })

  it("names no server, and evaluates no text", () => {
    for (const name of readdirSync(join(folder, "assets"))) {
      const text = read(`assets/${name}`)
      const servers = [...text.matchAll(/https?:\/\/[\w.-]+/g)].map(([address]) => address)
      // Names of namespaces, which nothing is loaded from.
      assert.deepEqual(servers.filter((address) => address !== "http://www.w3.org"), [])
      assert.notMatch(text, /\beval\(|new Function\(|@import|sourceMappingURL/)
    }
  })

  it("sets the theme before the first paint by a file of its own", () => {
    const page = read("index.html")
    assert.isBelow(page.indexOf("theme.js"), page.indexOf("assets/index"))
    assert.isBelow(read("theme.js").length, 400)
  })
})
