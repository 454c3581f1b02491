/** The house rules as functions from source to violations; `test/tidy.test.ts` applies them and tries each of them. */
import { children, isNode, lineOf, nameOf, type Node, prose, type Source, walk } from "./source.ts"

export interface Violation {
  readonly path: string
  readonly line: number
  /** The finding, as the allow-list names it. */
  readonly found: string
  readonly problem: string
}

export type Rule = (source: Source) => ReadonlyArray<Violation>

const violation = (source: Source, offset: number, found: string, problem: string): Violation => ({
  path: source.path,
  line: lineOf(source.text, offset),
  found,
  problem
})

export const maximumLines = 450
export const maximumFunctionLines = 70

export const shortFile: Rule = (source) => {
  const lines = source.text.trimEnd().split("\n").length
  return lines <= maximumLines
    ? []
    : [violation(source, 0, "long file", `has ${lines} lines, more than ${maximumLines}: split it along what it says`)]
}

const functions = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"])

/** A function's own lines: an inner function of five lines or more counts for itself, written-out text not at all. */
export const shortFunctions: Rule = (source) => {
  const found: Array<Violation> = []
  const lines = (node: Node) => source.text.slice(node.start, node.end).split("\n").length
  const inner = (node: Node): number =>
    children(node).reduce((sum, child) => {
      if (!functions.has(child.type) && child.type !== "TemplateLiteral") return sum + inner(child)
      return sum + (lines(child) >= 5 ? Math.max(lines(child) - 2, 0) : 0)
    }, 0)
  walk(source.program, (node) => {
    if (!functions.has(node.type)) return
    const own = lines(node) - inner(node)
    if (own <= maximumFunctionLines) return
    const name = nameOf(node["id"]) ?? "a function"
    found.push(
      violation(source, node.start, "long function", `${name} has ${own} lines, more than ${maximumFunctionLines}`)
    )
  })
  return found
}

export const header: Rule = (source) => {
  const [first] = source.comments
  const opens = first !== undefined && source.text.slice(0, first.start).trim() === "" && first.value.startsWith("*")
  return opens && prose(first).length >= 30
    ? []
    : [
      violation(
        source,
        0,
        "no header",
        "does not open with a paragraph: what it is for, what it guarantees, what it does not"
      )
    ]
}

const members: ReadonlyArray<readonly [object: string, property: RegExp, instead: string]> = [
  ["Effect", /^run(?!ner)/, "a library never runs effects, it returns them"],
  ["ManagedRuntime", /^make$/, "a library never runs effects, it returns them"],
  ["Date", /^now$/, "use Clock, which tests control"],
  ["performance", /^now$/, "use Clock, which tests control"],
  ["Math", /^random$/, "use Random, which a seed repeats"],
  ["console", /./, "use Effect.log"]
]
const globals: Readonly<Record<string, string>> = {
  Promise: "signatures and bodies of the library are effects",
  PromiseLike: "signatures and bodies of the library are effects",
  setTimeout: "use Effect.sleep, which tests control",
  setInterval: "use Schedule, which tests control"
}

/**
 * Finds what makes a library untestable or unpredictable: running effects, promises, the machine's clock and dice, the
 * console.
 */
export const onlyEffects: Rule = (source) => {
  const found: Array<Violation> = []
  const add = (node: Node, what: string, why: string) =>
    found.push(violation(source, node.start, what, `${what}: ${why}`))
  walk(source.program, (node) => {
    if (node.type === "MemberExpression") {
      const property = nameOf(node["property"]) ?? ""
      for (const [object, name, instead] of members) {
        if (nameOf(node["object"]) === object && name.test(property)) add(node, `${object}.${property}`, instead)
      }
    }
    if (node.type === "ImportSpecifier" && /^run(Sync|Promise|Fork|Callback)/.test(nameOf(node["imported"]) ?? "")) {
      add(node, `Effect.${nameOf(node["imported"])}`, "a library never runs effects, it returns them")
    }
    if (functions.has(node.type) && node["async"] === true) add(node, "async", "use Effect.gen or Effect.fnUntraced")
    if (node.type === "NewExpression" && nameOf(node["callee"]) === "Date" && children(node).length === 1) {
      add(node, "new Date()", "use Clock or DateTime, which tests control")
    }
    const reference = node.type === "TSTypeReference" ? node["typeName"] : callee(node)
    const name = nameOf(reference)
    if (name !== undefined && Object.hasOwn(globals, name)) add(node, name, globals[name] ?? "")
  })
  return found
}

/** A library reports a failure, and its program decides whether the process ends. Signal 0 ends nothing. */
export const endsNoProcess: Rule = (source) => {
  const found: Array<Violation> = []
  walk(source.program, (node) => {
    if (node.type !== "CallExpression" || !isNode(node["callee"])) return
    const { callee } = node
    const name = nameOf(callee["property"])
    if (nameOf(callee["object"]) !== "process" || !/^(kill|exit|abort|reallyExit)$/.test(name ?? "")) return
    if (/,\s*0\s*\)$/.test(source.text.slice(node.start, node.end))) return
    found.push(violation(source, node.start, `process.${name}`, `process.${name}: fail, and let the program decide`))
  })
  return found
}

/** The identifier that is called, constructed, or whose member is taken: `Promise` in `new Promise`, `Promise.all`. */
const callee = (node: Node): unknown =>
  node.type === "CallExpression" || node.type === "NewExpression"
    ? node["callee"]
    : node.type === "MemberExpression"
    ? node["object"]
    : undefined

