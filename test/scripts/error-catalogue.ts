/**
 * The table of errors in `src/README.md`, made from `src/Errors.ts` and what it exports from others: each class with
 * its docstring, its fields and its message. `npm run docs:errors` writes it between its two markers; the tidy test
 * fails when it is stale.
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

export const catalogue = (): string =>
  ["| error | when | fields | what it says |", "| --- | --- | --- | --- |", ...rowsOf("src/Errors.ts")].join("\n")

/** The classes of a file, and behind them those of the files that it exports as they are. */
const rowsOf = (path: string): ReadonlyArray<string> => {
  const source = parse(path, read(path))
  const statements = children(source.program)
  const own = statements.flatMap((statement) => {
    const declaration = statement["declaration"]
    if (statement.type !== "ExportNamedDeclaration" || !isNode(declaration)) return []
    return declaration.type === "ClassDeclaration" ? [row(source, statement, declaration)] : []
  })
  const others = statements.flatMap((statement) => {
    const from = statement["source"]
    return statement.type === "ExportAllDeclaration" && isNode(from)
      ? rowsOf(join("src", String(from["value"])))
      : []
  })
  return [...own, ...others]
}

const row = (source: Source, statement: Node, declaration: Node): string => {
  const name = nameOf(declaration["id"]) ?? ""
  const doc = docBefore(source, statement.start)
  if (doc === undefined || prose(doc) === "") throw new Error(`${name} in ${source.path} has no docstring`)
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

/** The text that `get message()` returns, its fields in angle brackets; nothing when it is not one text. */
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
  if (node.type === "ParenthesizedExpression" && isNode(node["expression"])) return text(node["expression"])
  if (node.type === "ConditionalExpression") return either(node)
  if (node.type !== "TemplateLiteral") return undefined
  const parts = children(node).toSorted((a, b) => a.start - b.start)
  return parts.map((part) => part.type === "TemplateElement" ? cooked(part) : placeholder(part)).join("")
}

/** `[one / other]` for what depends on a field, `[one]` where the other is empty. */
const either = (node: Node): string | undefined => {
  const { alternate, consequent } = node
  if (!isNode(alternate) || !isNode(consequent)) return undefined
  const texts = [text(consequent), text(alternate)].filter((one) => one !== "")
  return texts.includes(undefined) ? undefined : `[${texts.join(" / ")}]`
}

const cooked = (element: Node): string => {
  const value = element["value"]
  return typeof value === "object" && value !== null && "cooked" in value ? String(value.cooked) : ""
}

/** `<topic>` for `this.topic`, also inside a call; `<...>` when several fields or none decide. */
const placeholder = (expression: Node): string => {
  const known = text(expression)
  if (known !== undefined) return known
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
