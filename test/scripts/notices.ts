/** The licenses of the packages that a bundle contains. They must come with it. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** The folder of the package that a bundled module belongs to. */
const packageOf = (module: string): string | undefined =>
  /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module.replaceAll("\\", "/"))?.[0]

/** Returns the text of the notices for the modules of a bundle. `what` names it: `program`. */
export const notices = (what: string, modules: ReadonlyArray<string>): string => {
  const packages = new Set(modules.flatMap((module) => packageOf(module) ?? []))
  const texts = [...packages].toSorted().map((folder) => {
    const { license, name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
    const file = join(folder, "LICENSE")
    if (!existsSync(file)) throw new Error(`${name} is bundled and has no file LICENSE`)
    return `${name} ${version} (${license})\n\n${readFileSync(file, "utf8").trim()}\n`
  })
  return `The ${what} contains these packages.\n\n${texts.join("\n---\n\n")}`
}