const statement = new RegExp(
  "^\\s*(select\\s|insert\\s+into\\s|update\\s+\\S+\\s+set\\s|delete\\s+from\\s|merge\\s+into\\s|truncate\\s|"
    + "(create|alter|drop)\\s+(unique\\s+|temp\\s+)?(table|index|schema|sequence|function|type|view)\\s|"
    + "with\\s+(recursive\\s+)?\\w+(\\s*\\([^)]*\\))?\\s+as\\s|lock\\s+table\\s|set\\s+local\\s|savepoint\\s|"
    + "notify\\s|listen\\s|copy\\s+\\S+\\s+(from|to)\\s|values\\s*\\()",
  "i"
)

/** A statement stands beside its index and its locks, in `src/postgres/sql` or a migration, and nowhere else. */
export const noStatements: Rule = (source) => {
  if (/^src\/postgres\/(sql|migrations)\//.test(source.path)) return []
  const found: Array<Violation> = []
  walk(source.program, (node) => {
    const text = literal(node)
    if (text === undefined || !statement.test(text)) return
    const start = text.trim().split(/\s+/).slice(0, 3).join(" ")
    found.push(violation(source, node.start, "SQL", `"${start} ..." belongs in src/postgres/sql`))
  })
  return found
}

/** A transaction of the library names its level; that of the client has the level of the role. */
export const ownLevel: Rule = (source) => {
  if (source.path === "src/postgres/session/Isolation.ts") return []
  const found: Array<Violation> = []
  walk(source.program, (node) => {
    if (node.type !== "CallExpression" || !isNode(node["callee"])) return
    if (nameOf(node["callee"]["property"]) !== "withTransaction") return
    found.push(
      violation(source, node.start, "withTransaction", "begins a transaction at the role's level: use db.transaction")
    )
  })
  return found
}

const literal = (node: Node): string | undefined => {
  if (node.type === "Literal") return typeof node["value"] === "string" ? node["value"] : undefined
  if (node.type !== "TemplateLiteral" || !Array.isArray(node["quasis"])) return undefined
  return node["quasis"].map((quasi: { readonly value: { readonly raw: string } }) => quasi.value.raw).join("x")
}

const otherWords = new Set(["job", "jobs", "task", "tasks", "event", "events"])

/** One word for one thing: what travels is a message. */
export const oneWord: Rule = (source) => {
  const found: Array<Violation> = []
  for (const [name, offset] of exportedNames(source.program)) {
    const word = name.split(/(?=[A-Z])|_/).map((part) => part.toLowerCase()).find((part) => otherWords.has(part))
    if (word === undefined) continue
    found.push(violation(source, offset, name, `exports "${name}": what travels is called a message, not a ${word}`))
  }
  return found
}

/** Returns a module's exports, and the fields and methods of its exported interfaces and classes. */
export const exportedNames = (program: Node): ReadonlyArray<readonly [name: string, offset: number]> => {
  const names: Array<readonly [string, number]> = []
  const add = (value: unknown) => {
    const name = nameOf(value)
    if (name !== undefined && isNode(value)) names.push([name, value.start])
  }
  for (const node of children(program)) {
    if (node.type !== "ExportNamedDeclaration" && node.type !== "ExportAllDeclaration") continue
    add(node["exported"])
    for (const child of children(node)) {
      if (child.type === "ExportSpecifier") add(child["exported"])
      add(child["id"])
      for (const declarator of children(child)) if (declarator.type === "VariableDeclarator") add(declarator["id"])
      const body = child["body"]
      if (isNode(body) && /^(TSInterfaceBody|ClassBody)$/.test(body.type)) {
        for (const member of children(body)) add(member["key"])
      }
    }
  }
  return names
}

/** Files that share a base name, except `index.ts` and `main.ts`: a name must find its file. */
export const sharedNames = (paths: ReadonlyArray<string>): ReadonlyArray<string> => {
  const stem = (path: string) => path.replace(/(?:\.test)?\.tsx?$/, "")
  // A file and its test in one folder are one.
  const byName = Map.groupBy(new Set(paths.map(stem)), (path) => path.slice(path.lastIndexOf("/") + 1))
  return [...byName].filter(([name, group]) => name !== "index" && name !== "main" && group.length > 1)
    .map(([name, group]) => `${name}: ${group.join(", ")}`)
}

/**
 * Returns the tests that the last column of a table names: a file such as `acting.test`, and then parts of the names of
 * its tests. A file without any name stands for all of its tests.
 */
export const testsNamed = (
  tables: string
): ReadonlyArray<{ readonly file: string; readonly text: string | undefined }> =>
  tables.split("\n").filter((line) => line.startsWith("| ") && line.includes("`")).flatMap((line) => {
    const cell = line.split(" | ").at(-1)!
    const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!).filter((name) => !name.startsWith("npm "))
    const isFile = (name: string) => /^\w+(\.test|Promises)$/.test(name)
    return names.flatMap((name, i): ReadonlyArray<{ readonly file: string; readonly text: string | undefined }> => {
      if (!isFile(name)) return [{ file: names.slice(0, i).findLast(isFile) ?? "", text: name }]
      return names[i + 1] === undefined || isFile(names[i + 1]!) ? [{ file: name, text: undefined }] : []
    })
  })
