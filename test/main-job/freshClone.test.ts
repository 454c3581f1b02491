/** `npm start -- --dashboard` in a clone where nothing is built. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { cpSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { assert, describe } from "vitest"
import { limit } from "../harness/patience.ts"
import { root } from "../scripts/run.ts"
import { folder, patient } from "./main-job-kit.ts"
import { start } from "./main-job-program.ts"

/** A checkout after `npm ci`. */
const clone = Effect.tap(folder, (to) =>
  Effect.sync(() => {
    for (const name of ["src", "test", "examples", "package.json", "tsconfig.json"]) {
      cpSync(join(root, name), join(to, name), { recursive: true })
    }
    symlinkSync(join(root, "node_modules"), join(to, "node_modules"))
  }))

describe("the pages of the main job in a fresh clone", () => {
  it.live("are built before they are served", () =>
    Effect.scoped(Effect.gen(function*() {
      const program = yield* start(["--messages", "10", "--dashboard", "--port", "0"], {}, yield* clone)
      yield* program.shows(/Pages: .*#code=/)
      const address = /Pages: (.*)#code=/.exec(program.output())![1]!
      const page = yield* Effect.promise(() =>
        fetch(address, { signal: AbortSignal.timeout(limit(30_000)) }).then((response) => response.text())
      )
      assert.match(page, /<script[^>]* src="\.\/assets\//)
      assert.notMatch(page, /not built/)
    })), patient)
})
