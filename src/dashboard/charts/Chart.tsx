/**
 * A chart of a consumer's series. It has a summary in words for a screen reader, and can be shown as a table.
 */
import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import UPlot from "uplot"
import { Btn } from "../parts/Btn.tsx"
import { theme } from "../shell/Theme.ts"
import { clock } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

export interface ChartLine {
  readonly label: string
  readonly values: ReadonlyArray<number | null>
  readonly color: 1 | 2 | 3 | 4
}

/** Something that happened, as a line across the chart. */
export interface Mark {
  /** Seconds since the epoch. */
  readonly at: number
  readonly text: string
  readonly kind: "version" | "redrive"
}

export interface ChartProps {
  readonly title: string
  /** Seconds since the epoch. */
  readonly at: ReadonlyArray<number>
  readonly lines: ReadonlyArray<ChartLine>
  readonly show: (value: number) => string
  readonly marks?: ReadonlyArray<Mark> | undefined
}

const markColors = { version: "--series-4", redrive: "--series-1" } as const

/** Draws each mark as a dashed line from top to bottom. */
const drawMarks = (host: HTMLElement, marks: ReadonlyArray<Mark>) => (plot: UPlot): void => {
  const { bbox, ctx } = plot
  ctx.save()
  ctx.setLineDash([4, 3])
  for (const { at, kind } of marks) {
    // The last point is the begin of the present minute, and a mark may be within it.
    const x = Math.min(bbox.left + bbox.width, Math.round(plot.valToPos(at, "x", true)))
    if (x < bbox.left) continue
    ctx.strokeStyle = resolved(host, markColors[kind])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top)
    ctx.lineTo(x, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}

/** Returns a colour as the browser resolves it in the present theme. A canvas knows no variables. */
const resolved = (host: HTMLElement, name: string, opacity?: number): string => {
  const probe = document.createElement("i")
  probe.style.color = opacity === undefined
    ? `var(${name})`
    : `color-mix(in srgb, var(${name}) ${opacity}%, transparent)`
  host.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

const font = "11px \"Liberation Sans\", \"Segoe UI\", Arial, sans-serif"

const optionsOf = (
  host: HTMLElement,
  { lines, marks = [], show }: ChartProps,
  onCursor: (at: number | null) => void
): UPlot.Options => {
  const axis = { stroke: resolved(host, "--text-3"), font, ticks: { show: false } }
  const grid = { stroke: resolved(host, "--line"), width: 1 }
  return {
    width: host.clientWidth,
    height: 168,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)], draw: [drawMarks(host, marks)] },
    scales: { y: { range: (_, __, most) => [0, Math.max(most * 1.15, 1)] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: 78,
        values: (_, splits, __, ___, step) => splits.map((at) => tick(at, step))
      },
      { ...axis, grid, size: 56, space: 34, values: (_, splits) => splits.map((value) => show(value)) }
    ],
    series: [
      {},
      ...lines.map(({ color, label }): UPlot.Series => ({
        label,
        stroke: resolved(host, `--series-${color}`),
        width: 1.6,
        points: { show: false },
        ...(lines.length === 1 ? { fill: resolved(host, `--series-${color}`, 12) } : {})
      }))
    ]
  }
}

const two = (value: number): string => String(value).padStart(2, "0")

/** Shows a time below the chart: the time of day, or the day if the marks are that far apart. */
const tick = (at: number, step: number): string => {
  const date = new Date(at * 1_000)
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return step >= 86_400 ? day : step >= 21_600 ? `${day} ${time}` : time
}

/** Says in one sentence where each line stands, and between which values it was. */
const summary = ({ lines, show, title }: ChartProps): string =>
  `${title}. ` + lines.map(({ label, values }) => {
    const known = values.filter((value) => value !== null)
    return known.length === 0
      ? `${label}: no values.`
      : `${label}: now ${show(known.at(-1)!)}, between ${show(Math.min(...known))} and ${show(Math.max(...known))}.`
  }).join(" ")

export const Chart = (props: ChartProps) => {
  const asTable = useSignal(false)
  const cursor = useSignal<number | null>(null)
  const at = cursor.value
  return (
    <figure class="chart">
      <figcaption class="chart-head">
        <h3>{props.title}</h3>
        <span class="chart-legend" aria-hidden="true">
          {props.lines.map(({ color, label, values }) => {
            const value = at === null ? values.findLast((each) => each !== null) : values[at]
            return (
              <span key={label}>
                <i class={`is-series-${color}`} />
                {label} <b class="num">{value === null || value === undefined ? "–" : props.show(value)}</b>
              </span>
            )
          })}
        </span>
        <Btn kind="ghost" small pressed={asTable.value} onClick={() => (asTable.value = !asTable.value)}>Table</Btn>
      </figcaption>
      {asTable.value ?
        <Values {...props} /> :
        <Plot {...props} onCursor={(index) => (cursor.value = index)} name={summary(props)} />}
      {props.marks !== undefined && props.marks.length > 0 && <Marks marks={props.marks} />}
    </figure>
  )
}

/** Shows the marks in words, so that their lines need no text in the chart. */
const Marks = ({ marks }: { readonly marks: ReadonlyArray<Mark> }) => (
  <ul class="marks" aria-label="What happened meanwhile">
    {marks.map(({ at, kind, text }) => (
      <li key={`${at} ${text}`}>
        <i class={`is-${kind}`} aria-hidden="true" />
        <When at={at * 1_000} exact /> <Shown text={text} />
      </li>
    ))}
  </ul>
)

const Plot = (props: ChartProps & { readonly onCursor: (at: number | null) => void; readonly name: string }) => {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | undefined>(undefined)
  const data: UPlot.AlignedData = [[...props.at], ...props.lines.map(({ values }) => [...values])]
  useEffect(() => {
    const element = host.current!
    const made = plot.current = new UPlot(optionsOf(element, props, props.onCursor), data, element)
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: 168 }))
    resize.observe(element)
    return () => {
      resize.disconnect()
      made.destroy()
    }
  }, [theme.value, props.lines.map(({ label }) => label).join(), props.marks?.map(({ at }) => at).join()])
  useEffect(() => plot.current?.setData(data), [props.at, props.lines])
  return <div ref={host} class="chart-plot" role="img" aria-label={props.name} />
}

const Values = ({ at, lines, show, title }: ChartProps) => (
  <div class="chart-table" tabIndex={0} role="region" aria-label={`${title} as a table`}>
    <table>
      <thead>
        <tr>
          <th scope="col">Time</th>
          {lines.map(({ label }) => <th scope="col" key={label}>{label}</th>)}
        </tr>
      </thead>
      <tbody>
        {at.map((time, i) => (
          <tr key={time}>
            <td class="num">{clock(time * 1_000, Date.now())}</td>
            {lines.map(({ label, values }) => {
              const value = values[i]
              return <td class="num" key={label}>{value === null || value === undefined ? "–" : show(value)}</td>
            })}
          </tr>
        )).reverse()}
      </tbody>
    </table>
  </div>
)
