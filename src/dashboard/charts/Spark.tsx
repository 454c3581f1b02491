/** A small line of the last values, beside the number that it explains. It is decoration for a screen reader. */
export const Spark = (
  { tone = "info", values }: { readonly values: ReadonlyArray<number>; readonly tone?: "info" | "bad" | "warn" }
) => {
  if (values.length < 2) return <span class="spark" />
  const top = Math.max(...values, 1e-9)
  const x = (i: number) => ((i / (values.length - 1)) * 100).toFixed(1)
  const y = (value: number) => (22 - (value / top) * 20).toFixed(1)
  const line = values.map((value, i) => `${i === 0 ? "M" : "L"}${x(i)} ${y(value)}`).join("")
  return (
    <svg class={`spark is-${tone}`} viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
      <path class="spark-area" d={`${line}L100 24L0 24Z`} />
      <path class="spark-line" d={line} vector-effect="non-scaling-stroke" />
    </svg>
  )
}
