/** Finds the `ts` fences of Markdown files and of docstrings, and turns a fence with `// =>` lines into a program. */
import { children, isNode, lineOf, nameOf, type Node, parse, type Source, walk } from "./source.ts"

export interface Fence {
  /** The file that it stands in. */
  readonly path: string
  /** The line of its first line of code. */
  readonly line: number
  readonly code: string
}

/** The fences of a text; in a source file, those of its docstrings. */
export const fences = (path: string, text: string): ReadonlyArray<Fence> =>
  path.endsWith(".md") ? inLines(path, text.split("\n")) : inDocstrings(parse(path, text))

const inDocstrings = (source: Source): ReadonlyArray<Fence> => {
  const lines = source.text.split("\n").map(() => "")
  for (const comment of source.comments) {
    if (comment.type !== "Block" || !comment.value.startsWith("*")) continue
    const first = lineOf(source.text, comment.start) - 1
    for (const [index, line] of comment.value.split("\n").entries()) lines[first + index] = line.replace(/^\s*\* ?/, "")
  }
  return inLines(source.path, lines)
}

const inLines = (path: string, lines: ReadonlyArray<string>): ReadonlyArray<Fence> => {
  const found: Array<Fence> = []
  let open: { readonly mark: string; readonly indent: string; readonly ts: boolean; readonly from: number } | undefined
  for (const [index, line] of lines.entries()) {
    if (open === undefined) {
      const [, indent = "", mark, info = ""] = /^(\s*)(`{3,})(.*)$/.exec(line) ?? []
      if (mark !== undefined) open = { mark, indent, ts: /^ts\b/.test(info.trim()), from: index + 1 }
    } else if (line.trim() === open.mark) {
      const { from, indent, ts } = open
      const code = lines.slice(from, index).map((text) => text.startsWith(indent) ? text.slice(indent.length) : text)
      if (ts) found.push({ path, line: from + 1, code: code.join("\n") })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.from}: this fence is never closed`)
  return found
}

/** The code at the line numbers that it has in its file, so that a compiler's messages point there. */
export const placed = (fence: Fence, code = fence.code): string => "\n".repeat(fence.line - 1) + code + "\n"

export interface Program {
  readonly code: string
  readonly assertions: number
}

/**
 * Turns a fence into a program that checks its `// => text` lines. Each compares the code before it: an expression, the
 * arguments of `console.log`, or a constant that was just declared. Returns nothing when there is no such line.
 */
export const program = (fence: Fence): Program | undefined => {
  const source = parse(`${fence.path}.ts`, fence.code)
  const expectations = source.comments.filter((comment) => comment.type === "Line" && /^ ?=> /.test(comment.value))
  if (expectations.length === 0) return undefined
  const statements: Array<Node> = []
  walk(source.program, (node) => {
    if (node.type === "ExpressionStatement" || node.type === "VariableDeclaration") statements.push(node)
  })
  let code = fence.code
  for (const comment of expectations.toReversed()) {
    const line = fence.line + lineOf(fence.code, comment.start) - 1
    const last = Math.max(...statements.filter((node) => node.end <= comment.start).map((node) => node.end))
    const statement = statements.findLast((node) => node.end === last)
    if (statement === undefined || fence.code.slice(last, comment.start).trim().replace(/^;/, "") !== "") {
      throw new Error(`${fence.path}:${line}: nothing stands before this "// =>"`)
    }
    const expected = JSON.stringify(comment.value.replace(/^ ?=> /, "").trim())
    const check = (values: string) => `;check(${line}, ${expected}, ${values});`
    code = code.slice(0, statement.start) + checked(fence.code, statement, check) + code.slice(statement.end)
  }
  return { code, assertions: expectations.length }
}

const checked = (code: string, statement: Node, check: (values: string) => string): string => {
  const text = (node: Node) => code.slice(node.start, node.end)
  const [first] = children(statement)
  if (statement.type === "VariableDeclaration") {
    return text(statement) + check(nameOf(first?.["id"]) ?? "undefined")
  }
  const expression = statement["expression"]
  if (!isNode(expression)) return text(statement)
  const callee = expression["callee"]
  const printed = expression.type === "CallExpression" && isNode(callee) && /^console\.\w+$/.test(text(callee))
  const values = printed ? children(expression).slice(1) : [expression]
  return check(values.map(text).join(", "))
}
