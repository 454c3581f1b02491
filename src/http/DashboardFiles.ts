/**
 * The folder of the built pages. From the sources, from the build and from the bundled command line it is the same way.
 */
import { fileURLToPath } from "node:url"

/** `dist/dashboard` of this installation. It exists after `npm run build:dashboard`, and in the package. */
export const folder = fileURLToPath(new URL("../../dist/dashboard", import.meta.url))
