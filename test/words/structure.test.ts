// The structure of `src` that a reader can rely on: public modules, no circles, ports without unused members.
import { assert, describe, it } from "@effect/vitest"
import { files, parse, read } from "../scripts/source.ts"
import { circles, errorsOf, importsOf, membersOf, namespaces } from "../scripts/structure-rules.ts"

const load = (path: string) => parse(path, read(path))
const sources = files("src", ".ts")
const root = sources.filter((path) => /^src\/\w+\.ts$/.test(path))

/** Members of the ports that no worker reads, each with its reader. */
const reserved: Readonly<Record<string, string>> = {
  release: "the conformance suite and the order stress give single leases back while the subscription is open",
  deduplicates: "the table of transports in README.md is generated from it",
  maxBytes: "so is that table, and the conformance suite skips by it, since a queue of SQS has its own limit"
}

describe("the public modules", () => {
  it("are exactly the files at the root of src", () => {
    const exported = namespaces(load("src/index.ts"))
    const folders = new Map([["Memory", "src/memory/index.ts"], ["Worker", "src/worker/Worker.ts"], [
      "Relay",
      "src/worker/relay/Relay.ts"
    ]])
    assert.deepStrictEqual(
      [...exported].filter(([name]) => !folders.has(name)).map(([name, path]) => [path, `src/${name}.ts`]),
      root.filter((path) => path !== "src/index.ts").map((path) => [path, path])
    )
    for (const [name, path] of folders) assert.strictEqual(exported.get(name), path)
  })

  it("and the internal ones import one another without a circle, types included", () => {
    const words = [...root, ...sources.filter((path) => path.startsWith("src/internal/"))]
      .filter((path) => path !== "src/index.ts")
    const graph = new Map(words.map((path) => [path, importsOf(load(path))]))
    assert.deepStrictEqual(circles(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]])), ["b", "c"])
    assert.deepStrictEqual(circles(graph), [])
  })

  it("have all errors in one place: src/Errors.ts exports every file with an error", () => {
    // The kit fails tests, and the command line ends a process. No caller sees the problems in the client of a server.
    const apart = ["src/internal/errors/", "src/testing/", "src/cli/", "src/http/client/"]
    const elsewhere = sources.filter((path) => !apart.some((folder) => path.startsWith(folder)))
    assert.deepStrictEqual(elsewhere.flatMap((path) => errorsOf(load(path)).map((name) => `${name} in ${path}`)), [])
    assert.deepStrictEqual(
      importsOf(load("src/Errors.ts")),
      sources.filter((path) => path.startsWith("src/internal/errors/"))
    )
  })
})

describe("the worker", () => {
  it("has at most eight files in each of its folders", () => {
    const full = (paths: ReadonlyArray<string>) => {
      const folders = new Map<string, number>()
      for (const path of paths) {
        const folder = path.slice(0, path.lastIndexOf("/"))
        folders.set(folder, (folders.get(folder) ?? 0) + 1)
      }
      return [...folders].filter(([, count]) => count > 8)
    }
    const nine = Array.from({ length: 9 }, (_, i) => `src/worker/commit/File${i}.ts`)
    assert.deepStrictEqual(full(nine), [["src/worker/commit", 9]])
    assert.deepStrictEqual(full(sources.filter((path) => path.startsWith("src/worker/"))), [])
  })
})

describe("a port", () => {
  /** Code that calls the ports: the worker, brokers, logs and the public modules, without the ports themselves. */
  const callers = [
    ...root,
    ...sources.filter((path) => /^src\/(?:worker|internal\/broker|internal\/health|redis)\//.test(path))
  ]
    .filter((path) => path !== "src/Transport.ts" && path !== "src/Store.ts")
    .map((path) => {
      const { comments, text } = load(path)
      return comments.reduceRight((left, { end, start }) => left.slice(0, start) + left.slice(end), text)
    })
    .join("\n")
  const isRead = (name: string) =>
    new RegExp(`\\.${name}\\b|\\{[^{}]*\\b${name}\\b[^{}]*\\}(?:: [^=]*)? = |\\(\\{[^{}]*\\b${name}\\b[^{}]*\\}`).test(
      callers
    )

  it.each([
    "src/Transport.ts",
    "src/Store.ts",
    ...sources.filter((path) => path.startsWith("src/internal/store/"))
  ])("has no member that nothing in src reads: %s", (path) => {
    const unused = membersOf(load(path), /(?:Store|Subscription|Capabilities)$/).filter((name) =>
      !isRead(name) && !(name in reserved)
    )
    assert.deepStrictEqual(unused, [])
  })
})
