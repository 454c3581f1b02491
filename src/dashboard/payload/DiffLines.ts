/** The lines of a unified diff by what they say. */

/** One line of a diff, without its sign. */
export interface DiffLine {
  readonly kind: "added" | "removed" | "same" | "hunk"
  readonly text: string
}

/** Returns the lines of a unified diff without the two names of files at its begin. */
export const linesOf = (diff: string): ReadonlyArray<DiffLine> =>
  diff.replace(/\n$/, "").split("\n").slice(2).map((line): DiffLine => {
    const text = line.slice(1)
    switch (line[0]) {
      case "+":
        return { kind: "added", text }
      case "-":
        return { kind: "removed", text }
      case "@":
        return { kind: "hunk", text: line }
      default:
        return { kind: "same", text }
    }
  })

/** Returns whether a line is added or removed. */
export const isChange = ({ kind }: DiffLine): boolean => kind === "added" || kind === "removed"
