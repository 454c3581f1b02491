/** One failure group: how many messages died of it, on which versions, and each of its dead letters. */
import { useSignal } from "@preact/signals"
import { show } from "../../ops/Fact.ts"
import type { FailureGroup } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { DiscardDialog } from "../decide/DiscardDialog.tsx"
import { RedriveDialog } from "../decide/RedriveDialog.tsx"
import { DeadLetterList } from "../failures/DeadLetterList.tsx"
import { meaningOf, Reason } from "../failures/Reason.tsx"
import { Versions } from "../failures/Versions.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Facts, Head } from "../parts/Head.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { place, to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { useKeys } from "../shell/Shortcuts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { GroupNote, NoteDialog } from "./GroupNote.tsx"
import { HistoryChart } from "./HistoryChart.tsx"

type Kind = "redrive" | "discard" | "note"

export const FailurePage = ({ consumer, fingerprint }: { readonly consumer: string; readonly fingerprint: string }) => {
  const facts = useResource(
    `failure ${consumer} ${fingerprint}`,
    (signal) => Api.failure(consumer, fingerprint, signal)
  )
  const dialog = useSignal<Kind | undefined>(undefined)
  const group = facts.state.value.value?.[0]
  const tag = group?.tag ?? fingerprint.split("@")[0] ?? fingerprint
  const off = offForViewers() ?? (group === undefined ? "No open dead letter has this failure." : undefined)
  const open = (what: Kind) => () => {
    if (off === undefined) dialog.value = what
  }
  useKeys({ r: open("redrive"), d: open("discard") })
  const close = () => (dialog.value = undefined)
  const filter = { consumer, failure: fingerprint }
  return (
    <>
      <Head
        title={<Shown text={tag} />}
        name={tag}
        crumbs={[["Failures", to.failures()]]}
        actions={
          <>
            <Btn icon="note" off={off} onClick={open("note")}>Note…</Btn>
            <Btn icon="trash" hint="d" off={off} onClick={open("discard")}>Discard…</Btn>
            <Btn icon="runs" kind="primary" hint="r" off={off} onClick={open("redrive")}>Redrive…</Btn>
          </>
        }
      >
        <span class="mono">
          <Shown text={fingerprint} />
        </span>
      </Head>
      <Loaded of={facts} rows={2}>
        {([group]) => group === undefined ? <Gone /> : <GroupFacts group={group} />}
      </Loaded>
      <HistoryChart consumer={consumer} fingerprint={fingerprint} />
      <section class="card">
        <DeadLetterList filter={filter} state={place.value.query["state"]} />
      </section>
      {dialog.value === "redrive" && <RedriveDialog filters={[filter]} name={tag} onClose={close} />}
      {dialog.value === "discard" && (
        <DiscardDialog
          filters={[filter]}
          name={tag}
          onClose={close}
          onDone={facts.refresh}
        />
      )}
      {dialog.value === "note" && group !== undefined && (
        <NoteDialog group={group} onClose={close} onDone={facts.refresh} />
      )}
    </>
  )
}

const Gone = () => (
  <section class="card">
    <Empty title="No dead letter of this failure is open">
      <p>They were redriven or discarded. The list below shows them by state.</p>
    </Empty>
  </section>
)

const GroupFacts = ({ group }: { readonly group: FailureGroup }) => (
  <section class="card card-body">
    <Facts
      facts={[
        ["Dead letters", <b class="num bad">{show(group.deadLetters)}</b>],
        [
          "Queue",
          <a href={to.queue(group.consumer)}>
            <Shown text={group.consumer} />
          </a>
        ],
        ["First", <When at={group.firstAt} />],
        ["Last", <When at={group.lastAt} />],
        ["Died on", <Versions diedOn={group.diedOn} runningNow={group.runningNow} />],
        [
          "Reason",
          <>
            <Reason of={group.reason} /> <span class="row-sub">{meaningOf(group.reason)}</span>
          </>
        ],
        ...(group.note === undefined ? [] : [["Note", <GroupNote note={group.note} />] as const]),
        ["Newest", <a href={to.deadLetter(group.sampleId)}>Open the newest</a>]
      ]}
    />
  </section>
)
