/** The queues of all consumers, and why each one lags. */
import { show } from "../../ops/Fact.ts"
import { Spark } from "../charts/Spark.tsx"
import type { Consumer } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { type Column, Grid } from "../lists/Grid.tsx"
import { Badge, type Tone } from "../parts/Badge.tsx"
import { to } from "../place/Address.ts"
import { duration, rate } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"

/** Returns the state of a consumer in one word, as `millrace status` does. */
export const stateOf = ({ lag, paused, workers }: Consumer): readonly [Tone, string] =>
  paused !== undefined
    ? ["warn", "paused"]
    : lag.cause._tag === "CommitWaits"
    ? ["bad", "blocked"]
    : workers === 0
    ? lag.cause._tag === "NoWorker" ? ["bad", "no worker"] : ["plain", "no worker"]
    : ["ok", "running"]

export const ConsumerState = ({ of }: { readonly of: Consumer }) => {
  const [tone, word] = stateOf(of)
  return <Badge tone={tone}>{word}</Badge>
}

const Trend = ({ of: { consumer } }: { readonly of: Consumer }) => {
  const points = useResource(
    `trend ${consumer}`,
    (signal) => Api.series(consumer, 10, Date.now() - 600_000, signal),
    "ticks"
  )
  return <Spark values={points.state.value.value?.map(({ committed, duplicates }) => committed + duplicates) ?? []} />
}

const columns: ReadonlyArray<Column<Consumer>> = [
  {
    title: "Queue",
    phone: "title",
    wide: true,
    cell: ({ consumer, lag, topics }) => (
      <>
        <a class="row-link" href={to.queue(consumer)}>
          <Shown text={consumer} />
        </a>
        <span class="row-sub">
          {lag.cause._tag === "Empty" ? <Shown text={topics.join(", ")} /> : <Shown text={lag.sentence} />}
        </span>
      </>
    )
  },
  { title: "State", phone: "end", cell: (one) => <ConsumerState of={one} /> },
  { title: "In/s", numeric: true, phone: "hide", cell: ({ rates }) => rate(rates.inPerSecond) },
  { title: "Out/s", numeric: true, cell: ({ rates }) => rate(rates.outPerSecond) },
  { title: "Last 10 m", phone: "hide", cell: (one) => <Trend of={one} /> },
  { title: "Waiting", numeric: true, cell: ({ waiting }) => show(waiting) },
  { title: "Lag", numeric: true, cell: ({ lag }) => lag.millis === 0 ? "0" : duration(lag.millis) },
  {
    title: "Held",
    numeric: true,
    phone: "hide",
    cell: ({ delayedKeys, parkedKeys, pausedKeys }) => {
      const held = parkedKeys.value + delayedKeys.value + pausedKeys.value
      return held === 0 ? <span class="quiet">0</span> : <span class={parkedKeys.value > 0 ? "warn" : ""}>{held}</span>
    }
  },
  {
    title: "Dead",
    numeric: true,
    cell: ({ deadLetters }) =>
      deadLetters.value === 0 ? <span class="quiet">0</span> : <b class="bad">{show(deadLetters)}</b>
  },
  { title: "Workers", numeric: true, phone: "hide", cell: ({ workers }) => workers },
  { title: "Lanes", numeric: true, phone: "hide", cell: ({ lanes, ownedLanes }) => `${ownedLanes}/${lanes}` }
]

export const QueueTable = ({ consumers }: { readonly consumers: ReadonlyArray<Consumer> }) => (
  <Grid
    caption="Queues"
    columns={columns}
    rows={consumers}
    idOf={({ consumer }) => consumer}
  />
)
