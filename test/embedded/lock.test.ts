/** The lock of a PGlite directory: one process opens it, once, and a dead process keeps no other one out. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Embedded } from "millrace/embedded"
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as DataLock from "../../src/embedded/DataLock.ts"
import { start, until } from "../harness/child.ts"
import { limit } from "../harness/patience.ts"
import type { Opening } from "./opener.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "millrace-lock-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const program = fileURLToPath(new URL("opener.ts", import.meta.url))

const opener = (opening: Opening) => start({ name: opening.name, program, setup: opening })

const rows = SqlClient.SqlClient.use((sql) =>
  sql<{ who: string; n: number }>`select who, count(*)::int as n from notes group by who order by who`
)

const claims = (dataDir: string) => readdirSync(dataDir).filter((name) => name.startsWith("millrace-open-"))
const claim = (dataDir: string) => Effect.scoped(DataLock.acquire(dataDir, String))
/** A claim of another process, as the lock writes it. */
const leave = (dataDir: string, change: object) =>
  Effect.scoped(Effect.gen(function*() {
    yield* DataLock.acquire(dataDir, String)
    const [name] = claims(dataDir)
    const text = yield* Effect.promise(() => import("node:fs/promises").then((fs) => fs.readFile(join(dataDir, name!))))
    writeFileSync(join(dataDir, ".draft"), JSON.stringify({ ...JSON.parse(String(text)), ...change }))
    renameSync(join(dataDir, ".draft"), join(dataDir, "millrace-open-other"))
  }))

describe("a directory that one process has open", () => {
  it.live(
    "is refused to another one with the owner's name, and nothing that was committed is lost",
    () =>
      Effect.gen(function*() {
        const dataDir = yield* directory
        const first = yield* opener({ name: "first", dataDir, rows: 20 })
        yield* first.said("committed")
        const second = yield* opener({ name: "second", dataDir, rows: 20 })
        yield* until("an answer", Effect.sync(() => /refused|committed/.test(second.output())))
        assert.include(second.output(), `is open in process ${first.process.pid}`)
        assert.include(second.output(), "Nothing was opened. Stop that process, or use a Postgres server")
        assert.notInclude(second.output(), "delete")
        yield* first.signal("SIGKILL")
        yield* first.ended
        assert.deepStrictEqual(yield* Effect.provide(rows, Embedded.layer({ dataDir })), [{ who: "first", n: 20 }])
        assert.deepStrictEqual(claims(dataDir), [])
      }),
    limit(120_000)
  )

  it.live("is refused to another layer of the same process, until the first is closed", () =>
    Effect.gen(function*() {
      const dataDir = yield* directory
      const inUse = yield* Effect.provide(
        Effect.flip(Effect.provide(Effect.void, Embedded.layer({ dataDir: `file://${dataDir}` }), { local: true })),
        Embedded.layer({ dataDir })
      )
      assert.deepInclude(inUse, { _tag: "DataInUse", pid: process.pid, same: true, certain: true })
      assert.include(inUse.message, "open in this process, by another layer")
      yield* claim(dataDir)
    }))

  it.live("goes to one of several that ask in the same moment, or to none", () =>
    Effect.gen(function*() {
      const dataDir = yield* directory
      const claimAt = Date.now() + 3_000
      const all = yield* Effect.forEach(
        ["a", "b", "c", "d"],
        (name) => opener({ name, dataDir, rows: 0, claimAt }),
        { concurrency: "unbounded" }
      )
      yield* until("four answers", Effect.sync(() => all.every((one) => /refused|claimed/.test(one.output()))))
      assert.isAtMost(all.filter((one) => one.output().includes("claimed")).length, 1)
    }))
})

describe("the claim of a killed process", () => {
  it.live("keeps no process out, though its process number now belongs to another program", () =>
    Effect.gen(function*() {
      const dataDir = yield* directory
      yield* leave(dataDir, { started: "another boot 12345" })
      yield* claim(dataDir)
      assert.deepStrictEqual(claims(dataDir), [])
    }))

  it.live("keeps no process out, though only half of it reached the disk", () =>
    Effect.gen(function*() {
      const dataDir = yield* directory
      writeFileSync(join(dataDir, "millrace-open-torn"), `{"pid":1`)
      yield* claim(dataDir)
      assert.deepStrictEqual(claims(dataDir), [])
    }))

  it.live("is believed where it cannot be looked at, and the error says what to delete", () =>
    Effect.gen(function*() {
      const dataDir = yield* directory
      yield* leave(dataDir, { host: `not-${hostname()}` })
      const inUse = yield* Effect.flip(claim(dataDir))
      assert.instanceOf(inUse, Error)
      assert.include((inUse as Error).message, `on not-${hostname()}`)
      assert.include((inUse as Error).message, `delete ${join(dataDir, "millrace-open-other")}, and start again`)
      assert.deepStrictEqual(claims(dataDir), ["millrace-open-other"])
      rmSync(join(dataDir, "millrace-open-other"))

      yield* leave(dataDir, { started: "" })
      assert.include(((yield* Effect.flip(claim(dataDir))) as Error).message, "delete")
    }))
})
