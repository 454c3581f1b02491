/**
 * Finds the mutations of one place of a file by syntax alone. They change conditions, comparisons and numbers, and drop
 * statements and wrappers, also in SQL. No mutation knows the purpose of the code.
 */
import { type Node, type Source, walk } from "../scripts/source.ts"

export interface Mutation {
  readonly file: string
  readonly start: number
  readonly end: number
  readonly to: string
  readonly kind: string
}

type Change = Omit<Mutation, "file">

const opposite: Readonly<Record<string, string>> = {
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "===": "!==",
  "!==": "===",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
  "&&": "||",
  "||": "&&"
}

/** Calls that are worth their first argument without the rest. */
const wrappers =
  /^(Effect\.(uninterruptible|interruptible|ensuring|timeout|timeoutOrElse|tap|ignore|exit|mapError|catch\w*|onExit\w*|onInterrupt|provideService|scoped|delay|retry|eventually)|Math\.(max|min|ceil|floor|round|abs)|max|min)$/
const tells = /^(Effect\.(log\w*|annotateLogs)|Telemetry\.logFields)$/

const field = (node: Node, name: string): Node => node[name] as Node

/** All that syntax can make wrong in a file. */
export const mutationsOf = (source: Source): ReadonlyArray<Mutation> => {
  const { path, text } = source
  const found: Array<Change> = []
  const textOf = (node: Node) => text.slice(node.start, node.end)
  const put = (node: { readonly start: number; readonly end: number }, to: string, kind: string) =>
    found.push({ start: node.start, end: node.end, to, kind })
  const skipped: Array<Node> = []
  walk(source.program, (node) => {
    if (node.type === "CallExpression" && tells.test(textOf(field(node, "callee")))) skipped.push(node)
    if (/^TS(?!AsExpression|NonNull|Satisfies)/.test(node.type) || node.type === "ImportDeclaration") skipped.push(node)
    if (skipped.some((of) => of.start <= node.start && node.end <= of.end)) return
    change(node, textOf, put)
    if (node.type === "TemplateLiteral" && path.startsWith("src/postgres/sql/")) {
      for (const quasi of node["quasis"] as ReadonlyArray<Node>) {
        sql(text, quasi, node, (at, to, kind) => put(at, to, `SQL ${kind}`))
      }
    }
  })
  return found.filter(({ end, start, to }) => {
    const from = text.slice(start, end).trim().replace(/^,\s+/, "")
    return from !== to && !from.includes("\n")
  }).map((change) => ({ file: path, ...change }))
}

type Put = (node: { readonly start: number; readonly end: number }, to: string, kind: string) => void

const change = (node: Node, textOf: (node: Node) => string, put: Put): void => {
  switch (node.type) {
    case "IfStatement":
    case "ConditionalExpression":
    case "WhileStatement":
      put(field(node, "test"), `!(${textOf(field(node, "test"))})`, "negated")
      return put(field(node, "test"), node.type === "WhileStatement" ? "false" : "true", "always")
    case "BinaryExpression":
    case "LogicalExpression":
      return operator(node, textOf, put)
    case "Literal":
      if (typeof node["value"] === "number") put(node, String(node["value"] + 1), "off by one")
      if (typeof node["value"] === "boolean") put(node, String(!node["value"]), "flipped")
      return
    case "ExpressionStatement":
      return put(node, ";", "statement dropped")
    case "CallExpression":
      return call(node, textOf, put)
  }
}

const operator = (node: Node, textOf: (node: Node) => string, put: Put): void => {
  const [left, right] = [field(node, "left"), field(node, "right")]
  const to = opposite[node["operator"] as string]
  if (to !== undefined) {
    const between = { start: left.end, end: right.start }
    put(between, textOf(between as Node).replace(node["operator"] as string, () => to), "operator")
  }
  if (node.type !== "LogicalExpression") return
  put(node, textOf(left), "right side dropped")
  put(node, textOf(right), "left side dropped")
}

const call = (node: Node, textOf: (node: Node) => string, put: Put): void => {
  const callee = textOf(field(node, "callee"))
  const parts = node["arguments"] as ReadonlyArray<Node>
  const [first, second] = parts
  if (first === undefined) return
  if (wrappers.test(callee)) put(node, textOf(first), "wrapper dropped")
  if (second !== undefined && /^(Math\.(max|min)|max|min|Effect\.andThen)$/.test(callee)) {
    put(node, textOf(second), "first dropped")
  }
  if (!callee.endsWith(".pipe")) return
  for (const [i, part] of parts.entries()) {
    const after = parts[i + 1]
    const before = parts[i - 1]
    if (tells.test(textOf(part).split("(")[0]!)) continue
    if (after !== undefined) put({ start: part.start, end: after.start }, "", "step of a pipe dropped")
    else if (before !== undefined) put({ start: before.end, end: part.end }, "", "step of a pipe dropped")
  }
}

