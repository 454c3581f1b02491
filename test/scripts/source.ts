/** Reads the repository's own source: which files there are, their syntax trees, and a walk over them. */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { parseSync, visitorKeys } from "oxc-parser"
import { root } from "./run.ts"

/** A node of the ESTree that the parser gives; its fields differ by type and are read with care. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export interface Comment {
  readonly type: "Line" | "Block"
  readonly value: string
  readonly start: number
  readonly end: number
}

export interface Source {
  /** Path from the root of the repository, with slashes. */
  readonly path: string
  readonly text: string
  readonly program: Node
  readonly comments: ReadonlyArray<Comment>
}

/** Every file below the folder whose name ends so, in the order of their paths. */
export const files = (folder: string, ending: string): ReadonlyArray<string> => {
  let found: ReadonlyArray<string>
  try {
    found = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return []
    throw error
  }
  return found.filter((name) => name.endsWith(ending))
    .map((name) => relative(root, join(root, folder, name)).replaceAll("\\", "/"))
    .sort()
}

export const read = (path: string): string => readFileSync(join(root, path), "utf8")

export const parse = (path: string, text: string): Source => {
  const result = parseSync(path, text, { lang: path.endsWith(".tsx") ? "tsx" : "ts" })
  const [error] = result.errors
  if (error !== undefined) throw new Error(`${path}: ${error.message}`)
  return { path, text, program: result.program as unknown as Node, comments: result.comments }
}

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

/** The direct children of a node, in the order of the source. */
export const children = (node: Node): ReadonlyArray<Node> =>
  (visitorKeys[node.type] ?? []).flatMap((key) => {
    const value = node[key]
    return Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []
  })

/** Visits a node and everything below it, parents first. */
export const walk = (node: Node, visit: (node: Node) => void): void => {
  visit(node)
  for (const child of children(node)) walk(child, visit)
}

/** The name of an identifier, or the text of a string literal used as one. */
export const nameOf = (value: unknown): string | undefined => {
  if (!isNode(value)) return undefined
  const name = value["name"] ?? value["value"]
  return typeof name === "string" ? name : undefined
}

export const lineOf = (text: string, offset: number): number => {
  let line = 1
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++
  return line
}

/** The text of a docstring without its stars, up to the first `@` tag. */
export const prose = (comment: Comment): string =>
  comment.value.split("\n").map((line) => line.replace(/^\s*\*? ?/, "")).join("\n").split(/^@/m)[0]?.trim() ?? ""

/** The docstring that stands directly before this offset. */
export const docBefore = (source: Source, offset: number): Comment | undefined =>
  source.comments.findLast((comment) =>
    comment.type === "Block" && comment.value.startsWith("*") && comment.end <= offset
    && source.text.slice(comment.end, offset).trim() === ""
  )
