// What the compiler says to somebody who gets a pipeline wrong names the reason, and the types that an editor shows can be read.
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = join(root, "test", "types", "wrong")

const tsc = (...flags: ReadonlyArray<string>): string =>
  spawnSync(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", folder, ...flags], {
    cwd: root,
    encoding: "utf8"
  }).stdout

/** What each exported constant must not compile with, and the part of the message that names why. */
const reasons: Readonly<Record<string, string>> = {
  mapEffectAfterCommit: "mapEffect cannot stand after commit or emit: it may wait, and a transaction must not.",
  tapAfterEmit: "tap cannot stand after commit or emit: it may wait, and a transaction must not.",
  deadLetterAtMostOnce: "deadLetter cannot stand in an atMostOnce pipeline",
  retryAtMostOnce: "retry cannot stand in an atMostOnce pipeline",
  emitOfAnotherType: "Property 'total' is missing in type '{ sum: number; }'",
  retryOfAnotherError:
    "\"The retry schedule has to read these errors of the pipeline, too\": Declined | RuntimeFailure",
  schemaOfAnotherError: "\"The Schema of deadLetter has to read these errors of the pipeline, too\": Declined",
  requirementNotProvided: "Type 'Ledger' is not assignable to type 'never'",
  batchThatReturnsOne: "Type 'number' is not assignable to type 'void | readonly unknown[]'",
  unknownMode: "'\"exactlyOnce\"' is not assignable to type 'DeliveryMode"
}

/** The compiler's messages by the constant in whose line they are. */
const messages = (): ReadonlyMap<string, string> => {
  const lines = readFileSync(join(folder, "wrongPipelines.ts"), "utf8").split("\n")
  const found = new Map<string, string>()
  let name = ""
  for (const line of tsc("--pretty", "false").split("\n")) {
    const at = /wrongPipelines\.ts\((\d+),\d+\): error/.exec(line)
    if (at !== null) name = /^export const (\w+)/.exec(lines[Number(at[1]) - 1] ?? "")?.[1] ?? `line ${at[1]}`
    else if (/^\S.*: error TS/.test(line)) name = line
    found.set(name, `${found.get(name) ?? ""}${line}\n`)
  }
  found.delete("")
  return found
}

describe("a pipeline that is put together wrongly", () => {
  const said = messages()
  it.each(Object.entries(reasons))("does not compile, and the message says why: %s", (name, reason) => {
    assert.include(said.get(name), reason)
  })

  it("is the only thing that does not compile here", () => {
    assert.deepStrictEqual([...said.keys()].toSorted(), Object.keys(reasons).toSorted())
  })
})

describe("the type of a pipeline", () => {
  it("reads as value, error, requirement, phase and promise", () => {
    const out = mkdtempSync(join(tmpdir(), "millrace-types-"))
    try {
      tsc(
        "--noEmit",
        "false",
        "--declaration",
        "--emitDeclarationOnly",
        "--noCheck",
        "--rootDir",
        root,
        "--outDir",
        out
      )
      const path = readdirSync(out, { recursive: true, encoding: "utf8" }).find((name) => name.endsWith("shown.d.ts"))
      const shown = readFileSync(join(out, path!), "utf8").match(/^export declare const .*$/gm)
      assert.deepStrictEqual(shown, [
        "export declare const read: Pipeline.Pipeline<Payment, never, never, \"steps\", \"effectivelyOnce\">;",
        "export declare const counted: Pipeline.Pipeline<Payment, never, never, \"steps\", \"atMostOnce\">;",
        "export declare const posted: Pipeline.Pipeline<number, Declined, Ledger, \"commit\", \"effectivelyOnce\">;",
        "export declare const kept: Pipeline.Pipeline<Payment, never, never, \"commit\", \"effectivelyOnce\">;",
        "export declare const summed: Pipeline.Pipeline<number, never, never, \"commit\", \"effectivelyOnce\">;"
      ])
    } finally {
      rmSync(out, { recursive: true, force: true })
    }
  })
})
