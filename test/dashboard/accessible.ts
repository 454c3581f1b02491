/** Checks a page by axe-core, as WCAG 2.2 AA asks for, and its width. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { type Look, step, type Watched } from "./chromium.ts"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/** Another theme has other colours, and the same elements. */
const ofColours = `, runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] }`
const rulesOf = ({ theme }: Look): string => theme === "dark" ? ofColours : ""

const run = (look: Look) =>
  `axe.run({ resultTypes: ["violations"]${
    rulesOf(look)
  } }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map(({ failureSummary, target }) => id + " at " + target.join(" ") + ": " + failureSummary.replaceAll("\\n", " "))))`

/**
 * Prepares a page, and returns the check: what axe-core finds on it in this look, and whether it is wider than the
 * screen.
 */
export const checked = Effect.fnUntraced(function*({ context, page }: Watched) {
  // The page's policy forbids scripts that are added, so the debugger evaluates them.
  const session = yield* step(() => context.newCDPSession(page))
  const evaluate = (expression: string) =>
    Effect.map(
      step(() => session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true })),
      ({ result }) => result.value as unknown
    )
  yield* evaluate(axe)
  return Effect.fnUntraced(function*(look: Look) {
    const found = (yield* evaluate(run(look))) as ReadonlyArray<string>
    const wider = (yield* evaluate("document.documentElement.scrollWidth - innerWidth")) as number
    return wider > 0 ? [...found, `the page is ${wider} pixels wider than the screen`] : found
  })
})
