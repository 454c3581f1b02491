/**
 * The breaks of the dashboard's pages: what they show of a text, a payload and a list.
 */
import type { Mutant } from "./types.ts"

const pure = { guarantee: "operations", test: "test/dashboard/pureParts.test.ts" } as const

export const pageMutants: ReadonlyArray<Mutant> = [
  {
    ...pure,
    name: "pages: bidirectional controls shown as they are",
    file: "src/dashboard/text/Pieces.ts",
    from: "const hidden = /[\\p{Cc}\\p{Cf}",
    to: "const hidden = /[\\p{Cc}",
    named: "shows each invisible or reordering character as a chip"
  },
  {
    ...pure,
    name: "pages: numbers of a payload rounded",
    file: "src/dashboard/payload/PayloadTree.ts",
    from: "text: opens ? \"\" : token, children",
    to: "text: opens ? \"\" : kind === \"number\" ? String(Number(token)) : token, children",
    named: "keeps every digit of a number"
  },
  {
    ...pure,
    name: "pages: rows moved while the operator looks",
    file: "src/dashboard/data/Merge.ts",
    from: "const rows = shown.map((row) => byId.get(idOf(row)) ?? row)",
    to: "const rows = [...newer]",
    named: "keeps each shown row in its place"
  },
  {
    ...pure,
    name: "pages: a name changed by the address",
    file: "src/dashboard/place/Router.ts",
    from: "path.map(encoded).join(\"/\")",
    to: "path.map(encodeURI).join(\"/\")",
    named: "brings every name of a path"
  }
]
