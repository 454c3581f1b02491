// The alert rules, the dashboard and the runbook agree with one another, and with what the library emits.
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Telemetry } from "millrace"
import { Artefacts } from "millrace/ops"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse as parseYaml } from "yaml"
import { dashboard } from "../scripts/grafana-dashboard.ts"
import { root } from "../scripts/run.ts"
import { everyMetric, labelsOf } from "./everyMetric.ts"
import { type Expr, type Matcher, parse, visit } from "./promql.ts"
import { answers, type Rule, type RuleFile, type RuleTests } from "./ruleTests.ts"

const text = (artefact: Artefacts.Artefact): string => readFileSync(Artefacts.paths[artefact], "utf8")
const rules = parseYaml(text("prometheus")) as RuleFile
const ruleTests = parseYaml(text("prometheus-tests")) as RuleTests
const allRules: ReadonlyArray<Rule> = rules.groups.flatMap((group) => group.rules)
const alerts = allRules.filter(({ alert }) => alert !== undefined)
const recorded = new Set(allRules.flatMap(({ record }) => record ?? []))

interface Dashboard {
  readonly panels: ReadonlyArray<
    {
      readonly title: string
      readonly targets?: ReadonlyArray<{ readonly expr: string; readonly legendFormat: string }>
    }
  >
  readonly annotations: { readonly list: ReadonlyArray<{ readonly expr: string; readonly titleFormat: string }> }
  readonly templating: { readonly list: ReadonlyArray<{ readonly query: string | { readonly query: string } }> }
}
const grafana = JSON.parse(text("grafana")) as Dashboard

/** The expressions of the dashboard, each with the text of its legend. */
const drawn: ReadonlyArray<readonly [expr: string, legend: string]> = [
  ...grafana.panels.flatMap(({ targets = [] }) => targets.map((one) => [one.expr, one.legendFormat] as const)),
  ...grafana.annotations.list.map((one) => [one.expr, one.titleFormat] as const)
]

const inGrafana = (expr: string): Expr => parse(expr.replaceAll("$__rate_interval", "5m"))

/** Returns the metrics of an expression, the labels that it groups or matches by, and its matchers. */
const usesOf = (expr: Expr) => {
  const metrics = new Set<string>()
  const labels = new Set<string>()
  const matchers: Array<Matcher & { readonly metric: string }> = []
  visit(expr, (one) => {
    if (one.kind === "selector") {
      metrics.add(one.name)
      for (const matcher of one.matchers) matchers.push({ ...matcher, metric: one.name })
    } else if (one.kind === "aggregate") one.by.forEach((label) => labels.add(label))
    else if (one.kind === "binary") one.on?.forEach((label) => labels.add(label))
  })
  return { metrics, labels, matchers }
}

/** The labels of each metric by its name in Prometheus, each with the values of a run that has all outcomes. */
const emitted = Effect.map(everyMetric, ({ snapshot }) => {
  const found = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>()
  const histograms = new Set(snapshot.flatMap(({ id, type }) => type === "Histogram" ? [id] : []))
  for (const [id, labels] of labelsOf(snapshot)) {
    const name = Telemetry.prometheusName(id).replaceAll(".", "_")
    // Prometheus itself adds the instance, and `le` to the buckets of a histogram.
    const own = new Map([...labels, ["instance", new Set<string>()] as const].map(
      ([label, values]) => [label.replaceAll(".", "_"), values] as const
    ))
    const parts = histograms.has(id) ? ["_bucket", "_count", "_sum"] : [""]
    for (const part of parts) {
      found.set(name + part, part === "_bucket" ? new Map([...own, ["le", new Set<string>()] as const]) : own)
    }
  }
  return found
})

type Emitted = Effect.Success<typeof emitted>

/** Every use of a metric, label or value that the library does not emit. */
const unknownIn = (known: Emitted, where: string, expr: Expr): ReadonlyArray<string> => {
  const { labels, matchers, metrics } = usesOf(expr)
  const all = new Set([...known.values()].flatMap((labels) => [...labels.keys()]))
  const ofMetrics = [...metrics].some((metric) => recorded.has(metric))
    ? all
    : new Set([...metrics].flatMap((metric) => [...known.get(metric)?.keys() ?? []]))
  return [
    ...[...metrics].filter((metric) => !known.has(metric) && !recorded.has(metric)),
    ...[...labels].filter((label) => !ofMetrics.has(label)),
    ...matchers.flatMap(({ label, metric, op, value }) => {
      const values = known.get(metric)?.get(label)
      if (values === undefined) return [`${metric}{${label}}`]
      // A name of the deployment, a variable of the dashboard, and "has the label or not" are no values of the library.
      if (!label.startsWith("millrace_") || value === "" || value.startsWith("$")) return []
      return (op === "=~" || op === "!~" ? value.split("|") : [value])
        .filter((one) => !values.has(one)).map((one) => `${metric}{${label}="${one}"}`)
    })
  ].map((unknown) => `${where}: ${unknown}`)
}

