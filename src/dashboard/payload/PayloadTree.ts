/**
 * The tree of a payload, made of its stored text. No number passes through a JavaScript number, so large integers keep
 * all their digits, and a name that stands twice is shown twice.
 */

/** A value within a payload. */
export interface Node {
  /** `deep` is a part below the deepest level, and its `text` is all of it. */
  readonly kind: "object" | "array" | "string" | "number" | "word" | "deep"
  /** Name within an object, or position within an array. Undefined for the whole payload. */
  readonly name: string | number | undefined
  /** A scalar as it is written; empty for an object and an array. */
  text: string
  readonly children: Array<Node>
  readonly parent: Node | undefined
  readonly level: number
}

/** The deepest level that becomes nodes of its own. */
export const mostLevels = 64

/** One token of a valid JSON text. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Returns whether a text is JSON. */
export const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const kindOf = (token: string): Node["kind"] =>
  token === "{" ? "object" : token === "[" ? "array" : token.startsWith("\"") ?
    "string"
    : /^[-\d]/.test(token)
    ? "number"
    : "word"

/** Returns the tree of a JSON text, or undefined if it is no JSON. */
export const parse = (text: string): Node | undefined => {
  if (!isJson(text)) return undefined
  let parent: Node | undefined
  let root: Node | undefined
  let name: string | undefined
  let deep: { readonly node: Node; readonly from: number; open: number } | undefined
  for (const { 0: token, index } of text.matchAll(tokens)) {
    const opens = token === "{" || token === "["
    const closes = token === "}" || token === "]"
    if (deep !== undefined) {
      deep.open += opens ? 1 : closes ? -1 : 0
      if (deep.open > 0) continue
      deep.node.text = text.slice(deep.from, index + 1)
      deep = undefined
    } else if (closes) parent = parent?.parent
    else if (token === ",") name = undefined
    else if (token === ":") continue
    else if (parent?.kind === "object" && name === undefined) name = stringOf(token)
    else {
      const level = parent === undefined ? 0 : parent.level + 1
      const kind = opens && level >= mostLevels ? "deep" : kindOf(token)
      const at = parent?.kind === "array" ? parent.children.length : name
      const node: Node = { kind, name: at, text: opens ? "" : token, children: [], parent, level }
      parent?.children.push(node)
      root ??= node
      name = undefined
      if (kind === "deep") deep = { node, from: index, open: 1 }
      else if (opens) parent = node
    }
  }
  return root
}

/** Returns the text that a JSON string stands for. */
export const stringOf = (token: string): string => JSON.parse(token) as string

/** Returns the path of a node, as the issues of a Schema write it: `$.lines[0].cents`. */
export const pathOf = (node: Node): string => {
  const parts: Array<string> = []
  for (let at: Node | undefined = node; at?.name !== undefined; at = at.parent) {
    parts.push(
      typeof at.name === "number" ? `[${at.name}]` : /^[A-Za-z_$][\w$]*$/.test(at.name) ?
        `.${at.name}`
        : `[${JSON.stringify(at.name)}]`
    )
  }
  return `$${parts.reverse().join("")}`
}

/** Returns the nodes that are shown, at most `most`, when the given ones are open. */
export const visible = (
  root: Node,
  isOpen: (node: Node) => boolean,
  most: number
): { readonly nodes: ReadonlyArray<Node>; readonly more: boolean } => {
  const nodes: Array<Node> = []
  const waiting = [root]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (nodes.length === most) return { nodes, more: true }
    nodes.push(node)
    // Only as many children as can be shown are put on the stack, so a long array costs no more than a short one.
    if (isOpen(node)) waiting.push(...node.children.slice(0, most - nodes.length + 1).toReversed())
  }
  return { nodes, more: false }
}
