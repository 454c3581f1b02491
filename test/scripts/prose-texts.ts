/** Finds the prose of the repository: comments, texts of errors and logs, names of tests, and pages. */
import { type Finding, maximumColumns, type Text } from "./prose-rules.ts"
import { children, files, isNode, lineOf, nameOf, type Node, parse, read, type Source, walk } from "./source.ts"

const pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "AGENTS.md"]

/** Paths of all files with prose, those below the given ones only. */
export const paths = (only: ReadonlyArray<string>): ReadonlyArray<string> =>
  [
    ...pages,
    ...["src", "test", "examples", ".github"].flatMap((folder) =>
      [".ts", ".tsx", ".md"].flatMap((ending) => files(folder, ending))
    )
  ].filter((path) => !path.startsWith("test/api/"))
    .filter((path) => only.length === 0 || only.some((each) => path === each || path.startsWith(each)))

const wide = (path: string, text: string): ReadonlyArray<Finding> =>
  text.split("\n").flatMap((line, index) =>
    line.length > maximumColumns && /^\s*(?:\*|\/\/|\/\*\*)/.test(line)
      ? [{ path, line: index + 1, problem: `a comment of ${line.length} columns, more than ${maximumColumns}` }]
      : []
  )

/** Comments that follow one another line by line are one text. */
export const comments = (source: Source): ReadonlyArray<Text & { readonly docstring: boolean }> => {
  const found: Array<{
    path: string
    line: number
    kind: "comment"
    docstring: boolean
    text: string
    end: number
  }> = []
  for (const { end, start, type, value } of source.comments) {
    const line = lineOf(source.text, start)
    const last = found[found.length - 1]
    const body = type === "Block"
      ? value.split("\n").map((each) => each.replace(/^\s*\*? ?/, "")).join("\n")
      : value.trim()
    if (type === "Line" && /^(?:\/|=>|@ts-|#)/.test(body)) continue
    if (
      type === "Line" && last !== undefined && last.end >= 0 && source.text.slice(last.end, start).trim() === "" &&
      last.line + last.text.split("\n").length === line
    ) {
      last.text += `\n${body}`
      last.end = end
    } else {
      found.push({
        path: source.path,
        line,
        kind: "comment",
        docstring: type === "Block" && value.startsWith("*"),
        text: body.split(/^@/m)[0] ?? "",
        end: type === "Line" ? end : -1
      })
    }
  }
  return found
}

const testFunctions = new Set([
  "it",
  "test",
  "describe",
  "effect",
  "live",
  "prop",
  "promise",
  "each",
  "skipIf",
  "runIf"
])

/** Text that is written in the code: words with blanks between them. */
const strings = (source: Source): ReadonlyArray<Text> => {
  const found: Array<Text> = []
  const inTest = source.path.startsWith("test/") || source.path.includes("/conformance/")
  const add = (node: Node, text: string, kind: "string" | "name") => {
    if (/[a-z]+ [a-z]+ [a-z]+/.test(text) && !isStatement(text)) {
      found.push({ path: source.path, line: lineOf(source.text, node.start), kind, text })
    }
  }
  const names = new Set<Node>()
  walk(source.program, (node) => {
    if (node.type !== "CallExpression") return
    const callee = node["callee"]
    const name = isNode(callee) ? lastName(callee) : ""
    const [first] = (node["arguments"] as ReadonlyArray<Node> | undefined) ?? []
    if (testFunctions.has(name) && first !== undefined) names.add(first)
  })
  walk(source.program, (node) => {
    if (node.type === "Literal" && typeof node["value"] === "string") {
      if (names.has(node)) add(node, node["value"], "name")
      else if (!inTest) add(node, node["value"], "string")
    }
    if (node.type === "TemplateLiteral") {
      const quasis = node["quasis"] as ReadonlyArray<Node & { readonly value: { readonly cooked: string } }>
      const text = quasis.map(({ value }) => value.cooked).join("code")
      if (names.has(node)) add(node, text, "name")
      else if (!inTest) add(node, text, "string")
    }
  })
  return found
}

/** SQL and Lua scripts are no prose. */
const isStatement = (text: string): boolean =>
  /\b(?:select|insert into|update .* set|delete from|create (?:unlogged )?(?:table|index|sequence|unique|function)|alter|order by|begin|listen|set local)\b|redis\.call\(/
    .test(text)

const lastName = (callee: Node): string => {
  if (callee.type === "Identifier") return String(callee["name"])
  const property = callee["property"]
  if (isNode(property)) return nameOf(property) ?? ""
  const inner = children(callee)[0]
  return inner === undefined ? "" : lastName(inner)
}

/** All prose of a file, and its comments that are too wide. */
export const textsOf = (
  path: string
): { readonly texts: ReadonlyArray<Text>; readonly findings: ReadonlyArray<Finding> } => {
  let text: string
  try {
    text = read(path)
  } catch {
    return { texts: [], findings: [] }
  }
  if (path.endsWith(".md")) return { texts: [{ path, line: 1, kind: "page", text }], findings: [] }
  const source = parse(path, text)
  return { texts: [...comments(source), ...strings(source)], findings: wide(path, text) }
}
