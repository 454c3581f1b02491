/**
 * Builds the pages of the dashboard into `dist/dashboard`: one script and one style sheet with hashed names, an
 * `index.html`, and the small files of `public/`. All addresses are relative, so the pages work under any path.
 */
import { fileURLToPath } from "node:url"
import { defineConfig, type Plugin } from "vite"
import { notices } from "../../test/scripts/notices.ts"

/** Writes the licenses of the packages that the script contains. */
const licenses: Plugin = {
  name: "notices",
  generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap((each) => each.type === "chunk" ? each.moduleIds : [])
    this.emitFile({ type: "asset", fileName: "NOTICES.txt", source: notices("dashboard", modules) })
  }
}

export default defineConfig({
  plugins: [licenses],
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  resolve: { conditions: ["millrace-source", "module", "browser", "production"] },
  build: {
    outDir: fileURLToPath(new URL("../../dist/dashboard", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: { output: { codeSplitting: false } }
  }
})