/** Each is looked for in the text of a statement; the group that is called `of` is replaced. */
const inSql: ReadonlyArray<{ readonly kind: string; readonly find: RegExp; readonly to: string }> = [
  {
    kind: "lock dropped",
    find: /(?<of> for (?:no key update|key share|update|share)(?: of \w+)?(?: skip locked)?)/dg,
    to: ""
  },
  { kind: "waits for locks", find: /(?<of> skip locked)/dg, to: "" },
  { kind: "exists negated", find: /(?<of>not exists)/dg, to: "exists" },
  { kind: "exists negated", find: /(?<!not )(?<of>exists)/dg, to: "not exists" },
  { kind: "null negated", find: /(?<of>is not null)/dg, to: "is null" },
  { kind: "null negated", find: /(?<of>is null)/dg, to: "is not null" },
  { kind: "comparison", find: / (?<of><=) /dg, to: "<" },
  { kind: "comparison", find: / (?<of><) /dg, to: "<=" },
  { kind: "comparison", find: / (?<of>>=) /dg, to: ">" },
  { kind: "comparison", find: / (?<of>>) /dg, to: ">=" },
  { kind: "comparison", find: / (?<of><>) /dg, to: "=" },
  { kind: "comparison", find: /(?:where|and|or|on) [\w.]+ (?<of>=) /dg, to: "<>" },
  { kind: "off by one", find: /[+-] (?<of>1)\b/dg, to: "0" },
  { kind: "other end", find: /(?<of> desc)\b/dg, to: "" },
  { kind: "order dropped", find: /(?<of>, \w+(?:\.\w+)?)(?: (?:desc|limit|for|returning)|\)|$)/dg, to: "" },
  { kind: "limit dropped", find: /(?<of> limit \$?\w+(?:::\w+)?)/dg, to: "" },
  { kind: "distinct dropped", find: /(?<of>distinct )/dg, to: "" }
]

const sql = (text: string, quasi: Node, whole: Node, put: Put): void => {
  const at = quasi.start
  const inside = text.slice(quasi.start, quasi.end)
  for (const { find, kind, to } of inSql) {
    for (const match of inside.matchAll(find)) {
      const [start, end] = match.indices!.groups!["of"]!
      if (kind === "order dropped" && !/order by[^()\n]*$/.test(inside.slice(0, start))) continue
      put({ start: at + start, end: at + end }, to, kind)
    }
  }
  for (const { index } of inside.matchAll(/\b(?:greatest|least|coalesce)\(/g)) {
    const open = at + index + text.slice(at + index).indexOf("(")
    const [first, end] = [argumentEnd(text, open + 1, whole.end), closing(text, open, whole.end)]
    put({ start: at + index, end: end + 1 }, text.slice(open + 1, first), "last dropped")
    if (text[first] === ",") {
      put({ start: at + index, end: end + 1 }, text.slice(first + 1, end).trim(), "first dropped")
    }
  }
  for (const match of inside.matchAll(/\b(?:and|where) /g)) {
    const start = at + match.index
    const end = conjunctEnd(text, start + match[0].length, whole.end)
    if (match[0] === "and ") put({ start: start - 1, end }, "", "clause dropped")
    else if (text.slice(end).startsWith(" and ")) {
      put({ start: start + match[0].length, end: end + " and ".length }, "", "clause dropped")
    }
  }
  for (const match of inside.matchAll(/\bset /g)) {
    const start = at + match.index + match[0].length
    const end = argumentEnd(text, start, whole.end)
    const rest = /^,\s+/.exec(text.slice(end))
    if (rest !== null) put({ start, end: end + rest[0].length }, "", "assignment dropped")
  }
}

const ends =
  /^(?: and | or | order by | group by | limit | returning | for (?:no|key|update|share)| on conflict | union | offset |[,;`\n])/

/** Where a conjunct ends: at a keyword, a line's end or a parenthesis that is not its own. */
const conjunctEnd = (text: string, from: number, to: number): number =>
  scan(text, from, to, (at) => ends.test(text.slice(at, at + 16)))
const argumentEnd = (text: string, from: number, to: number): number =>
  scan(text, from, to, (at) => text[at] === "," || / (from|where) /y.test(text.slice(at, at + 7)))
const closing = (text: string, open: number, to: number): number => scan(text, open + 1, to, () => false)

const scan = (text: string, from: number, to: number, ended: (at: number) => boolean): number => {
  let depth = 0
  for (let at = from; at < to; at++) {
    const c = text[at]!
    if (depth === 0 && (ended(at) || c === ")" || c === "}" || c === "`")) return at
    if (c === "(" || c === "{") depth++
    if (c === ")" || c === "}") depth--
  }
  return to
}
