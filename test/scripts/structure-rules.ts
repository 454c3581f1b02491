/** Rules about the structure of `src`: public modules, circles of imports, members of ports, places of errors. */
import { dirname, join } from "node:path"
import { children, isNode, nameOf, type Node, type Source, walk } from "./source.ts"

/** Paths that a module imports or exports from, types included, relative to the root of the repository. */
export const importsOf = ({ path, program }: Pick<Source, "path" | "program">): ReadonlyArray<string> =>
  children(program).flatMap((statement) => {
    const from = nameOf(statement["source"])
    return from !== undefined && from.startsWith(".") ? [join(dirname(path), from)] : []
  })

/** The files that take part in a circle of imports, types included. */
export const circles = (graph: ReadonlyMap<string, ReadonlyArray<string>>): ReadonlyArray<string> => {
  const reaches = (from: string): ReadonlySet<string> => {
    const seen = new Set<string>()
    const todo = [...(graph.get(from) ?? [])]
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (seen.has(next)) continue
      seen.add(next)
      todo.push(...(graph.get(next) ?? []))
    }
    return seen
  }
  return [...graph.keys()].filter((path) => reaches(path).has(path))
}

/** The names that `index.ts` exports, each with the file behind it. */
export const namespaces = (index: Source): ReadonlyMap<string, string> =>
  new Map(
    children(index.program).flatMap((statement) => {
      const name = nameOf(statement["exported"])
      const from = nameOf(statement["source"])
      return name === undefined || from === undefined ? [] : [[name, join(dirname(index.path), from)] as const]
    })
  )

/** The members of the interfaces with these names, and of the services that a module declares. */
export const membersOf = (source: Source, interfaces: RegExp): ReadonlyArray<string> => {
  const names = new Set<string>()
  const add = (body: Node) => {
    for (const member of children(body)) {
      if (member.type === "TSPropertySignature") names.add(nameOf(member["key"]) ?? "")
    }
  }
  walk(source.program, (node) => {
    if (node.type === "TSInterfaceDeclaration" && interfaces.test(nameOf(node["id"]) ?? "")) {
      children(node).filter((child) => child.type === "TSInterfaceBody").forEach(add)
    }
    if (node.type === "ClassDeclaration" && isNode(node["superClass"])) {
      const literals: Array<Node> = []
      walk(node["superClass"], (inner) => void (inner.type === "TSTypeLiteral" && literals.push(inner)))
      literals.slice(0, 1).forEach(add)
    }
  })
  return [...names]
}

/** The names of a module's classes of errors. */
export const errorsOf = (source: Source): ReadonlyArray<string> => {
  const names: Array<string> = []
  walk(source.program, (node) => {
    if (node.type !== "ClassDeclaration" || !isNode(node["superClass"])) return
    const { end, start } = node["superClass"]
    if (source.text.slice(start, end).includes("TaggedError")) names.push(nameOf(node["id"]) ?? "")
  })
  return names
}
