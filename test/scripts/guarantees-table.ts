/**
 * The table of guarantees in `test/README.md`, made of the mutants' data: `npm run docs:guarantees` writes it between
 * its markers.
 *
 * Each row is a break of the code: what is broken, in which file, and the test that fails.
 */
import { writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { mutants } from "../mutants/mutants.ts"
import { guarantees, type Mutant } from "../mutants/types.ts"
import { root } from "./run.ts"
import { read } from "./source.ts"

const begin = "<!-- guarantees: written by npm run docs:guarantees -->"
const end = "<!-- /guarantees -->"

const cell = (text: string) => text.replaceAll("|", "\\|")

const row = ({ file, guarantee, name, named, test }: Mutant) =>
  `| ${guarantee} | ${cell(name)} | \`${basename(file)}\` | \`${basename(test)}\` \`${cell(named)}\` |`

export const guaranteesTable = (from: ReadonlyArray<Mutant> = mutants): string => {
  const sections = Object.entries(guarantees).map(([guarantee, says]) => {
    const rows = from.filter((mutant) => mutant.guarantee === guarantee).map(row)
    return [
      `### ${guarantee[0]!.toUpperCase()}${guarantee.slice(1)}`,
      "",
      says,
      "",
      "| guarantee | broken | in | test that fails |",
      "| --- | --- | --- | --- |",
      ...rows
    ].join("\n")
  })
  return sections.join("\n\n")
}

/** The page with the table between its markers. */
export const withTable = (page: string, table: string): string => {
  const [from, until] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || until < from) throw new Error(`test/README.md has no markers "${begin}" and "${end}"`)
  return `${page.slice(0, from + begin.length)}\n\n${table}\n\n${page.slice(until)}`
}

if (import.meta.main) {
  writeFileSync(join(root, "test/README.md"), withTable(read("test/README.md"), guaranteesTable()))
}
