// The compiler's message for a wrong pipeline names the reason, and the types that an editor shows are readable.
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

/** Exported constants that must not compile, each with the part of the message that names the reason. */
const reasons: Readonly<Record<string, string>> = {
  mapEffectAfterCommit: "mapEffect cannot stand after commit or emit: it may wait, and a transaction must not.",
  tapAfterEmit: "tap cannot stand after commit or emit: it may wait, and a transaction must not.",
  deadLetterAtMostOnce: "deadLetter cannot stand in an atMostOnce pipeline",
  parkWithoutOrder: "deadLetter with order park cannot stand in a pipeline with order none",
  parkOfAllWithoutOrder: "deadLetter with order park cannot stand in a pipeline with order none",
  unknownOrder: "'\"keys\"' is not assignable to type 'KeyOrder",
  retryAtMostOnce: "retry cannot stand in an atMostOnce pipeline",
  emitOfAnotherType: "Property 'total' is missing in type '{ sum: number; }'",
  retryOfAnotherError:
    "\"The retry schedule has to read these errors of the pipeline, too\": Declined | RuntimeFailure",
  schemaOfAnotherError: "\"The Schema of deadLetter has to read these errors of the pipeline, too\": Declined",
  requirementNotProvided: "Type 'Ledger' is not assignable to type 'never'",
  batchThatReturnsOne: "Type 'number' is not assignable to type 'void | readonly unknown[]'",
  unknownMode: "'\"exactlyOnce\"' is not assignable to type 'DeliveryMode",
  asyncStep: "mapEffect takes no async function: return an Effect, with Effect.tryPromise around the promise",
  asyncTap: "tap takes no async function: return an Effect, with Effect.tryPromise around the promise",
  asyncCommit: "commit takes no async function: return an Effect, with Effect.tryPromise around the promise",
  noEffect: "Type 'number' is not assignable to type 'AsyncResult | Effect<unknown, unknown, unknown>'",
  asyncWhile: "Type 'Promise<boolean>' is not assignable to type 'boolean'",
  asyncKey: "Type 'Promise<string>' is not assignable to type 'string'",
  misspeltRetry: "'attemps' does not exist in type 'Policy<unknown> | RetryOptions'",
  emitAfterInsert: "The step before returned the rows of its statement. Return the value, with Effect.as(value)",
  emitAllAfterInsert: "The step before returned the rows of its statement. Return the value, with Effect.as(value)",
  // `Memory.layer` cannot say more: the compiler does not know that no other layer will provide the client.
  sqlOnMemory: "Type 'SqlClient' is not assignable to type 'never'"
}

/** The compiler's messages, by the constant on their line. */
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
  it("reads as value, error, requirement, phase, promise and order", () => {
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
        "export declare const read: Pipeline.Pipeline<Payment, never, never, \"steps\", \"effectivelyOnce\", \"key\">;",
        "export declare const counted: Pipeline.Pipeline<Payment, never, never, \"steps\", \"atMostOnce\", \"key\">;",
        "export declare const unordered: Pipeline.Pipeline<Payment, never, never, \"steps\", \"effectivelyOnce\", \"none\">;",
        "export declare const posted: Pipeline.Pipeline<number, Declined, Ledger, \"commit\", \"effectivelyOnce\", \"key\">;",
        "export declare const kept: Pipeline.Pipeline<Payment, never, never, \"commit\", \"effectivelyOnce\", \"key\">;",
        "export declare const summed: Pipeline.Pipeline<number, never, never, \"commit\", \"effectivelyOnce\", \"key\">;"
      ])
    } finally {
      rmSync(out, { recursive: true, force: true })
    }
  })
})
