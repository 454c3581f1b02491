/** Renders the results of the runs as text. */
import type { Result } from "./fault-run.ts"

export const duration = (started: number): string => {
  const seconds = Math.round((performance.now() - started) / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** One run on one line. */
export const row = (result: Result): string =>
  `${result.violations.length === 0 ? "  ok" : "  VIOLATED"}: ${result.messages} messages, `
  + `${result.violations.length} violations, ${result.seconds.toFixed(0)} s`
  + (result.tally === "" ? "" : `\n  ${result.tally}`)

/** All counts of all runs. */
export const render = (results: ReadonlyArray<Result>): string => {
  const head = ["fault", "happened", "wanted", "messages", "violations"]
  const rows = results.flatMap((result) =>
    (result.counts.length > 0 ? result.counts : [{ fault: result.name, happened: 0, wanted: 0 }]).map((count, i) => [
      count.fault,
      String(count.happened),
      String(count.wanted),
      i === 0 ? String(result.messages) : "",
      i === 0 ? String(result.violations.length) : ""
    ])
  )
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(" | ")} |`
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`
  return [line(head), rule, ...rows.map(line)].join("\n")
}
