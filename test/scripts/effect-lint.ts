/**
 * Runs the Effect-aware lint. The tool passes even if it has checked no file: a renamed plugin in `tsconfig.json` is
 * enough. So this script also reads how many files it checked.
 */
import { tool } from "./run.ts"

const result = tool("effect-tsgo", [
  "diagnostics",
  "--project",
  "tsconfig.json",
  "--strict",
  "--severity",
  "error,warning",
  "--format",
  "text"
])
process.stdout.write(result.stdout)
process.stderr.write(result.stderr)
const checked = /Checked (\d+) files out of (\d+)/.exec(result.stdout)
if (result.code !== 0) process.exitCode = result.code
else if (checked === null || checked[1] === "0" || checked[1] !== checked[2]) {
  console.error("effect-tsgo did not check every file: is its plugin still named in tsconfig.json?")
  process.exitCode = 1
}