describe("alert rules", () => {
  it("parse, with unique names, and all that an operator needs", () => {
    for (const { expr } of allRules) parse(expr)
    const names = alerts.map(({ alert }) => alert!)
    assert.strictEqual(new Set(names).size, names.length)
    assert.isAbove(names.length, 10)
    for (const { alert, annotations, labels } of alerts) {
      assert.include(["page", "ticket"], labels?.["severity"], alert)
      assert.isAbove(annotations?.["summary"]?.length ?? 0, 20, alert)
      assert.match(annotations?.["cli"] ?? "", /^millrace [a-z]/, alert)
      assert.strictEqual(annotations?.["runbook"], `src/ops/RUNBOOK.md#${alert!.toLowerCase()}`)
    }
  })

  for (const test of ruleTests.tests) {
    it(`fire and stay silent as their tests say: ${test.name}`, () => {
      for (const { asked, expected, fires } of answers(rules, test, 60_000)) {
        assert.deepStrictEqual(fires, expected, asked)
      }
    })
  }

  it("have a test that sees each of them fire", () => {
    const seen = ruleTests.tests.flatMap((test) => test.alert_rule_test)
      .flatMap(({ alertname, exp_alerts }) => exp_alerts.length > 0 ? [alertname] : [])
    assert.deepStrictEqual([...new Set(seen)].toSorted(), alerts.map(({ alert }) => alert!).toSorted())
  })

  it("pass promtool, if it is on the path", ({ skip }) => {
    const args = ["test", "rules", Artefacts.paths["prometheus-tests"]]
    const { error, status, stderr, stdout } = spawnSync("promtool", args, { encoding: "utf8" })
    if (error !== undefined) {
      return skip("promtool is not on the path; the rules were evaluated by test/ops/promqlEval.ts only")
    }
    assert.strictEqual(status, 0, stdout + stderr)
  })
})

describe("the dashboard", () => {
  it("is the one that npm run docs:dashboard writes", () => assert.strictEqual(text("grafana"), dashboard()))

  it("has parsed expressions, and legends of labels that they keep", () => {
    for (const [expr, legend] of drawn) {
      const parsed = inGrafana(expr)
      const { labels } = usesOf(parsed)
      for (const [, label = ""] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.isTrue(labels.has(label), `${legend}: ${expr}`)
      }
    }
  })
})

describe("metrics and labels", () => {
  it.effect("that a rule, a test of a rule or a panel uses are emitted, and each metric is used by one of them", () =>
    Effect.gen(function*() {
      const known = yield* emitted
      const variables = grafana.templating.list.flatMap(({ query }) => typeof query === "string" ? [] : [query.query])
      const chosen = variables.map((query) => /^label_values\((\w+), (\w+)\)$/.exec(query)!)
      const unknown = [
        ...allRules.flatMap(({ alert, expr, record }) => unknownIn(known, alert ?? record ?? "", parse(expr))),
        ...ruleTests.tests.flatMap(({ input_series, name }) =>
          input_series.flatMap(({ series }) => unknownIn(known, name, parse(series)))
        ),
        ...drawn.flatMap(([expr]) => unknownIn(known, expr, inGrafana(expr))),
        ...chosen.filter(([, metric, label]) => known.get(metric!)?.has(label!) !== true).map(([query]) => query)
      ]
      assert.deepStrictEqual(unknown, [])
      const used = new Set([...allRules.map(({ expr }) => parse(expr)), ...drawn.map(([expr]) => inGrafana(expr))]
        .flatMap((expr) => [...usesOf(expr).metrics]))
      const parts = /_(bucket|count|sum)$/
      const unused = [...known.keys()].filter((name) =>
        ![name, `${name.replace(parts, "")}_bucket`].some((one) => used.has(one))
      )
      assert.deepStrictEqual(unused, [])
    }))
})

describe("artefacts", () => {
  it.effect("are read from the package", () =>
    Effect.gen(function*() {
      for (const artefact of ["grafana", "prometheus", "prometheus-tests", "runbook"] as const) {
        assert.strictEqual(yield* Artefacts.read(artefact), text(artefact))
      }
    }).pipe(Effect.provide(NodeServices.layer)))

  it("are in the package at the place where the built code looks for them", () => {
    const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly files: ReadonlyArray<string>
    }
    assert.include(files, "src")
    const built = new URL("../../src/ops/RUNBOOK.md", `file://${root}/dist/ops/Artefacts.js`)
    assert.strictEqual(built.pathname, Artefacts.paths.runbook)
  })
})

describe("the runbook", () => {
  const page = text("runbook")
  const sections = page.split(/^## /m).slice(1).map((section) => [section.split("\n")[0]!, section] as const)

  it("has a section for each alert, and no other", () => {
    assert.deepStrictEqual(sections.map(([name]) => name), alerts.map(({ alert }) => alert!))
  })

  it("begins each section with the alert's command, and gives SQL, steps and a proof", () => {
    for (const { alert, annotations } of alerts) {
      const [, section = ""] = sections.find(([name]) => name === alert) ?? []
      if (/The commands and steps are those of \[/.test(section)) continue
      const command = annotations!["cli"]!.replace(/\{\{.*?\}\}/, "ledger")
      const told = /^```sh\n([\s\S]*?)^```$/m.exec(section)?.[1]?.split("\n").map((line) =>
        line.replace(/\s+#.*/, "")
      ) ?? []
      assert.isTrue(told.some((line) => line.startsWith(command)), `${alert}: ${command}`)
      assert.match(section, /^```sql\n/m, alert)
      assert.match(section, /^1\. /m, alert)
      assert.match(section, /^Proof: /m, alert)
    }
  })
})
