/** A bar chart as SVG, which reads on light and dark pages. */

export interface Bar {
  readonly name: string
  /** Messages a second. */
  readonly rate: number
}

const width = 760
const left = 210
const height = 26

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")

/** Draws one bar for each rate, in their order. Bars of Millrace have a colour of their own. */
export const chart = (bars: ReadonlyArray<Bar>): string => {
  const most = Math.max(1, ...bars.map(({ rate }) => rate))
  const rows = bars.map(({ name, rate }, n) => {
    const y = n * height + 4
    const length = Math.max(1, (width - left - 80) * rate / most)
    const own = name.startsWith("Millrace") ? "own" : "peer"
    return `<text x="${left - 8}" y="${y + 14}" text-anchor="end">${escaped(name)}</text>`
      + `<rect class="${own}" x="${left}" y="${y}" width="${length.toFixed(1)}" height="18" rx="3"/>`
      + `<text x="${(left + length + 6).toFixed(1)}" y="${y + 14}">${Math.round(rate).toLocaleString("en")}/s</text>`
  })
  const style = "text{font:13px system-ui,sans-serif;fill:#57606a}.own{fill:#0a7d55}.peer{fill:#8c959f}"
    + "@media(prefers-color-scheme:dark){text{fill:#c9d1d9}.own{fill:#3fb98a}.peer{fill:#6e7681}}"
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bars.length * height + 8}" role="img" `
    + `aria-label="Messages a second"><style>${style}</style>\n${rows.join("\n")}\n</svg>\n`
}
