/**
 * `millrace artefacts`: prints the files for a monitoring system that the package contains. They fit the metrics of
 * this version.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Artefacts from "../../ops/Artefacts.ts"
import * as Output from "../output/Output.ts"

const names = ["grafana", "prometheus", "prometheus-tests", "runbook"] as const satisfies ReadonlyArray<
  Artefacts.Artefact
>

export const artefacts = Command.make(
  "artefacts",
  {
    name: Argument.Literals("name", names).pipe(
      Argument.withDescription("A dashboard as JSON, alert rules as YAML, tests of these rules, or the runbook")
    )
  },
  ({ name }) =>
    Effect.gen(function*() {
      const text = yield* Artefacts.read(name)
      yield* Output.emit({
        data: { name, path: Artefacts.paths[name], text },
        lines: Output.paragraph(text.replace(/\n$/, ""))
      })
    })
).pipe(Command.withDescription("Print the Grafana dashboard, the alert rules for Prometheus, or the runbook"))
