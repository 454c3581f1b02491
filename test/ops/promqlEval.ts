/**
 * Evaluates the expressions of `promql.ts` at a time, as Prometheus does: lookback of 5 minutes, extrapolated rates,
 * matching by labels. Metric names are dropped from results, since alerts drop them.
 */
import { type Expr, type Matcher } from "./promql.ts"

export type Labels = Readonly<Record<string, string>>

export interface Series {
  readonly name: string
  readonly labels: Labels
  /** Time in milliseconds, and value; ascending. */
  readonly samples: Array<readonly [at: number, value: number]>
}

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

/** Returns a text that is equal for equal labels. */
export const keyOf = (labels: Labels): string =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => a < b ? -1 : 1))

const lookback = 300_000

const matches = (labels: Labels, { label, op, value }: Matcher): boolean => {
  const got = labels[label] ?? ""
  const equal = op === "=" || op === "!=" ? got === value : new RegExp(`^(?:${value})$`).test(got)
  return op === "=" || op === "=~" ? equal : !equal
}

type Selector = Extract<Expr, { readonly kind: "selector" }>
interface Matrix {
  readonly labels: Labels
  readonly samples: ReadonlyArray<readonly [number, number]>
}

const pick = (labels: Labels, names: ReadonlyArray<string> | undefined): Labels =>
  names === undefined
    ? labels
    : Object.fromEntries(names.flatMap((name) => name in labels ? [[name, labels[name]!]] : []))

const number = (value: ReadonlyArray<Sample> | number): number => {
  if (typeof value !== "number") throw new Error("a number is expected")
  return value
}
const vector = (value: ReadonlyArray<Sample> | number): ReadonlyArray<Sample> => {
  if (typeof value === "number") throw new Error("a vector is expected")
  return value
}

/** The increase of a counter over a range, extrapolated to the ends of the range as Prometheus does. */
const increase = (samples: Matrix["samples"], from: number, until: number): number | undefined => {
  const [first, last] = [samples[0], samples.at(-1)]
  if (first === undefined || last === undefined || samples.length < 2) return undefined
  let grown = last[1] - first[1]
  for (let i = 1; i < samples.length; i++) if (samples[i]![1] < samples[i - 1]![1]) grown += samples[i - 1]![1]
  const sampled = last[0] - first[0]
  const between = sampled / (samples.length - 1)
  const towards = (gap: number) => gap < between * 1.1 ? gap : between / 2
  let before = towards(first[0] - from)
  if (grown > 0 && first[1] >= 0) before = Math.min(before, sampled * first[1] / grown)
  return grown * (sampled + before + towards(until - last[0])) / sampled
}

const quantile = (q: number, buckets: ReadonlyArray<readonly [bound: number, count: number]>): number => {
  const sorted = buckets.toSorted(([a], [b]) => a - b)
  const total = sorted.at(-1)?.[1] ?? 0
  if (sorted.length < 2 || sorted.at(-1)?.[0] !== Infinity || total === 0) return NaN
  const rank = q * total
  const at = sorted.findIndex(([, count]) => count >= rank)
  if (at === sorted.length - 1) return sorted.at(-2)![0]
  const [from, below] = at === 0 ? [0, 0] : sorted[at - 1]!
  const [bound, count] = sorted[at]!
  return from + (bound - from) * (rank - below) / (count - below)
}

const compute: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b
}
const compare: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b
}

const grouped = (samples: ReadonlyArray<Sample>, by: ReadonlyArray<string>): ReadonlyArray<[Labels, Array<Sample>]> => {
  const groups = new Map<string, [Labels, Array<Sample>]>()
  for (const sample of samples) {
    const labels = pick(sample.labels, by)
    const group = groups.get(keyOf(labels)) ?? [labels, []]
    group[1].push(sample)
    groups.set(keyOf(labels), group)
  }
  return [...groups.values()]
}

export class Evaluator {
  private readonly series: ReadonlyArray<Series>
  constructor(series: ReadonlyArray<Series>) {
    this.series = series
  }

  evaluate(expr: Expr, at: number): ReadonlyArray<Sample> | number {
    switch (expr.kind) {
      case "number":
        return expr.value
      case "selector":
        return this.matrix({ ...expr, range: lookback }, at).flatMap(({ labels, samples }) =>
          samples.length === 0 ? [] : [{ labels, value: samples.at(-1)![1] }]
        )
      case "subquery":
        throw new Error("a subquery is an argument of a function")
      case "call":
        return this.call(expr, at)
      case "aggregate":
        return this.aggregate(expr, at)
      case "binary":
        return this.binary(expr, at)
    }
  }

  private matrix({ matchers, name, offset, range }: Selector, at: number): ReadonlyArray<Matrix> {
    const until = at - offset
    return this.series.filter((one) => one.name === name && matchers.every((matcher) => matches(one.labels, matcher)))
      .map(({ labels, samples }) => ({
        labels,
        samples: samples.filter(([time]) => time > until - range! && time <= until)
      }))
  }

