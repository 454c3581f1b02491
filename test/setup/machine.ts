/**
 * Vitest's global setup for all tests. It checks the version of Node. The processes that tests start get one folder of
 * bundled programs and one cache of compiled code.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../scripts/run.ts"

export default function setup() {
  requireNode()
  const folders = [shareCompiledCode(), sharePrograms()]
  return () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }))
}

/** Below the root, so that the packages which are not bundled are found. Returns the folder. */
export const sharePrograms = () => {
  mkdirSync(join(root, ".tmp"), { recursive: true })
  return process.env["MILLRACE_PROGRAMS"] = mkdtempSync(join(root, ".tmp", "programs-"))
}

/**
 * Processes that tests start compile what they import once, not once each: half of the processor time of such a start.
 */
const shareCompiledCode = () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-compiled-"))
  process.env["NODE_COMPILE_CACHE"] ??= directory
  return directory
}

/**
 * The npm package `node` brings the version that we test with; without its install script the machine's own is used.
 */
const requireNode = () => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
  if (major > 22 || (major === 22 && minor >= 19)) return
  throw new Error(
    `Tests need Node 22.19 or newer but run on ${process.versions.node}: start them with "npm test"; ` +
      `if that is what you did, the install script of the package "node" was not run: run "npm rebuild node".`
  )
}
