/** Failure groups: what fails, on which versions, and which versions run now. A narrower search lists dead letters. */
import { useSignal } from "@preact/signals"
import { show } from "../../ops/Fact.ts"
import { now } from "../data/Clock.ts"
import type { FailureGroup } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { DiscardDialog } from "../decide/DiscardDialog.tsx"
import { RedriveDialog } from "../decide/RedriveDialog.tsx"
import { type Column, Grid } from "../lists/Grid.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Head } from "../parts/Head.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { place, refine, to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { useKeys } from "../shell/Shortcuts.ts"
import { counted } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { DeadLetterList } from "./DeadLetterList.tsx"
import { Reason } from "./Reason.tsx"
import * as Search from "./Search.ts"
import { SearchBox } from "./SearchBox.tsx"
import { Versions } from "./Versions.tsx"

/** The search of the address. Links of other pages may name a consumer alone. */
const asked = (): Search.Asked => {
  const { consumer, q = "" } = place.value.query
  const found = Search.parse(q, now.peek())
  return consumer === undefined ? found : { ...found, filter: { consumer, ...found.filter } }
}

const narrow = ["key", "message", "topic", "reason", "error", "until"] as const

export const FailuresPage = () => {
  const { filter, rest } = asked()
  const { view } = place.value.query
  const listed = view === "list" || narrow.some((name) => filter[name] !== undefined)
  return (
    <>
      <Head title="Failures" name="Failures">Open dead letters, grouped by cause.</Head>
      <div class="toolbar">
        <SearchBox rest={rest} />
        <Tabs
          label="How failures are shown"
          tabs={[["groups", "Groups"], ["list", "Dead letters"]]}
          value={listed ? "list" : "groups"}
          onChange={(value) =>
            refine({ view: value === "list" ? "list" : undefined, ...(value === "groups" && listed ? { q: "" } : {}) })}
        />
      </div>
      {listed
        ? (
          <section class="card">
            <DeadLetterList filter={filter} state={place.value.query["state"]} />
          </section>
        )
        : <Groups filter={filter} />}
    </>
  )
}

const idOf = ({ consumer, fingerprint }: FailureGroup): string => JSON.stringify([consumer, fingerprint])

const columns: ReadonlyArray<Column<FailureGroup>> = [
  {
    title: "Failure",
    phone: "title",
    wide: true,
    cell: ({ consumer, fingerprint, tag }) => (
      <>
        <a class="row-link" href={to.failure(consumer, fingerprint)}>
          <Shown text={tag} />
        </a>
        <span class="row-sub mono">
          <Shown text={whereOf(fingerprint, tag)} />
        </span>
      </>
    )
  },
  { title: "Dead letters", numeric: true, phone: "end", cell: ({ deadLetters }) => <b>{show(deadLetters)}</b> },
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
export const whereOf = (fingerprint: string, tag: string): string =>
  fingerprint.startsWith(`${tag}@`) ? fingerprint.slice(tag.length + 1) : fingerprint

const Groups = ({ filter }: { readonly filter: Api.Filter }) => {
  const { consumer, since } = filter
  const minute = since?.slice(0, 16)
  const groups = useResource(`failures ${consumer} ${minute}`, (signal) => Api.failures({ consumer, since }, signal))
  const chosen = useSignal<ReadonlySet<string>>(new Set())
  const dialog = useSignal<"redrive" | "discard" | undefined>(undefined)
  const shown = groups.state.value.value ?? []
  const selected = shown.filter((group) => chosen.value.has(idOf(group)))
  const only = selected.length === 1 ? selected[0] : undefined
  const off = offForViewers() ??
    (only === undefined ? "Select one failure. A run redrives one group, so that it can stop itself." : undefined)
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
      {only !== undefined && dialog.value === "redrive" && (
        <RedriveDialog
          filter={{ consumer: only.consumer, failure: only.fingerprint }}
          name={only.tag}
          onClose={() => (dialog.value = undefined)}
        />
      )}
      {only !== undefined && dialog.value === "discard" && (
        <DiscardDialog
          filter={{ consumer: only.consumer, failure: only.fingerprint }}
          name={only.tag}
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
