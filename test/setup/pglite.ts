/**
 * PGlite for tests. It takes seconds of processor time to make a database with Millrace's tables, and a quarter of that
 * to load one. So the first test of a checkout makes it, and keeps its dump below `.tmp`.
 */
import { PGlite } from "@electric-sql/pglite"
import { Effect, Layer, Result } from "effect"
import { Embedded } from "millrace/embedded"
import { createHash } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openAsBlob,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { script } from "../../src/postgres/migrations/index.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { root } from "../scripts/run.ts"

const { version } = JSON.parse(readFileSync(join(root, "node_modules/@electric-sql/pglite/package.json"), "utf8"))
/** Another migration makes another database. */
const tables = createHash("sha256").update(script(Result.getOrThrow(Names.make("millrace"))).join()).digest("hex")
const path = join(root, ".tmp", `pglite-${version}-${tables.slice(0, 16)}.tar`)

const made = Effect.gen(function*() {
  mkdirSync(join(root, ".tmp"), { recursive: true })
  const folder = mkdtempSync(join(root, ".tmp", "pglite-"))
  const dataDir = join(folder, "data")
  yield* Effect.scoped(Layer.build(Embedded.layer({ dataDir, retention: false })))
  const dump = yield* Effect.promise(async () => {
    const database = await PGlite.create(dataDir)
    const dump = await database.dumpDataDir("none")
    await database.close()
    return dump.arrayBuffer()
  })
  // Several processes may make it at once, and none may read a part of it.
  const own = join(folder, "dump")
  writeFileSync(own, Buffer.from(dump))
  renameSync(own, path)
  rmSync(folder, { recursive: true, force: true })
})

const content = Effect.suspend(() => existsSync(path) ? Effect.void : Effect.orDie(made)).pipe(
  Effect.andThen(Effect.promise(() => openAsBlob(path)))
)

/** `Embedded.layer` on a database that has Millrace's tables in the schema `millrace`, and no messages. */
export const pglite = (options: Embedded.EmbeddedOptions = {}) =>
  Layer.unwrap(Effect.map(content, (loadDataDir) => Embedded.layer({ ...options, loadDataDir })))
