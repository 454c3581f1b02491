/** Removes the folders named on the command line, which must lie inside the repository. */
import { rmSync } from "node:fs"
import { resolve, sep } from "node:path"
import { root } from "./run.ts"

for (const name of process.argv.slice(2)) {
  const folder = resolve(root, name)
  if (!folder.startsWith(root + sep)) throw new Error(`"${name}" lies outside the repository`)
  rmSync(folder, { recursive: true, force: true })
}
