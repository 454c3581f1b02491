/** Every operator action, newest first. */
import type { Entry } from "../data/Facts.ts"
import { useList } from "../data/Pages.ts"
import * as Api from "../data/Requests.ts"
import { shortId } from "../failures/DeadLetterList.tsx"
import type { Column } from "../lists/Grid.tsx"
import { ListView } from "../lists/ListView.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Head } from "../parts/Head.tsx"
import { Empty } from "../parts/States.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { place, refine, refined, to } from "../place/Address.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

/** The kinds of action in words. */
const words: Partial<Readonly<Record<Entry["action"], string>>> = {
  deadLettered: "dead-lettered",
  rateChanged: "changed the rate",
  awaited: "waits for an operator",
  stopped: "stopped itself",
  finished: "finished"
}

const Target = ({ of: { consumer, deadLetterId, key, redriveRunId, topic } }: { readonly of: Entry }) => {
  if (deadLetterId !== "") return <a href={to.deadLetter(deadLetterId)}>dead letter {shortId(deadLetterId)}</a>
  if (redriveRunId !== "") return <a href={refined({ run: redriveRunId })}>run {shortId(redriveRunId)}</a>
  if (key !== "") {
    return (
      <>
        key{" "}
        <a href={to.key(consumer, key)}>
          <Shown text={key} />
        </a>
      </>
    )
  }
  return topic === "" ? <span class="quiet">the consumer</span> : (
    <>
      topic <Shown text={topic} />
    </>
  )
}

const columns: ReadonlyArray<Column<Entry>> = [
  { title: "Time", numeric: false, phone: "end", cell: ({ at }) => <When at={at} exact /> },
  {
    title: "Operator",
    phone: "fact",
    cell: ({ by }) =>
      by === "" ? <span class="quiet">the run itself</span> : (
        <a href={refined({ by })}>
          <Shown text={by} />
        </a>
      )
  },
  {
    title: "Action",
    phone: "title",
    cell: ({ action }) => <a href={refined({ action })}>{words[action] ?? action}</a>
  },
  { title: "Target", cell: (row) => <Target of={row} /> },
  {
    title: "Queue",
    cell: ({ consumer }) =>
      consumer === "" ? "–" : (
        <a href={refined({ consumer })}>
          <Shown text={consumer} />
        </a>
      )
  },
  {
    title: "Note",
    wide: true,
    cell: ({ detail, note }) => (
      <>
        <Shown text={note} empty={detail === "" ? "–" : ""} />
        {detail !== "" && (
          <span class="row-sub">
            <Shown text={detail} />
          </span>
        )}
      </>
    )
  }
]

export const AuditPage = () => {
  const { about, action, by, consumer } = place.value.query
  const list = useList<Entry>(
    `audit ${JSON.stringify([about, action, by, consumer])}`,
    (cursor, signal) => Api.audit({ about, action, by, consumer, cursor }, signal),
    ({ id }) => id
  )
  return (
    <>
      <Head title="Audit" name="Audit">
        Every decision of an operator, with its time and reason. Entries are kept for 30 days by default.
      </Head>
      <div class="toolbar">
        <Tabs
          label="Subject of the entries"
          tabs={[["", "All"], ["deadLetters", "Dead letters"], ["consumers", "Consumers"], ["redriveRuns", "Runs"]]}
          value={about ?? ""}
          onChange={(value) => refine({ about: value })}
        />
        {[["by", by], ["action", action], ["consumer", consumer]].map(([name, value]) =>
          value === undefined ? null : (
            <span class="chip" key={name}>
              {name}{" "}
              <b>
                <Shown text={value} />
              </b>
              <Btn
                kind="ghost"
                small
                icon="close"
                label={`Remove the filter ${name}`}
                onClick={() => refine({ [name!]: undefined })}
              />
            </span>
          )
        )}
      </div>
      <section class="card">
        <ListView
          list={list}
          caption="Audit"
          columns={columns}
          idOf={({ id }) => id}
          empty={
            <Empty icon="audit" title="No entry matches">
              <p>
                An entry is written in the transaction of each operator action, here, on the command line, and in
                programs.
              </p>
            </Empty>
          }
        />
      </section>
    </>
  )
}
