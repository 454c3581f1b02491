/** When messages of a failure died, with marks for new versions and for redrives. */
import { Chart, type Mark } from "../charts/Chart.tsx"
import type { FailureHistory } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { Loaded } from "../parts/States.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { place, refine } from "../place/Address.ts"
import { counted, rate } from "../text/Amounts.ts"

const spans = { "3h": ["3 h", 3, 60], "24h": ["24 h", 24, 600], "7d": ["7 d", 168, 600] } as const

type Span = keyof typeof spans

export const HistoryChart = (
  { consumer, fingerprint }: { readonly consumer: string; readonly fingerprint: string }
) => {
  const asked = place.value.query["span"] ?? ""
  const span: Span = asked in spans ? asked as Span : "3h"
  const [, hours, seconds] = spans[span]
  const history = useResource(
    `history ${consumer} ${fingerprint} ${span}`,
    (signal) => Api.history(consumer, fingerprint, Date.now() - hours * 3_600_000, seconds, signal)
  )
  return (
    <section class="stack">
      <div class="section-head">
        <h2>History</h2>
        <Tabs
          label="Span of the chart"
          tabs={Object.entries(spans).map(([name, [text]]) => [name, text])}
          value={span}
          onChange={(value) => refine({ span: value })}
        />
      </div>
      <Loaded of={history} rows={3}>{(history) => <Deaths history={history} hours={hours} />}</Loaded>
    </section>
  )
}

/** The most dead letters that the server counts for one chart. */
const mostRead = "10,000"

const Deaths = ({ history, hours }: { readonly history: FailureHistory; readonly hours: number }) => {
  const { points, seconds } = history
  const dead = new Map(points.map(({ at, dead }) => [at / 1_000, dead * 60 / seconds]))
  const end = Math.floor(Date.now() / 1_000 / seconds) * seconds
  const at = Array.from({ length: hours * 3_600 / seconds + 1 }, (_, i) => end - hours * 3_600 + i * seconds)
  return (
    <>
      <Chart
        title="Dead letters a minute"
        at={at}
        show={rate}
        lines={[{ label: "dead", color: 3, values: at.map((time) => dead.get(time) ?? 0) }]}
        marks={marksOf(history)}
      />
      {history.more && <p class="hint">The chart has the newest {mostRead} dead letters. There are older ones.</p>}
    </>
  )
}

const marksOf = ({ redrives, versions }: FailureHistory): ReadonlyArray<Mark> =>
  [
    ...versions.map(({ at, version }) => ({ at: at / 1_000, text: `Version ${version}`, kind: "version" as const })),
    ...redrives.map(({ at, by, deadLetters, note }) => ({
      at: at / 1_000,
      text: `${by} redrove ${counted(deadLetters, "dead letter")}${note === "" ? "" : `: ${note}`}`,
      kind: "redrive" as const
    }))
  ].toSorted((a, b) => a.at - b.at)
