/** Workers that live or died, the lanes that they own, and messages that may have crashed them. */
import { useSignal } from "@preact/signals"
import { now } from "../data/Clock.ts"
import type { Worker } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { type Column, Grid } from "../lists/Grid.tsx"
import { Badge } from "../parts/Badge.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Head } from "../parts/Head.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { place, refine, to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { duration } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { EvictDialog } from "./EvictDialog.tsx"
import { LanesView } from "./LanesView.tsx"
import { SuspectsView } from "./SuspectsView.tsx"

export const WorkersPage = () => {
  const { tab = "live" } = place.value.query
  return (
    <>
      <Head title="Workers" name="Workers">A worker is a process that takes messages of one consumer.</Head>
      <div class="toolbar">
        <Tabs
          label="View of the workers"
          tabs={[["live", "Workers"], ["lanes", "Lanes"], ["suspects", "Crashes"]]}
          value={tab}
          onChange={(value) => refine({ tab: value === "live" ? undefined : value })}
        />
      </div>
      {tab === "lanes" ? <LanesView /> : tab === "suspects" ? <SuspectsView /> : <LiveWorkers />}
    </>
  )
}

const columnsFor = (evict: (worker: Worker) => void): ReadonlyArray<Column<Worker>> => [
  {
    title: "Worker",
    phone: "title",
    wide: true,
    cell: ({ worker }) => (
      <b class="mono">
        <Shown text={worker} />
      </b>
    )
  },
  {
    title: "State",
    phone: "end",
    cell: ({ alive }) => <Badge tone={alive ? "ok" : "bad"}>{alive ? "alive" : "died"}</Badge>
  },
  {
    title: "Consumer",
    cell: ({ consumer }) => (
      <a href={to.queue(consumer)}>
        <Shown text={consumer} />
      </a>
    )
  },
  { title: "Version", cell: ({ codeVersion }) => <Shown text={codeVersion} empty="–" /> },
  { title: "Lanes", numeric: true, cell: ({ lanes }) => lanes },
  { title: "Started", numeric: true, phone: "hide", cell: ({ startedAt }) => <When at={startedAt} /> },
  {
    title: "Alive until",
    numeric: true,
    phone: "hide",
    cell: ({ alive, aliveUntil }) =>
      alive ? `in ${duration(Math.max(0, aliveUntil - now.value))}` : <When at={aliveUntil} />
  },
  {
    title: "Action",
    cell: (worker) =>
      worker.alive
        ? <Btn small icon="evict" off={offForViewers()} onClick={() => evict(worker)}>Evict…</Btn>
        : <span class="quiet">–</span>
  }
]

const LiveWorkers = () => {
  const workers = useResource("workers", Api.workers, "ticks")
  const evicting = useSignal<Worker | undefined>(undefined)
  return (
    <section class="card">
      <Loaded of={workers}>
        {(workers) =>
          workers.length === 0
            ? (
              <Empty icon="workers" title="No worker lives">
                <p>Messages wait until one starts. A worker is started by the program that has the pipeline.</p>
                <code>Worker.layer(pipeline)</code>
              </Empty>
            )
            : (
              <Grid
                caption="Workers"
                columns={columnsFor((worker) => (evicting.value = worker))}
                rows={workers}
                idOf={({ consumer, worker }) => JSON.stringify([consumer, worker])}
              />
            )}
      </Loaded>
      {evicting.value !== undefined && (
        <EvictDialog worker={evicting.value} onClose={() => (evicting.value = undefined)} onDone={workers.refresh} />
      )}
    </section>
  )
}