  private ranged(
    expr: Expr | undefined,
    at: number
  ): { readonly range: number; readonly matrix: ReadonlyArray<Matrix> } {
    if (expr?.kind === "selector" && expr.range !== undefined) {
      return { range: expr.range, matrix: this.matrix(expr, at) }
    }
    if (expr?.kind !== "subquery") throw new Error("a range is expected")
    const found = new Map<string, { readonly labels: Labels; readonly samples: Array<readonly [number, number]> }>()
    for (let time = Math.floor((at - expr.range) / expr.step + 1) * expr.step; time <= at; time += expr.step) {
      for (const { labels, value } of vector(this.evaluate(expr.of, time))) {
        const one = found.get(keyOf(labels)) ?? { labels, samples: [] }
        one.samples.push([time, value])
        found.set(keyOf(labels), one)
      }
    }
    return { range: expr.range, matrix: [...found.values()] }
  }

  private call({ args, name }: Extract<Expr, { readonly kind: "call" }>, at: number): ReadonlyArray<Sample> {
    if (name === "clamp_min") {
      const least = number(this.evaluate(args[1]!, at))
      return vector(this.evaluate(args[0]!, at)).map(({ labels, value }) => ({ labels, value: Math.max(least, value) }))
    }
    if (name === "histogram_quantile") {
      const q = number(this.evaluate(args[0]!, at))
      const buckets = vector(this.evaluate(args[1]!, at))
      const others = [...new Set(buckets.flatMap(({ labels }) => Object.keys(labels)))].filter((label) =>
        label !== "le"
      )
      return grouped(buckets, others).map(([labels, of]) => ({
        labels,
        value: quantile(
          q,
          of.map((one) => [one.labels["le"] === "+Inf" ? Infinity : Number(one.labels["le"]), one.value])
        )
      }))
    }
    const { matrix, range } = this.ranged(args[0], at)
    return matrix.flatMap(({ labels, samples }) => {
      const value = this.overTime(name, samples, at - range, at)
      return value === undefined ? [] : [{ labels, value }]
    })
  }

  private overTime(name: string, samples: Matrix["samples"], from: number, until: number): number | undefined {
    switch (name) {
      case "increase":
        return increase(samples, from, until)
      case "rate": {
        const grown = increase(samples, from, until)
        return grown === undefined ? undefined : grown / ((until - from) / 1000)
      }
      case "max_over_time":
        return samples.length === 0 ? undefined : Math.max(...samples.map(([, value]) => value))
      case "count_over_time":
        return samples.length === 0 ? undefined : samples.length
      default:
        throw new Error(`${name} is not evaluated`)
    }
  }

  private aggregate(
    { args, by, op }: Extract<Expr, { readonly kind: "aggregate" }>,
    at: number
  ): ReadonlyArray<Sample> {
    return grouped(vector(this.evaluate(args[0]!, at)), by).map(([labels, samples]) => {
      const values = samples.map(({ value }) => value)
      switch (op) {
        case "sum":
          return { labels, value: values.reduce((a, b) => a + b, 0) }
        case "max":
          return { labels, value: Math.max(...values) }
        case "min":
          return { labels, value: Math.min(...values) }
        case "count":
          return { labels, value: values.length }
        default:
          throw new Error(`${op} is not evaluated`)
      }
    })
  }

  private binary(expr: Extract<Expr, { readonly kind: "binary" }>, at: number): ReadonlyArray<Sample> | number {
    const [left, right] = [this.evaluate(expr.left, at), this.evaluate(expr.right, at)]
    const { on, op } = expr
    if (typeof left === "number" && typeof right === "number") return compute[op]!(left, right)
    if (typeof left === "number") {
      if (!(op in compute)) throw new Error("a comparison has its vector on the left")
      return vector(right).map(({ labels, value }) => ({ labels, value: compute[op]!(left, value) }))
    }
    const others = typeof right === "number"
      ? () => right
      : (labels: Labels) => {
        const found = right.filter((one) => keyOf(pick(one.labels, on)) === keyOf(pick(labels, on)))
        if (found.length > 1 && (op in compute || op in compare)) throw new Error(`many matches for ${keyOf(labels)}`)
        return found[0]?.value
      }
    if (op === "or") {
      const known = new Set(left.map(({ labels }) => keyOf(pick(labels, on))))
      return [...left, ...vector(right).filter(({ labels }) => !known.has(keyOf(pick(labels, on))))]
    }
    return left.flatMap(({ labels, value }) => {
      const other = others(labels)
      if (op === "unless") return other === undefined ? [{ labels, value }] : []
      if (other === undefined) return []
      if (op === "and") return [{ labels, value }]
      return op in compute
        ? [{ labels, value: compute[op]!(value, other) }]
        : compare[op]!(value, other)
        ? [{ labels, value }]
        : []
    })
  }
}
