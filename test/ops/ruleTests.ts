/**
 * Runs the tests of Prometheus rules, as `promtool test rules` does. It evaluates all rules at each interval, and
 * returns the alerts that fire at a time.
 */
import { millisOf, parse } from "./promql.ts"
import { Evaluator, keyOf, type Labels, type Sample, type Series } from "./promqlEval.ts"

export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Labels
  readonly annotations?: Labels
}

export interface RuleFile {
  readonly groups: ReadonlyArray<{ readonly name: string; readonly rules: ReadonlyArray<Rule> }>
}

export interface RuleTests {
  readonly evaluation_interval: string
  readonly tests: ReadonlyArray<{
    readonly name: string
    readonly interval: string
    readonly input_series: ReadonlyArray<{ readonly series: string; readonly values: string }>
    readonly alert_rule_test: ReadonlyArray<{
      readonly eval_time: string
      readonly alertname: string
      readonly exp_alerts: ReadonlyArray<{ readonly exp_labels: Labels; readonly exp_annotations: Labels }>
    }>
  }>
}

/** Expands the notation of values: `0+3x30` and `50x30` have a first value before the 30, `_x5` is 5 missing ones. */
const values = (notation: string): ReadonlyArray<number | undefined> =>
  notation.split(/\s+/).flatMap((item) => {
    const match = /^(?:_|(-?[\d.]+)(?:([-+][\d.]+))?)(?:x(\d+))?$/.exec(item)
    if (match === null) throw new Error(`no values: ${item}`)
    const [, first, step = "0", times] = match
    if (first === undefined) return Array.from({ length: Number(times ?? 1) }, () => undefined)
    return Array.from({ length: Number(times ?? 0) + 1 }, (_, i) => Number(first) + i * Number(step))
  })

export const inputSeries = (input: { readonly series: string; readonly values: string }, interval: number): Series => {
  const expr = parse(input.series)
  if (expr.kind !== "selector") throw new Error(`no series: ${input.series}`)
  return {
    name: expr.name,
    labels: Object.fromEntries(expr.matchers.map(({ label, value }) => [label, value])),
    samples: values(input.values).flatMap((value, i) => value === undefined ? [] : [[i * interval, value]])
  }
}

/** Go's `%.4g`, for the sizes that occur. */
const short = (value: number): string => String(Number(value.toPrecision(4)))

const humanizeDuration = (value: number): string => {
  const whole = Math.floor(value)
  const parts = [[Math.floor(whole / 86_400), "d"], [Math.floor(whole / 3_600) % 24, "h"], [
    Math.floor(whole / 60) % 60,
    "m"
  ]] as const
  const from = parts.findIndex(([count]) => count > 0)
  return from < 0
    ? `${short(value)}s`
    : [...parts.slice(from).map(([count, unit]) => `${count}${unit}`), `${whole % 60}s`].join(" ")
}

/** Fills in a template, or throws if it uses anything that the shipped rules do not use. */
const filled = (template: string, { labels, value }: Sample): string =>
  template.replaceAll(/\{\{\s*(.*?)\s*\}\}/g, (_, inner: string) => {
    const label = /^\$labels\.(\w+)$/.exec(inner)?.[1]
    if (label !== undefined) return labels[label] ?? ""
    if (inner === "$value | humanizePercentage") return `${short(value * 100)}%`
    if (inner === "$value | humanizeDuration") return humanizeDuration(value)
    throw new Error(`an unknown template: ${inner}`)
  })

interface Firing {
  readonly labels: Labels
  readonly annotations: Labels
}

/** Evaluates all rules from 0 to the end, and returns the alerts that fire at each time. */
const fire = (
  rules: RuleFile,
  series: Array<Series>,
  { every, until }: { readonly every: number; readonly until: number }
): ReadonlyMap<number, ReadonlyMap<string, ReadonlyArray<Firing>>> => {
  const evaluator = new Evaluator(series)
  const since = new Map<Rule, Map<string, number>>()
  const fired = new Map<number, Map<string, Array<Firing>>>()
  for (let at = 0; at <= until; at += every) {
    const now = new Map<string, Array<Firing>>()
    fired.set(at, now)
    for (const rule of rules.groups.flatMap((group) => group.rules)) {
      const result = evaluator.evaluate(parse(rule.expr), at)
      if (typeof result === "number") throw new Error(`a rule is a number: ${rule.expr}`)
      if (rule.record !== undefined) {
        for (const { labels, value } of result) append(series, rule.record, labels, [at, value])
        continue
      }
      const before = since.get(rule)
      const active = new Map(result.map(({ labels }) => [keyOf(labels), before?.get(keyOf(labels)) ?? at]))
      since.set(rule, active)
      const wait = rule.for === undefined ? 0 : millisOf(rule.for)
      now.set(
        rule.alert!,
        result.filter(({ labels }) => at - active.get(keyOf(labels))! >= wait).map((sample) => ({
          labels: { ...sample.labels, ...rule.labels },
          annotations: Object.fromEntries(
            Object.entries(rule.annotations ?? {}).map(([name, text]) => [name, filled(text, sample)])
          )
        }))
      )
    }
  }
  return fired
}

const append = (series: Array<Series>, name: string, labels: Labels, sample: readonly [number, number]): void => {
  let found = series.find((one) => one.name === name && keyOf(one.labels) === keyOf(labels))
  if (found === undefined) series.push(found = { name, labels, samples: [] })
  found.samples.push(sample)
}

/** Runs one test. Returns for each of its questions the alerts that fire, beside those that are expected. */
export const answers = (rules: RuleFile, test: RuleTests["tests"][number], every: number) => {
  const series = test.input_series.map((input) => inputSeries(input, millisOf(test.interval)))
  const until = Math.max(...test.alert_rule_test.map((one) => millisOf(one.eval_time)))
  const fired = fire(rules, series, { every, until })
  return test.alert_rule_test.map(({ alertname, eval_time, exp_alerts }) => ({
    asked: `${alertname} at ${eval_time}`,
    fires: fired.get(millisOf(eval_time))?.get(alertname) ?? [],
    expected: exp_alerts.map((one) => ({ labels: one.exp_labels, annotations: one.exp_annotations }))
  }))
}
