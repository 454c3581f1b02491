/** Dead letters by pages, newest first. Rows keep their place while others arrive. */
import { useEffect } from "preact/hooks"
import { show } from "../../ops/Fact.ts"
import type { DeadLetterItem } from "../data/Facts.ts"
import { useList } from "../data/Pages.ts"
import * as Api from "../data/Requests.ts"
import type { Column } from "../lists/Grid.tsx"
import { ListView } from "../lists/ListView.tsx"
import { Badge } from "../parts/Badge.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Empty } from "../parts/States.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { refine, to } from "../place/Address.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { leave } from "./Trail.ts"

/** Shows an id without the zeros that only sort it. */
export const shortId = (id: string): string => id.replace(/^0+(?=\d)/, "")

export const StateBadge = ({ of }: { readonly of: DeadLetterItem["state"] }) => (
  <Badge tone={of === "open" ? "bad" : of === "redriving" ? "info" : of === "resolved" ? "ok" : "plain"}>{of}</Badge>
)

const columns: ReadonlyArray<Column<DeadLetterItem>> = [
  {
    title: "Dead letter",
    phone: "title",
    wide: true,
    cell: ({ error, id, message, tag }) => (
      <>
        <a class="row-link" href={to.deadLetter(id)}>
          <Shown text={message.id} />
        </a>
        <span class="row-sub one-line">
          <Shown text={tag} />
          {error !== "" && (
            <>
              : <Shown text={error} />
            </>
          )}
        </span>
      </>
    )
  },
  { title: "State", phone: "end", cell: ({ state }) => <StateBadge of={state} /> },
  {
    title: "Key",
    cell: ({ consumer, message }) =>
      message.keyed
        ? (
          <a href={to.key(consumer, message.key)}>
            <Shown text={message.key} />
          </a>
        )
        : <span class="quiet">no key</span>
  },
  { title: "Attempts", numeric: true, phone: "hide", cell: ({ attempts }) => attempts },
  {
    title: "Redriven",
    numeric: true,
    phone: "hide",
    cell: ({ redriven }) => redriven === 0 ? <span class="quiet">0</span> : redriven
  },
  { title: "Died", numeric: true, cell: ({ diedAt }) => <When at={diedAt} /> }
]

/** Downloads all dead letters that match, as the command line exports them. */
const ExportLink = ({ filter }: { readonly filter: Api.Filter & { readonly state: string | undefined } }) => (
  <a class="btn is-ghost is-small" href={Api.exportAddress(filter)} download="dead-letters.ndjson">
    <Icon name="down" />
    <span>Export</span>
  </a>
)

export const DeadLetterList = (
  { filter, state }: { readonly filter: Api.Filter; readonly state?: string | undefined }
) => {
  const list = useList<DeadLetterItem>(
    `dead letters ${JSON.stringify(filter).replace(/:\d\d\.\d{3}Z/g, "")} ${state}`,
    (cursor, signal) => Api.deadLetters({ ...filter, state, cursor, limit: 50 }, signal),
    ({ id }) => id
  )
  useEffect(() => leave(list), [list.rows])
  return (
    <>
      <div class="card-head">
        <h2>Dead letters</h2>
        {list.count.value !== undefined && <span class="quiet small num">{show(list.count.value)}</span>}
        <span class="grow" />
        <ExportLink filter={{ ...filter, state }} />
        <Tabs
          label="State of dead letters"
          tabs={[["", "Open"], ["redriving", "Redriving"], ["resolved", "Resolved"], ["discarded", "Discarded"]]}
          value={state ?? ""}
          onChange={(value) => refine({ state: value })}
        />
      </div>
      <ListView
        list={list}
        caption="Dead letters"
        columns={columns}
        idOf={({ id }) => id}
        muted={(row) => row.state !== (state ?? "open")}
        empty={
          <Empty title="No dead letter matches">
            <p>Widen the search, or look at another state.</p>
          </Empty>
        }
      />
    </>
  )
}
