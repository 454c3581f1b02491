/**
 * Finds statements that affect more than their own rows: they begin or end a transaction, or change the session beyond
 * the transaction. All functions here are pure.
 *
 * The extended protocol carries one command per message, so the first words decide. Comments, white space, empty
 * statements and a byte order mark before these words are skipped, as the server skips them. Two calls are found
 * anywhere in a statement: an advisory lock of the session, and `set_config`. The effects of other functions that a
 * statement calls are not found. No function can end the transaction that called it.
 *
 * @since 0.1.0
 */

/**
 * The effect of a statement. `begin` begins a transaction, and `control` ends or splits one. `session` changes the
 * session, and `names` drops the session's prepared statements.
 */
export type Kind = "plain" | "begin" | "control" | "session" | "names"

export interface Found {
  readonly kind: Kind
  /** The command in capitals: `ROLLBACK`, `PREPARE TRANSACTION`. Empty for a plain statement. */
  readonly command: string
}

const plain: Found = { kind: "plain", command: "" }

/**
 * The commands by their first word in capitals. If more words decide, the entry is a function of the statement's rest.
 */
const commands: ReadonlyMap<string, Found | ((rest: string) => Found)> = new Map<
  string,
  Found | ((rest: string) => Found)
>([
  ["BEGIN", { kind: "begin", command: "BEGIN" }],
  ["START", { kind: "begin", command: "START TRANSACTION" }],
  // COMMIT PREPARED and ROLLBACK PREPARED decide about another transaction, so they are plain. Within a transaction the
  // server itself refuses them.
  ["COMMIT", (rest) => nextWord(rest) === "PREPARED" ? plain : { kind: "control", command: "COMMIT" }],
  ["ROLLBACK", (rest) => nextWord(rest) === "PREPARED" ? plain : { kind: "control", command: "ROLLBACK" }],
  ["END", { kind: "control", command: "END" }],
  ["ABORT", { kind: "control", command: "ABORT" }],
  ["SAVEPOINT", { kind: "control", command: "SAVEPOINT" }],
  ["RELEASE", { kind: "control", command: "RELEASE" }],
  ["PREPARE", (rest) =>
    nextWord(rest) === "TRANSACTION"
      ? { kind: "control", command: "PREPARE TRANSACTION" }
      : { kind: "session", command: "PREPARE" }],
  ["SET", (rest) => localSettings.has(nextWord(rest)) ? plain : { kind: "session", command: "SET" }],
  ["LISTEN", { kind: "session", command: "LISTEN" }],
  ["LOAD", { kind: "session", command: "LOAD" }],
  ["DISCARD", { kind: "names", command: "DISCARD" }],
  ["DEALLOCATE", { kind: "names", command: "DEALLOCATE" }],
  ["CREATE", (rest) =>
    temporary.test(rest) && !/\bon\s+commit\s+drop\b/i.test(rest)
      ? { kind: "session", command: "CREATE TEMPORARY" }
      : plain],
  ["DECLARE", (rest) => /\bwith\s+hold\b/i.test(rest) ? { kind: "session", command: "DECLARE WITH HOLD" } : plain]
])

/** Words after SET that make the setting end with the transaction. */
const localSettings: ReadonlySet<string> = new Set(["LOCAL", "TRANSACTION", "CONSTRAINTS"])

const temporary = /^\s*(?:(?:or\s+replace|local|global)\s+)*temp(?:orary)?\b/i

/**
 * Matches a call that takes a session lock, which outlives the transaction. Also matches `set_config`, since its
 * setting may outlive the transaction.
 */
const within = /pg_(?:try_)?advisory_lock|set_config\s*\(/i

/** Classifies a statement. For a statement of usual length this takes well below a microsecond. */
export const classify = (sql: string): Found => {
  const start = begin(sql)
  const end = wordEnd(sql, start)
  // Every word in `commands` is 3 to 10 characters long.
  if (end - start >= 3 && end - start <= 10) {
    const found = commands.get(sql.slice(start, end).toUpperCase())
    if (found !== undefined) {
      const classified = typeof found === "function" ? found(sql.slice(end)) : found
      if (classified !== plain) return classified
    }
  }
  const leaves = within.exec(sql)
  if (leaves === null) return plain
  if (!leaves[0].toLowerCase().startsWith("set_config")) return { kind: "session", command: "pg_advisory_lock" }
  return locks.test(sql)
    ? { kind: "session", command: "pg_advisory_lock" }
    : /\btrue\b/i.test(sql)
    ? plain
    : { kind: "session", command: "set_config" }
}

const locks = /pg_(?:try_)?advisory_lock/i

const nextWord = (rest: string): string => {
  const start = skip(rest, 0, false)
  return rest.slice(start, wordEnd(rest, start)).toUpperCase()
}

/** Returns the position of the first word. Most statements begin with a word, so that case is checked first. */
const begin = (sql: string): number => isLetter(sql.charCodeAt(0)) ? 0 : skip(sql, 0, true)

const isLetter = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122)

/** Returns whether a word continues with this character. `begin_work` and `set2` are names, and not commands. */
const isPart = (code: number): boolean =>
  isLetter(code) || (code >= 48 && code <= 57) || code === 95 || code === 36 || code > 127

const wordEnd = (sql: string, start: number): number => {
  let at = start
  // Past the end `charCodeAt` returns NaN, which is no part of a word. So the loop ends.
  while (isPart(sql.charCodeAt(at))) at++
  return at
}

const byteOrderMark = 0xfeff

/**
 * Returns the position of the next word. Skips white space and comments. At the beginning of a statement (`first`) it
 * also skips empty statements and a byte order mark.
 */
const skip = (sql: string, from: number, first: boolean): number => {
  for (let at = from; at < sql.length;) {
    const code = sql.charCodeAt(at)
    if (code === 32 || (code >= 9 && code <= 13) || (first && (code === 59 || code === byteOrderMark))) at++
    else if (code === 45 && sql.charCodeAt(at + 1) === 45) at = lineEnd(sql, at)
    else if (code === 47 && sql.charCodeAt(at + 1) === 42) at = commentEnd(sql, at)
    else return at
  }
  return sql.length
}

const lineEnd = (sql: string, from: number): number => {
  for (let at = from; at < sql.length; at++) {
    const code = sql.charCodeAt(at)
    if (code === 10 || code === 13) return at
  }
  return sql.length
}

/** Returns the position after a comment. Comments nest in Postgres, so their depth is counted. */
const commentEnd = (sql: string, from: number): number => {
  let depth = 0
  for (let at = from; at < sql.length - 1; at++) {
    const code = sql.charCodeAt(at)
    const next = sql.charCodeAt(at + 1)
    if (code === 47 && next === 42) {
      depth++
      at++
    } else if (code === 42 && next === 47) {
      depth--
      at++
      if (depth === 0) return at + 1
    }
  }
  return sql.length
}
