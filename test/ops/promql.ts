/**
 * Parses the part of PromQL that the shipped rules and panels use. Everything else is an error, so that no expression
 * passes without being understood.
 */

export interface Matcher {
  readonly label: string
  readonly op: "=" | "!=" | "=~" | "!~"
  readonly value: string
}

export type Expr =
  | { readonly kind: "number"; readonly value: number }
  | {
    readonly kind: "selector"
    readonly name: string
    readonly matchers: ReadonlyArray<Matcher>
    /** Milliseconds of a range; undefined for an instant. */
    readonly range: number | undefined
    readonly offset: number
  }
  | { readonly kind: "subquery"; readonly of: Expr; readonly range: number; readonly step: number }
  | { readonly kind: "call"; readonly name: string; readonly args: ReadonlyArray<Expr> }
  | {
    readonly kind: "aggregate"
    readonly op: string
    readonly by: ReadonlyArray<string>
    readonly args: ReadonlyArray<Expr>
  }
  | {
    readonly kind: "binary"
    readonly op: string
    readonly left: Expr
    readonly right: Expr
    /** The labels that both sides are matched by; undefined for all. */
    readonly on: ReadonlyArray<string> | undefined
  }

const aggregations = new Set(["sum", "max", "min", "count", "topk"])
const functions = new Set(["rate", "increase", "max_over_time", "count_over_time", "histogram_quantile", "clamp_min"])

/** Binary operators, those that bind least first. */
const levels: ReadonlyArray<ReadonlyArray<string>> = [
  ["or"],
  ["and", "unless"],
  ["==", "!=", "<=", "<", ">=", ">"],
  ["+", "-"],
  ["*", "/"]
]

const token =
  /\s+|"(?:[^"\\]|\\.)*"|\d+(?:\.\d+)?(?:ms|[smhdw])?|[a-zA-Z_][a-zA-Z0-9_:]*|=~|!~|==|!=|<=|>=|[-+*/(){}[\],:=<>]/y

const tokens = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const at = token.lastIndex
    const match = token.exec(text)
    if (match === null) throw new Error(`no token of PromQL at "${text.slice(at, at + 20)}" in: ${text}`)
    if (match[0].trim() !== "") found.push(match[0])
  }
  return found
}

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000
}

/** Returns the milliseconds of a duration such as `5m`, `1h` or `30s`. */
export const millisOf = (text: string): number => {
  const match = /^(\d+(?:\.\d+)?)(ms|[smhdw])$/.exec(text)
  if (match === null) throw new Error(`no duration: ${text}`)
  return Number(match[1]) * units[match[2]!]!
}

class Parser {
  private readonly left: Array<string>
  private readonly text: string
  constructor(text: string) {
    this.text = text
    this.left = [...tokens(text)]
  }

  whole(): Expr {
    const expr = this.level(0)
    if (this.left.length > 0) this.refuse("an end")
    return expr
  }

  private refuse(expected: string): never {
    throw new Error(`${expected} is expected, and not "${this.left.join(" ")}", in: ${this.text}`)
  }

  private next(expected?: string): string {
    const found = this.left.shift()
    if (found === undefined || (expected !== undefined && found !== expected)) {
      if (found !== undefined) this.left.unshift(found)
      return this.refuse(expected ?? "something")
    }
    return found
  }

  private has(found: string): boolean {
    if (this.left[0] !== found) return false
    this.left.shift()
    return true
  }

  private level(depth: number): Expr {
    const operators = levels[depth]
    if (operators === undefined) return this.postfix()
    let left = this.level(depth + 1)
    while (operators.includes(this.left[0] ?? "")) {
      const op = this.next()
      const on = this.has("on") ? this.list() : undefined
      left = { kind: "binary", op, left, right: this.level(depth + 1), on }
    }
    return left
  }

  /** A primary expression with a range or a subquery behind it, and an offset. */
  private postfix(): Expr {
    let expr = this.primary()
    if (this.has("[")) {
      const range = millisOf(this.next())
      if (this.has(":")) expr = { kind: "subquery", of: expr, range, step: millisOf(this.next()) }
      else if (expr.kind === "selector") expr = { ...expr, range }
      else this.refuse("a selector before a range")
      this.next("]")
    }
    if (this.has("offset")) {
      if (expr.kind !== "selector") this.refuse("a selector before an offset")
      else expr = { ...expr, offset: millisOf(this.next()) }
    }
    return expr
  }

  private primary(): Expr {
    if (this.has("(")) {
      const inner = this.level(0)
      this.next(")")
      return inner
    }
    const word = this.next()
    if (/^\d/.test(word)) return { kind: "number", value: Number(word) }
    if (aggregations.has(word)) return this.aggregation(word)
    if (this.left[0] === "(") {
      if (!functions.has(word)) this.refuse(`a known function instead of ${word}`)
      return { kind: "call", name: word, args: this.args() }
    }
    if (!/^[a-zA-Z_]/.test(word)) this.refuse(`an expression instead of ${word}`)
    return { kind: "selector", name: word, matchers: this.matchers(), range: undefined, offset: 0 }
  }

  private aggregation(op: string): Expr {
    const before = this.has("by") ? this.list() : undefined
    const args = this.args()
    const by = before ?? (this.has("by") ? this.list() : [])
    return { kind: "aggregate", op, by, args }
  }

  private args(): ReadonlyArray<Expr> {
    const args: Array<Expr> = []
    this.next("(")
    do args.push(this.level(0))
    while (this.has(","))
    this.next(")")
    return args
  }

  private list(): ReadonlyArray<string> {
    const labels: Array<string> = []
    this.next("(")
    do labels.push(this.next())
    while (this.has(","))
    this.next(")")
    return labels
  }

  private matchers(): ReadonlyArray<Matcher> {
    const matchers: Array<Matcher> = []
    if (!this.has("{")) return matchers
    while (!this.has("}")) {
      const label = this.next()
      const op = this.next() as Matcher["op"]
      if (!["=", "!=", "=~", "!~"].includes(op)) this.refuse("a matcher")
      matchers.push({ label, op, value: JSON.parse(this.next()) as string })
      this.has(",")
    }
    return matchers
  }
}

/** Parses an expression, or throws an error that names it. */
export const parse = (text: string): Expr => new Parser(text).whole()

/** Visits an expression and all in it. */
export const visit = (expr: Expr, f: (expr: Expr) => void): void => {
  f(expr)
  switch (expr.kind) {
    case "number":
    case "selector":
      return
    case "subquery":
      return visit(expr.of, f)
    case "call":
    case "aggregate":
      return expr.args.forEach((arg) => visit(arg, f))
    case "binary":
      visit(expr.left, f)
      return visit(expr.right, f)
  }
}
