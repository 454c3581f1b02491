/**
 * The program `millrace`, as `npx millrace` runs it: the arguments, the streams and the exit code of this process.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import { createRequire } from "node:module"
import { run } from "./Cli.ts"

// The path is the same from the sources and from the bundle.
const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

const program = Stdio.Stdio.use(({ args }) => Effect.flatMap(args, run(version)))

NodeRuntime.runMain(
  Effect.provide(program, Layer.provideMerge(TerminalCapabilities.layer, NodeServices.layer)),
  { disableErrorReporting: true }
)
