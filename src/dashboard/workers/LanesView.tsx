/** The lanes of one consumer: a square for each lane, coloured by its owner, and the same as a table. */
import { show } from "../../ops/Fact.ts"
import { now } from "../data/Clock.ts"
import type { Lane } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { Choice } from "../dialogs/Field.tsx"
import { type Column, Grid } from "../lists/Grid.tsx"
import { Badge } from "../parts/Badge.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { place, refine } from "../place/Address.ts"
import { counted, duration } from "../text/Amounts.ts"
import { flat } from "../text/Pieces.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

const columns: ReadonlyArray<Column<Lane>> = [
  { title: "Lane", phone: "title", numeric: true, cell: ({ lane }) => lane },
  {
    title: "Owner",
    wide: true,
    cell: ({ deadOwner, owner }) =>
      owner !== undefined ?
        (
          <span class="mono">
            <Shown text={owner.worker} />
          </span>
        )
        : deadOwner !== undefined ?
        (
          <span class="bad">
            died: <Shown text={deadOwner} />
          </span>
        )
        : <span class="quiet">none</span>
  },
  {
    title: "Lease",
    numeric: true,
    cell: ({ owner }) => owner === undefined ? "–" : duration(Math.max(0, owner.leaseUntil - now.value))
  },
  { title: "Waiting", numeric: true, cell: ({ waiting }) => show(waiting) },
  { title: "Oldest", numeric: true, cell: ({ oldestAt }) => <When at={oldestAt} /> },
  {
    title: "Mode",
    phone: "hide",
    cell: ({ alone }) => alone ? <Badge tone="warn">suspect runs alone</Badge> : <span class="quiet">–</span>
  }
]

export const LanesView = () => {
  const all = useResource("consumers", Api.consumers)
  const names = all.state.value.value?.map(({ consumer }) => consumer) ?? []
  const consumer = place.value.query["consumer"] ?? names[0]
  return (
    <>
      {names.length > 0 && consumer !== undefined && (
        <div class="toolbar">
          <Choice
            label="Consumer"
            value={consumer}
            options={names.map((name) => [name, flat(name)])}
            onChange={(value) => refine({ consumer: value })}
          />
        </div>
      )}
      {consumer === undefined ?
        (
          <Loaded of={all}>
            {() => (
              <section class="card">
                <Empty icon="workers" title="No consumer is registered" />
              </section>
            )}
          </Loaded>
        )
        : <LanesOf key={consumer} consumer={consumer} />}
    </>
  )
}

const LanesOf = ({ consumer }: { readonly consumer: string }) => (
  <section class="card">
    <Loaded of={useResource(`lanes ${consumer}`, (signal) => Api.lanes(consumer, signal), "ticks")} rows={6}>
      {(lanes) => (
        <>
          <LaneMap lanes={lanes} />
          <Grid caption="Lanes" columns={columns} rows={lanes} idOf={({ lane }) => String(lane)} />
        </>
      )}
    </Loaded>
  </section>
)

const LaneMap = ({ lanes }: { readonly lanes: ReadonlyArray<Lane> }) => {
  const owners = [...new Set(lanes.flatMap(({ owner }) => owner?.worker ?? []))]
  const count = (worker: string) => lanes.filter(({ owner }) => owner?.worker === worker).length
  const free = lanes.filter(({ owner }) => owner === undefined)
  const stuck = free.filter(({ waiting }) => waiting.value > 0).length
  return (
    <div class="lane-map">
      <div
        class="lane-squares"
        role="img"
        aria-label={`${
          lanes.length - free.length
        } of ${lanes.length} lanes have a live owner. ${stuck} lanes have messages and no owner.`}
      >
        {lanes.map(({ lane, owner, waiting }) => (
          <i
            key={lane}
            class={owner === undefined
              ? waiting.value > 0 ? "is-stuck" : "is-free"
              : `is-owner-${owners.indexOf(owner.worker) % 6}`}
            title={`Lane ${lane}`}
          />
        ))}
      </div>
      <ul class="lane-legend">
        {owners.slice(0, 12).map((worker, i) => (
          <li key={worker}>
            <i class={`is-owner-${i % 6}`} />
            <span class="mono">
              <Shown text={worker} />
            </span>{" "}
            <span class="quiet num">{counted(count(worker), "lane")}</span>
          </li>
        ))}
        {stuck > 0 && (
          <li>
            <i class="is-stuck" />messages and no owner <span class="quiet num">{stuck}</span>
          </li>
        )}
        {free.length > stuck && (
          <li>
            <i class="is-free" />no owner, empty <span class="quiet num">{free.length - stuck}</span>
          </li>
        )}
      </ul>
    </div>
  )
}
