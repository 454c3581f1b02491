/**
 * The table of errors in `src/README.md`, made from `src/Errors.ts` and `src/OperatorErrors.ts`: each class with its docstring, its fields and its
 * message. `npm run docs:errors` writes it between its two markers; the tidy test fails when it is stale.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./run.ts"
import { children, docBefore, isNode, nameOf, type Node, parse, prose, read, type Source, walk } from "./source.ts"

const begin = "<!-- errors: made from Errors.ts by `npm run docs:errors` -->"
const end = "<!-- /errors -->"

/** The README with this table between its markers. */
export const inserted = (readme: string, table: string): string => {
  const from = readme.indexOf(begin)
  const to = readme.indexOf(end)
  if (from === -1 || to < from) {
    throw new Error(`src/README.md needs the two lines "${begin}" and "${end}", and then \`npm run docs:errors\``)
  }
  return `${readme.slice(0, from + begin.length)}\n\n${table}\n\n${readme.slice(to)}`
}

const sources = ["src/Errors.ts", "src/OperatorErrors.ts"]

export const catalogue = (): string => {
  const rows = sources.map((path) => parse(path, read(path))).flatMap((source) =>
    children(source.program).flatMap((statement) => {
      const declaration = statement["declaration"]
      if (statement.type !== "ExportNamedDeclaration" || !isNode(declaration)) return []
      return declaration.type === "ClassDeclaration" ? [row(source, statement, declaration)] : []
    })
  )
  return ["| error | when | fields | what it says |", "| --- | --- | --- | --- |", ...rows].join("\n")
}

const row = (source: Source, statement: Node, declaration: Node): string => {
  const name = nameOf(declaration["id"]) ?? ""
  const doc = docBefore(source, statement.start)
  if (doc === undefined || prose(doc) === "") throw new Error(`${name} has no docstring`)
  const cells = [
    `\`${name}\``,
    prose(doc),
    fields(declaration).map((field) => `\`${field}\``).join(", "),
    message(declaration) ?? ""
  ]
  return `| ${cells.map((cell) => cell.replaceAll(/\s+/g, " ").replaceAll("|", "\\|")).join(" | ")} |`
}

/** The keys of the object that `Schema.TaggedError(..)("Tag", { .. })` was called with. */
const fields = (declaration: Node): ReadonlyArray<string> => {
  const call = declaration["superClass"]
  const object = isNode(call) ? children(call).find((child) => child.type === "ObjectExpression") : undefined
  return object === undefined ? [] : children(object).flatMap((property) => nameOf(property["key"]) ?? [])
}

/** The text that `get message()` returns, its fields in angle brackets; nothing when it is not one plain text. */
const message = (declaration: Node): string | undefined => {
  const body = declaration["body"]
  const getter = isNode(body)
    ? children(body).find((member) => member["kind"] === "get" && nameOf(member["key"]) === "message")
    : undefined
  if (getter === undefined) return undefined
  const returned: Array<Node> = []
  walk(getter, (node) => {
    if (node.type === "ReturnStatement" && isNode(node["argument"])) returned.push(node["argument"])
  })
  return returned[0] !== undefined && returned.length === 1 ? text(returned[0]) : undefined
}

const text = (node: Node): string | undefined => {
  if (node.type === "Literal") return String(node["value"])
  if (node.type === "BinaryExpression" && isNode(node["left"]) && isNode(node["right"])) {
    const left = text(node["left"])
    const right = text(node["right"])
    return left === undefined || right === undefined ? undefined : left + right
  }
  if (node.type !== "TemplateLiteral") return undefined
  const parts = children(node).toSorted((a, b) => a.start - b.start)
  return parts.map((part) => part.type === "TemplateElement" ? cooked(part) : placeholder(part)).join("")
}

const cooked = (element: Node): string => {
  const value = element["value"]
  return typeof value === "object" && value !== null && "cooked" in value ? String(value.cooked) : ""
}

/** `<topic>` for `this.topic`, also inside a call; `<...>` when several fields or none decide. */
const placeholder = (expression: Node): string => {
  const names = new Set<string>()
  walk(expression, (node) => {
    const object = node["object"]
    if (node.type === "MemberExpression" && isNode(object) && object.type === "ThisExpression") {
      names.add(nameOf(node["property"]) ?? "...")
    }
  })
  return `&lt;${names.size === 1 ? [...names][0] : "..."}&gt;`
}

if (import.meta.main) {
  const readme = read("src/README.md")
  writeFileSync(join(root, "src/README.md"), inserted(readme, catalogue()))
}
