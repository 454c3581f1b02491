/**
 * Files for your monitoring: alert rules for Prometheus with their tests, a dashboard for Grafana, and the runbook of
 * the alerts. The package contains them.
 *
 * They use the names of metrics and labels that this version emits. So install those of the version that you run.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import { fileURLToPath } from "node:url"

/**
 * The artefacts by name.
 *
 * - `grafana`: a dashboard, as JSON for Grafana's import.
 * - `prometheus`: recording rules and alerts, as YAML for `rule_files`.
 * - `prometheus-tests`: tests of these rules, for `promtool test rules`.
 * - `runbook`: a page that says for each alert what it means, what to look at, and what to do.
 *
 * @since 0.1.0
 */
export type Artefact = "grafana" | "prometheus" | "prometheus-tests" | "runbook"

/**
 * Returns the path of a file of the artefacts. The way to the sources is the same from the sources and from the build.
 */
const fileOf = (name: string): string => fileURLToPath(new URL(`../../src/ops/${name}`, import.meta.url))

/**
 * The path of each artefact in this installation.
 *
 * @since 0.1.0
 */
export const paths: Readonly<Record<Artefact, string>> = {
  grafana: fileOf("artefacts/millrace.grafana.json"),
  prometheus: fileOf("artefacts/millrace.rules.yml"),
  "prometheus-tests": fileOf("artefacts/millrace.rules.test.yml"),
  runbook: fileOf("RUNBOOK.md")
}

/**
 * Reads the text of an artefact.
 *
 * ```ts
 * import { NodeRuntime, NodeServices } from "@effect/platform-node"
 * import { Console, Effect } from "effect"
 * import { Artefacts } from "millrace/ops"
 *
 * const print = Artefacts.read("prometheus").pipe(Effect.flatMap(Console.log), Effect.provide(NodeServices.layer))
 * const main = () => NodeRuntime.runMain(print)
 * ```
 *
 * @since 0.1.0
 */
export const read = (artefact: Artefact): Effect.Effect<string, PlatformError, FileSystem.FileSystem> =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(paths[artefact]))
