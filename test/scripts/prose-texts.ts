/**
 * Finds the prose of the repository: comments (also of SQL, YAML and shell), texts of errors, logs and pages, names of
 * tests, and Markdown.
 */
import { type Finding, maximumColumns, type Text } from "./prose-rules.ts"
import {
  children,
  docBefore,
  files,
  isNode,
  lineOf,
  nameOf,
  type Node,
  parse,
  read,
  type Source,
  walk
} from "./source.ts"

const pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "AGENTS.md"]
const programs = ["vitest.config.ts", ".ci/run"]

/** Paths of all files with prose, those below the given ones only. */
export const paths = (only: ReadonlyArray<string>): ReadonlyArray<string> =>
  [
    ...pages,
    ...programs,
    ...["src", "test", "examples", ".github"].flatMap((folder) =>
      [".ts", ".tsx", ".md", ".yml", ".yaml"].flatMap((ending) => files(folder, ending))
    )
  ].filter((path) => !path.startsWith("test/api/"))
    .filter((path) => only.length === 0 || only.some((each) => path === each || path.startsWith(each)))

/** Comments of a line of their own, and remarks behind a statement of SQL. */
const aComment = /^\s*(?:\*|\/\/|\/\*\*|#)|\s(?:\/\/|--) /

const wide = (path: string, text: string): ReadonlyArray<Finding> =>
  text.split("\n").flatMap((line, index) =>
    line.length > maximumColumns && aComment.test(line)
      ? [{ path, line: index + 1, problem: `a comment of ${line.length} columns, more than ${maximumColumns}` }]
      : []
  )

const functionTypes = /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/
const functionMakers = /^(?:Effect\.fn|Effect\.fnUntraced|Effect\.fnUntracedEager|dual|Function\.dual)\b/

/** The files whose docstrings of functions begin with a verb. */
const verbFirst = /^src\//

/** Where docstrings of functions, methods and statements begin, without the paragraph that opens the file. */
const functionDocs = (source: Source): ReadonlySet<number> => {
  const found = new Set<number>()
  if (!verbFirst.test(source.path)) return found
  const isFunction = (value: unknown): boolean =>
    isNode(value) && (functionTypes.test(value.type)
      || (value.type === "CallExpression" && functionMakers.test(source.text.slice(value.start, value.end))))
  const add = (node: Node) => {
    const doc = docBefore(source, node.start)
    if (doc !== undefined && doc.start > 0) found.add(doc.start)
  }
  const declares = (node: Node): boolean =>
    node.type === "FunctionDeclaration" || (node.type === "VariableDeclaration"
      && children(node).some((declarator) => isFunction(declarator["init"])))
  walk(source.program, (node) => {
    const declaration = node.type === "ExportNamedDeclaration" ? node["declaration"] : node
    if (isNode(declaration) && declares(declaration)) add(node)
    if (node.type === "MethodDefinition" && node["kind"] === "method") add(node)
    if (node.type === "Property" && source.path.startsWith("src/postgres/sql/")) add(node)
  })
  return found
}

/** Comments that follow one another line by line are one text. */
export const comments = (source: Source): ReadonlyArray<Text & { readonly docstring: boolean }> => {
  const found: Array<{
    path: string
    line: number
    kind: "comment"
    docstring: boolean
    ofFunction: boolean
    text: string
    end: number
  }> = []
  const functions = functionDocs(source)
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
        ofFunction: functions.has(start),
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
  "runIf",
  "layer"
])

/** Text that is written in the code: words with blanks between them. */
const strings = (source: Source): ReadonlyArray<Text> => {
  const found: Array<Text> = []
  const inTest = source.path.startsWith("test/") || source.path.includes("/conformance/")
  const add = (node: Node, text: string, kind: "string" | "name") => {
    if (
      /[a-z]+ [a-z]+ [a-z]+/.test(text) && !isStatement(text) && (kind === "name" || !isFragment(source.path, text))
    ) {
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
    if (node.type === "JSXText" && typeof node["value"] === "string") {
      add(node, node["value"].replaceAll(/\s+/g, " ").trim(), "string")
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

/** SQL and Lua scripts are no prose. A sentence may contain a word of SQL, so only the beginning counts. */
const isStatement = (text: string): boolean =>
  /^\s*(?:--[^\n]*\n\s*)*(?:select|insert into|update \S+( \w+)? set|delete from|create|alter|with|begin|listen|set local|lock table|comment on|drop|grant|do|explain|order by|copy|notify|values)\b/
    .test(text) || /redis\.call\(/.test(text)

/** Where statements are composed, a text that begins in lower case is a part of one. */
const isFragment = (path: string, text: string): boolean =>
  /^src\/postgres\/(?:sql|migrations)\//.test(path) && !/^[A-Z]/.test(text.trim())

/** The remarks in statements of SQL, each of a line. */
const remarks = ({ path, text }: Source): ReadonlyArray<Text> =>
  /^src\/(?:postgres|ops)\//.test(path)
    ? text.split("\n").flatMap((line, i) => {
      const remark = /(?:^|\s)-- (.+)$/.exec(line)?.[1]
      return remark === undefined ? [] : [{ path, line: i + 1, kind: "comment", text: remark } as const]
    })
    : []

/** The comments of YAML or a shell script, and the texts of alerts. Lines that follow one another are one text. */
const lineComments = (path: string, text: string): ReadonlyArray<Text> => {
  const found: Array<{ path: string; line: number; kind: "comment" | "string"; text: string; last: number }> = []
  text.split("\n").forEach((line, i) => {
    const whole = /^\s*# ?(.*)$/.exec(line)?.[1]
    const own = whole ?? /\s# (.+)$/.exec(line)?.[1]
    const shown = /^\s*(?:summary|description): "?(.*?)"?$/.exec(line)?.[1]
    const before = found.at(-1)
    if (shown !== undefined) {
      found.push({ path, line: i + 1, kind: "string", text: shown.replaceAll(/\{\{.*?\}\}/g, "code"), last: -1 })
    } else if (own !== undefined && !own.startsWith("!")) {
      if (before?.last === i && whole !== undefined) {
        before.text += `\n${own}`
        before.last++
      } else found.push({ path, line: i + 1, kind: "comment", text: own, last: i + 1 })
    }
  })
  return found
}

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
  return textsIn(path, text)
}

/** The prose of a file with this text, and its comments that are too wide. */
export const textsIn = (path: string, text: string): ReturnType<typeof textsOf> => {
  if (path.endsWith(".md")) return { texts: [{ path, line: 1, kind: "page", text }], findings: [] }
  if (!/\.tsx?$/.test(path)) return { texts: lineComments(path, text), findings: wide(path, text) }
  const source = parse(path, text)
  return { texts: [...comments(source), ...remarks(source), ...strings(source)], findings: wide(path, text) }
}
