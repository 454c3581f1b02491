/** Helpers of the main job's tests. */
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { freshDatabase } from "../setup/database.ts"

export const database = Effect.map(
  Effect.suspend(() => freshDatabase(inject("databaseUrl"))),
  (DATABASE_URL) => ({ DATABASE_URL })
)

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "millrace-main-job-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Far more than any of these takes, for a busy machine. */
export const patient = limit(180_000)

export const reconciled = ({ code, output }: { readonly code: number; readonly output: string }) => {
  assert.equal(code, 0, output)
  assert.match(output, /Reconciled in/)
  assert.notMatch(output, /DIFFERS/)
  assert.notMatch(output, /\u001b/, "no escapes where the output is no terminal")
}
