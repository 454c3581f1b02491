/** Held keys: parked behind a dead letter, delayed until a retry, or paused by an operator. */
import { show } from "../../ops/Fact.ts"
import type { StuckKey } from "../data/Facts.ts"
import { useList } from "../data/Pages.ts"
import * as Api from "../data/Requests.ts"
import type { Column } from "../lists/Grid.tsx"
import { ListView } from "../lists/ListView.tsx"
import { Badge } from "../parts/Badge.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Head } from "../parts/Head.tsx"
import { Empty } from "../parts/States.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { place, refine, to } from "../place/Address.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

/** Shows the holds of a key. It may have several. */
export const Holds = (
  { of: { parked, paused, retryAt } }: { readonly of: Pick<StuckKey, "parked" | "paused" | "retryAt"> }
) => (
  <span class="chips">
    {parked && <Badge tone="bad">parked</Badge>}
    {paused !== undefined && <Badge tone="warn">paused</Badge>}
    {retryAt !== undefined && <Badge tone="plain">delayed</Badge>}
  </span>
)

const columns: ReadonlyArray<Column<StuckKey>> = [
  {
    title: "Key",
    phone: "title",
    wide: true,
    cell: ({ consumer, key, lastFailure }) => (
      <>
        <a class="row-link" href={to.key(consumer, key)}>
          <Shown text={key} />
        </a>
        {lastFailure !== undefined && (
          <span class="row-sub one-line">
            <Shown text={lastFailure.tag} />: <Shown text={lastFailure.message.split("\n")[0] ?? ""} empty="" />
          </span>
        )}
      </>
    )
  },
  { title: "Hold", phone: "end", cell: (row) => <Holds of={row} /> },
  {
    title: "Queue",
    cell: ({ consumer }) => (
      <a href={to.queue(consumer)}>
        <Shown text={consumer} />
      </a>
    )
  },
  { title: "Waiting", numeric: true, cell: ({ behind }) => show(behind) },
  { title: "Oldest", numeric: true, cell: ({ oldestAt }) => <When at={oldestAt} /> },
  {
    title: "Since or until",
    numeric: true,
    phone: "hide",
    cell: ({ deadLetter, paused, retryAt }) =>
      retryAt !== undefined && deadLetter === undefined
        ? (
          <>
            retry at <When at={retryAt} exact />
          </>
        )
        : <When at={deadLetter?.diedAt ?? paused?.at} />
  }
]

export const KeysPage = () => {
  const { consumer, hold } = place.value.query
  const list = useList<StuckKey>(
    `keys ${consumer} ${hold}`,
    (cursor, signal) => Api.keys({ consumer, hold, cursor }, signal),
    ({ consumer, key }) => JSON.stringify([consumer, key])
  )
  return (
    <>
      <Head title="Keys" name="Keys">A held key waits with its messages in order. Other keys continue.</Head>
      <div class="toolbar">
        <Tabs
          label="Hold of the keys"
          tabs={[["", "All held"], ["parked", "Parked"], ["delayed", "Delayed"], ["paused", "Paused"]]}
          value={hold ?? ""}
          onChange={(value) => refine({ hold: value })}
        />
        {consumer !== undefined && (
          <span class="chip">
            consumer{" "}
            <b>
              <Shown text={consumer} />
            </b>
            <Btn
              kind="ghost"
              small
              icon="close"
              label="Show all consumers"
              onClick={() => refine({ consumer: undefined })}
            />
          </span>
        )}
      </div>
      <section class="card">
        <ListView
          list={list}
          caption="Held keys"
          columns={columns}
          idOf={({ consumer, key }) => JSON.stringify([consumer, key])}
          empty={
            <Empty title={hold === undefined && consumer === undefined ? "No key is held" : "No key matches"}>
              <p>
                A key is parked when a message of it becomes a dead letter and its pipeline keeps the order. It is
                delayed while a retry is not due, and paused when an operator pauses it.
              </p>
            </Empty>
          }
        />
      </section>
    </>
  )
}
