/** A chart of samples over time as SVG: one panel below the other, which read on light and dark pages. */

export interface Curve {
  readonly name: string
  /** One value for each time. A null is a gap. */
  readonly values: ReadonlyArray<number | null>
}

export interface Panel {
  readonly title: string
  readonly curves: ReadonlyArray<Curve>
}

export interface Time {
  /** Seconds since the start, one for each value. */
  readonly at: ReadonlyArray<number>
  /** The part of the time that is shaded, in seconds. */
  readonly shaded: { readonly from: number; readonly to: number; readonly name: string }
}

const width = 760
const left = 70
const right = 20
const height = 110
const top = 24
const panelHeight = top + height + 14

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
const short = (value: number) =>
  value >= 1e9
    ? `${(value / 1e9).toFixed(1)} G`
    : value >= 1e6
    ? `${(value / 1e6).toFixed(1)} M`
    : value >= 1e4
    ? `${(value / 1e3).toFixed(0)} k`
    : value.toLocaleString("en", { maximumFractionDigits: 1 })

/** The path of a curve. It begins again after each gap. */
const path = (values: Curve["values"], x: (n: number) => number, y: (value: number) => number): string => {
  let isDrawn = false
  return values.map((value, n) => {
    const step = value === null ? "" : `${isDrawn ? "L" : "M"}${x(n).toFixed(1)} ${y(value).toFixed(1)}`
    isDrawn = value !== null
    return step
  }).join("")
}

const panel = ({ curves, title }: Panel, place: number, { at, shaded }: Time): string => {
  const end = Math.max(1, at.at(-1) ?? 1)
  const most = Math.max(1, ...curves.flatMap(({ values }) => values.map((value) => value ?? 0)))
  const base = place * panelHeight + top
  const across = (seconds: number) => left + (width - left - right) * seconds / end
  const y = (value: number) => base + height * (1 - value / most)
  const names = curves.map(({ name }, n) => `<tspan class="t${n}" dx="12">${escaped(name)}</tspan>`).join("")
  const from = across(shaded.from)
  return `<rect class="shade" x="${from.toFixed(1)}" y="${base}" width="${
    (across(shaded.to) - from).toFixed(1)
  }" height="${height}"/>`
    + `<text x="${left}" y="${base - 8}">${escaped(title)}${curves.length > 1 ? names : ""}</text>`
    + `<text x="${left - 6}" y="${base + 10}" text-anchor="end">${short(most)}</text>`
    + `<text x="${left - 6}" y="${base + height}" text-anchor="end">0</text>`
    + `<path class="axis" d="M${left} ${base}V${base + height}H${width - right}"/>`
    + curves.map(({ values }, n) => `<path class="c${n}" d="${path(values, (i) => across(at[i] ?? 0), y)}"/>`).join("")
}

/** Draws each panel from 0 to its highest value. */
export const curves = (panels: ReadonlyArray<Panel>, time: Time): string => {
  const colours = [["#0a7d55", "#3fb98a"], ["#b35900", "#f0a35e"], ["#5b4bc4", "#a79bf5"], ["#8c959f", "#6e7681"]]
  const style = "text{font:12px system-ui,sans-serif;fill:#57606a}path{fill:none;stroke-width:1.5}"
    + ".axis{stroke:#8c959f;stroke-width:1}.shade{fill:#8c959f;opacity:.15}"
    + colours.map(([light], n) => `.c${n}{stroke:${light}}.t${n}{fill:${light}}`).join("")
    + `@media(prefers-color-scheme:dark){text{fill:#c9d1d9}${
      colours.map(([, dark], n) => `.c${n}{stroke:${dark}}.t${n}{fill:${dark}}`).join("")
    }}`
  const end = time.at.at(-1) ?? 0
  const full = panels.length * panelHeight + 26
  const caption = `0 to ${(end / 60).toFixed(1)} minutes. Shaded: ${time.shaded.name}.`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${full}" role="img" `
    + `aria-label="${escaped(caption)}"><style>${style}</style>\n`
    + panels.map((one, place) => panel(one, place, time)).join("\n")
    + `\n<text x="${left}" y="${full - 8}">${escaped(caption)}</text>\n</svg>\n`
}
