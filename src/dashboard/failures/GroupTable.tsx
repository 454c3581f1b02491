/** The table of failure groups, and what an operator decides about some of them at once. */
import { useSignal } from "@preact/signals"
import { show } from "../../ops/Fact.ts"
import { Spark } from "../charts/Spark.tsx"
import type { FailureGroup } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { DiscardDialog } from "../decide/DiscardDialog.tsx"
import { RedriveDialog } from "../decide/RedriveDialog.tsx"
import { filtersOf } from "../decide/SetPreview.ts"
import { type Column, Grid } from "../lists/Grid.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { useKeys } from "../shell/Shortcuts.ts"
import { counted } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { Reason } from "./Reason.tsx"
import { Versions } from "./Versions.tsx"

const idOf = ({ consumer, fingerprint }: FailureGroup): string => JSON.stringify([consumer, fingerprint])

const columns: ReadonlyArray<Column<FailureGroup>> = [
  {
    title: "Failure",
    phone: "title",
    wide: true,
    cell: ({ consumer, fingerprint, note, tag }) => (
      <>
        <a class="row-link" href={to.failure(consumer, fingerprint)}>
          <Shown text={tag} />
        </a>
        <span class="row-sub mono">
          <Shown text={whereOf(fingerprint, tag)} />
        </span>
        {note !== undefined && (
          <span class="row-sub">
            <Shown text={`${note.text} (${note.by})`} />
          </span>
        )}
      </>
    )
  },
  { title: "Dead letters", numeric: true, phone: "end", cell: ({ deadLetters }) => <b>{show(deadLetters)}</b> },
  { title: "Last 3 h", phone: "hide", cell: ({ recent }) => <Spark values={recent} tone="bad" /> },
  {
    title: "Queue",
    cell: ({ consumer }) => (
      <a href={to.queue(consumer)}>
        <Shown text={consumer} />
      </a>
    )
  },
  { title: "First", numeric: true, phone: "hide", cell: ({ firstAt }) => <When at={firstAt} /> },
  { title: "Last", numeric: true, cell: ({ lastAt }) => <When at={lastAt} /> },
  {
    title: "Died on",
    phone: "hide",
    cell: ({ diedOn, runningNow }) => <Versions diedOn={diedOn} runningNow={runningNow} />
  },
  { title: "Reason", phone: "hide", cell: ({ reason }) => <Reason of={reason} /> }
]

/** Returns the place of a failure: what its fingerprint has beside the tag. */
const whereOf = (fingerprint: string, tag: string): string =>
  fingerprint.startsWith(`${tag}@`) ? fingerprint.slice(tag.length + 1) : fingerprint

export const GroupTable = ({ filter }: { readonly filter: Api.Filter }) => {
  const { consumer, since } = filter
  const minute = since?.slice(0, 16)
  const groups = useResource(`failures ${consumer} ${minute}`, (signal) => Api.failures({ consumer, since }, signal))
  const chosen = useSignal<ReadonlySet<string>>(new Set())
  const dialog = useSignal<"redrive" | "discard" | undefined>(undefined)
  const shown = groups.state.value.value ?? []
  const selected = shown.filter((group) => chosen.value.has(idOf(group)))
  const off = offForViewers() ?? (selected.length === 0 ? "Select a failure." : undefined)
  const name = selected.length === 1 ? selected[0]!.tag : `${selected.length} failures`
  const toggle = (id: string) => {
    const next = new Set(chosen.value)
    if (!next.delete(id)) next.add(id)
    chosen.value = next
  }
  useKeys({
    r: () => off === undefined && (dialog.value = "redrive"),
    d: () => off === undefined && (dialog.value = "discard")
  })
  return (
    <section class="card">
      <Loaded of={groups}>
        {(groups) =>
          groups.length === 0 ? <NoFailure consumer={consumer} filtered={since !== undefined} /> : (
            <Grid
              caption="Failures"
              columns={columns}
              rows={groups}
              idOf={idOf}
              select={{ chosen: chosen.value, onToggle: toggle, nameOf: ({ tag }) => tag }}
            />
          )}
      </Loaded>
      {selected.length > 0 && (
        <div class="action-bar" role="region" aria-label="Selected failures">
          <span>{counted(selected.length, "failure")} selected</span>
          <Btn kind="primary" icon="runs" hint="r" off={off} onClick={() => (dialog.value = "redrive")}>Redrive…</Btn>
          <Btn icon="trash" hint="d" off={off} onClick={() => (dialog.value = "discard")}>Discard…</Btn>
          <Btn kind="ghost" onClick={() => (chosen.value = new Set())}>Clear</Btn>
        </div>
      )}
      {selected.length > 0 && dialog.value === "redrive" && (
        <RedriveDialog filters={filtersOf(selected)} name={name} onClose={() => (dialog.value = undefined)} />
      )}
      {selected.length > 0 && dialog.value === "discard" && (
        <DiscardDialog
          filters={filtersOf(selected)}
          name={name}
          onClose={() => (dialog.value = undefined)}
          onDone={groups.refresh}
        />
      )}
    </section>
  )
}

const NoFailure = ({ consumer, filtered }: { readonly consumer: string | undefined; readonly filtered: boolean }) => (
  <Empty title={filtered || consumer !== undefined ? "No failure matches" : "No message is dead"}>
    <p>
      A message becomes a dead letter when its retries end, its error rules out another attempt, it does not decode, or
      it crashes its process. It is kept here with its attempts until an operator redrives or discards it.
    </p>
    {(filtered || consumer !== undefined) && <a class="btn" href={to.failures()}>Show all failures</a>}
  </Empty>
)
