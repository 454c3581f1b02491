/** Builds the pages of the dashboard as `npm run build:dashboard` does, into a folder of the caller. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { root } from "../scripts/run.ts"

/** Builds the pages. A process of its own does it, since the test runner's environment would change what is built. */
export const buildPages = (folder: string): void => {
  const vite = join(root, "node_modules/vite/bin/vite.js")
  const config = join(root, "src/dashboard/vite.config.ts")
  const args = [vite, "build", "--config", config, "--logLevel", "error", "--outDir", folder, "--emptyOutDir"]
  const { PATH } = process.env
  const { status, stderr, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    env: { ...(PATH === undefined ? {} : { PATH }), NODE_ENV: "production" }
  })
  if (status !== 0) throw new Error(`the dashboard does not build\n${stdout}${stderr}`)
}
