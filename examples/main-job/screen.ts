/**
 * The terminal: lines that stay, and below them a block that is redrawn in place.
 *
 * If the output is not a terminal, the block is never drawn, and progress comes as plain lines.
 * Colours follow `NO_COLOR`. No line of the block is wider than the window.
 */

/** The part of standard output that the screen uses. */
export interface Output {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly write: (text: string) => unknown
}

export type Colour = "green" | "red" | "yellow" | "cyan" | "dim" | "bold"

const codes: Readonly<Record<Colour, string>> = {
  green: "32",
  red: "31",
  yellow: "33",
  cyan: "36",
  dim: "2",
  bold: "1"
}

export class Screen {
  readonly live: boolean
  readonly #coloured: boolean
  readonly #output: Output
  #drawn = 0

  constructor(output: Output, environment: Readonly<Record<string, string | undefined>>) {
    this.#output = output
    this.live = output.isTTY === true && environment["TERM"] !== "dumb"
    this.#coloured = this.live && (environment["NO_COLOR"] ?? "") === ""
  }

  /** Characters that fit into a line. One column stays free, since some terminals wrap a full line. */
  get width(): number {
    return Math.max(20, (this.#output.columns ?? 80) - 1)
  }

  paint(colour: Colour, text: string): string {
    return this.#coloured ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text
  }

  /** Writes a line that stays. The block moves below it. A long line wraps. */
  line(text = ""): void {
    this.#output.write(`${this.#erasing()}${text}\n`)
  }

  /** Draws the block in place of the previous one. */
  draw(lines: ReadonlyArray<string>): void {
    if (!this.live) return
    const erase = this.#erasing()
    this.#drawn = lines.length
    this.#output.write(`\u001b[?25l${erase}${lines.map((line) => `${fit(line, this.width)}\n`).join("")}`)
  }

  /** Removes the block and shows the cursor again. Safe to call twice. */
  clear(): void {
    if (this.live) this.#output.write(`${this.#erasing()}\u001b[?25h`)
  }

  #erasing(): string {
    const erase = this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A\r\u001b[J`
    this.#drawn = 0
    return erase
  }
}

/** Cuts a text to so many visible characters. Colour codes do not count, and are closed. */
export const fit = (text: string, width: number): string => {
  const parts = text.split(/(\u001b\[[\d;]*m)/)
  const isColour = (part: string) => part.startsWith("\u001b[")
  const length = parts.reduce((sum, part) => isColour(part) ? sum : sum + [...part].length, 0)
  if (length <= width) return text
  let room = width - 1
  const kept = parts.map((part) => {
    if (isColour(part)) return part
    const characters = [...part].slice(0, room)
    room -= characters.length
    return characters.join("")
  })
  return `${kept.join("").trimEnd()}…${parts.length > 1 ? "\u001b[0m" : ""}`
}

/** A bar of so many characters, in eighths. */
export const bar = (share: number, width: number): string => {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8)
  const rest = eighths % 8
  const full = "█".repeat(Math.floor(eighths / 8)) + (rest === 0 ? "" : "▏▎▍▌▋▊▉"[rest - 1]!)
  return full.padEnd(width, "░")
}

/** 12345 as `12,345`. */
export const count = (n: number): string => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ",")

/** 75000 ms as `1 min 15 s`. */
export const duration = (millis: number): string => {
  const seconds = Math.floor(millis / 1_000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
