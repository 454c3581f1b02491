/** One dead letter: why it died, attempt by attempt, its payload, and what an operator can decide. */
import { useSignal } from "@preact/signals"
import type { DeadLetter } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { type Resource, useResource } from "../data/Resource.ts"
import { attempt } from "../decide/Deciding.ts"
import { DiscardOne } from "../decide/DiscardDialog.tsx"
import { shortId, StateBadge } from "../failures/DeadLetterList.tsx"
import { Reason } from "../failures/Reason.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Facts, Head } from "../parts/Head.tsx"
import { Loaded } from "../parts/States.tsx"
import { to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { useKeys } from "../shell/Shortcuts.ts"
import { CopyButton } from "../text/Copy.tsx"
import { LinkedTrace } from "../text/LinkedTrace.tsx"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { Attempts } from "./Attempts.tsx"
import { EditDialog } from "./EditDialog.tsx"
import { Neighbours } from "./Neighbours.tsx"
import { Headers, Payload } from "./PayloadCard.tsx"
import { RedriveOne } from "./RedriveOne.tsx"

type Kind = "redrive" | "discard" | "edit"

/** A dialog keeps the dead letter as the operator saw it, so that a decision of another operator is noticed. */
interface Dialog {
  readonly kind: Kind
  readonly of: DeadLetter
}

export const DeadLetterPage = ({ id }: { readonly id: string }) => {
  const facts = useResource(`dead letter ${id}`, (signal) => Api.deadLetter(id, signal))
  const dialog = useSignal<Dialog | undefined>(undefined)
  const one = facts.state.value.value
  const off = offForViewers() ??
    (one === undefined ? "It is not read yet." : one.state === "open" ? undefined : `It is ${one.state}.`)
  const open = (kind: Kind) => () => {
    if (off === undefined && one !== undefined) dialog.value = { kind, of: one }
  }
  useKeys({ r: open("redrive"), e: open("edit"), d: open("discard") })
  return (
    <>
      <Head
        title={one === undefined ? `Dead letter ${shortId(id)}` : <Shown text={one.message.id} />}
        name={`Dead letter ${shortId(id)}`}
        crumbs={[
          ["Failures", to.failures()],
          ...(one === undefined ? [] : [[one.tag, to.failure(one.consumer, one.fingerprint)] as const])
        ]}
        actions={<Actions facts={facts} off={off} open={open} />}
      >
        {one !== undefined && (
          <>
            <StateBadge of={one.state} />
            <span>Dead letter {shortId(id)}</span>
            <Neighbours of={one} />
          </>
        )}
      </Head>
      <Loaded of={facts} rows={8}>
        {(one) => (
          <>
            <DeadLetterFacts of={one} />
            <div class="two-thirds">
              <div class="stack">
                <Attempts attempts={one.attempts} />
              </div>
              <div class="stack">
                <Payload of={one} ask={() => Api.payload(one.id)} download={Api.payloadAddress(one.id)} />
                <Headers headers={one.message.headers} />
              </div>
            </div>
          </>
        )}
      </Loaded>
      <Dialogs dialog={dialog} refresh={facts.refresh} />
    </>
  )
}

const Dialogs = (
  { dialog, refresh }: { readonly dialog: { value: Dialog | undefined }; readonly refresh: () => void }
) => {
  if (dialog.value === undefined) return null
  const close = () => (dialog.value = undefined)
  const { kind, of } = dialog.value
  switch (kind) {
    case "redrive":
      return <RedriveOne of={of} onClose={close} onDone={refresh} />
    case "discard":
      return <DiscardOne seen={of} name={of.message.id} onClose={close} onDone={refresh} />
    case "edit":
      return <EditDialog of={of} onClose={close} onDone={refresh} />
  }
}

const Actions = (
  { facts, off, open }: {
    readonly facts: Resource<DeadLetter>
    readonly off: string | undefined
    readonly open: (kind: Kind) => () => void
  }
) => {
  const one = facts.state.value.value
  if (one?.state === "discarded") {
    return (
      <Btn
        icon="undo"
        off={offForViewers()}
        onClick={() => void attempt(() => Api.restore(one), "The dead letter is open again.").then(facts.refresh)}
      >
        Restore
      </Btn>
    )
  }
  return (
    <>
      <CopyButton text={location.href} label="Copy the link to this page">Link</CopyButton>
      {one?.parked === true && one.state === "open" && (
        <Btn
          icon="skip"
          off={off}
          onClick={() =>
            void attempt(() => Api.release(one), "The messages behind it continue. The dead letter stays open.").then(
              facts.refresh
            )}
        >
          Release key
        </Btn>
      )}
      <Btn icon="trash" hint="d" off={off} onClick={open("discard")}>Discard…</Btn>
      <Btn icon="edit" hint="e" off={off} onClick={open("edit")}>Edit…</Btn>
      <Btn icon="runs" kind="primary" hint="r" off={off} onClick={open("redrive")}>Redrive…</Btn>
    </>
  )
}

const DeadLetterFacts = ({ of: one }: { readonly of: DeadLetter }) => (
  <section class="card card-body">
    <Facts
      facts={[
        [
          "Queue",
          <a href={to.queue(one.consumer)}>
            <Shown text={one.consumer} />
          </a>
        ],
        ["Topic", <Shown text={one.message.topic} />],
        [
          "Key",
          one.message.keyed
            ? (
              <>
                <a href={to.key(one.consumer, one.message.key)}>
                  <Shown text={one.message.key} />
                </a>
                {one.parked && <span class="row-sub warn">parked behind it</span>}
              </>
            )
            : <span class="quiet">no key</span>
        ],
        ["Died", <When at={one.diedAt} />],
        ["Published", <When at={one.message.publishedAt} />],
        ["Reason", <Reason of={one.reason} />],
        ["Redriven", <span class="num">{one.redriven === 0 ? "never" : `${one.redriven}×`}</span>],
        ...(one.trace === undefined ? [] : [["Trace", <LinkedTrace of={one.trace} />] as const]),
        ...(one.changedBy === "" ? [] : [
          [
            "Last decision",
            <>
              <Shown text={one.changedBy} />, <When at={one.changedAt} />
            </>
          ] as const
        ])
      ]}
    />
  </section>
)
