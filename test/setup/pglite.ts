/**
 * PGlite for tests. It takes seconds of processor time to make an empty database, and a quarter of that to load one. So
 * the first test of a checkout makes it, and keeps its dump below `.tmp`.
 */
import { PGlite } from "@electric-sql/pglite"
import { Effect, Layer } from "effect"
import { Embedded } from "millrace/embedded"
import { existsSync, mkdirSync, openAsBlob, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../scripts/run.ts"

const { version } = JSON.parse(readFileSync(join(root, "node_modules/@electric-sql/pglite/package.json"), "utf8"))
const path = join(root, ".tmp", `pglite-${version}.tar`)

const empty = Effect.promise(async () => {
  if (!existsSync(path)) {
    const made = await PGlite.create()
    const dump = await made.dumpDataDir("none")
    await made.close()
    mkdirSync(join(root, ".tmp"), { recursive: true })
    // Several processes may make it at once, and none may read a part of it.
    const own = `${path}.${process.pid}`
    writeFileSync(own, Buffer.from(await dump.arrayBuffer()))
    renameSync(own, path)
  }
  return openAsBlob(path)
})

/** `Embedded.layer` on a new database. */
export const pglite = (options: Embedded.EmbeddedOptions = {}) =>
  Layer.unwrap(Effect.map(empty, (loadDataDir) => Embedded.layer({ ...options, loadDataDir })))
