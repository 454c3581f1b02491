/** Discards one dead letter or a frozen set. A discard can be undone for 7 days, and the dialog says so. */
import { type Signal, useSignal } from "@preact/signals"
import type { Preview } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { NotedDialog } from "../dialogs/NotedDialog.tsx"
import { LoadedModal } from "../parts/States.tsx"
import { notify } from "../shell/Toasts.tsx"
import { counted } from "../text/Amounts.ts"
import { attempt, explain } from "./Deciding.ts"
import { SetFacts } from "./RedriveDialog.tsx"
import * as SetPreview from "./SetPreview.ts"

interface DiscardProps {
  readonly name: string
  readonly onClose: () => void
  readonly onDone: () => void
}

export const DiscardDialog = (
  { filters, ...props }: DiscardProps & { readonly filters: ReadonlyArray<Api.SetFilter> }
) => {
  const opened = useSignal(Date.now())
  const previews = useResource(
    `preview ${JSON.stringify(filters)} ${opened.value}`,
    () => SetPreview.load(filters),
    "once"
  )
  return (
    <LoadedModal of={previews} title={`Discard ${props.name}`} onClose={props.onClose}>
      {(previews) => <DiscardSet {...props} previews={previews} />}
    </LoadedModal>
  )
}

const DiscardSet = (
  { name, onClose, onDone, previews }: DiscardProps & { readonly previews: ReadonlyArray<Preview> }
) => {
  const preview = SetPreview.covering(previews)
  const note = useSignal("")
  const done = useSignal<number | undefined>(undefined)
  const discard = async () => {
    done.value = 0
    try {
      for (const one of previews) {
        for (let more = true; more;) {
          const part = await Api.discardSet(one.preview, note.value.trim())
          done.value += part.discarded
          more = part.more
        }
      }
      notify(`${counted(done.value, "dead letter")} discarded. They can be restored for 7 days.`)
      onClose()
    } catch (error) {
      notify(`${counted(done.value, "dead letter")} discarded, then it stopped. ${explain(error)}`, { bad: true })
      done.value = undefined
    }
    onDone()
  }
  return (
    <Frame
      name={name}
      note={note}
      onClose={onClose}
      busy={done.value !== undefined}
      text={done.value === undefined
        ? `Discard ${counted(preview.deadLetters.value, "dead letter")}`
        : `${done.value} discarded`}
      off={preview.deadLetters.value === 0 ? "The set is empty." : undefined}
      discard={discard}
    >
      <SetFacts preview={preview} />
    </Frame>
  )
}

/** Discards one dead letter, with the way back in the notice. */
export const DiscardOne = ({ name, onClose, onDone, seen }: DiscardProps & { readonly seen: Api.Seen }) => {
  const note = useSignal("")
  const busy = useSignal(false)
  const discard = async () => {
    busy.value = true
    let after: Api.Seen | undefined
    const done = await attempt(
      async () => {
        after = await Api.discard(seen, note.value.trim())
      },
      "The dead letter is discarded. It can be restored for 7 days.",
      () => void attempt(() => Api.restore(after!), "The dead letter is open again.").then(onDone)
    )
    busy.value = false
    if (done) onClose()
    onDone()
  }
  return (
    <Frame name={name} note={note} onClose={onClose} busy={busy.value} text="Discard" discard={discard}>{null}</Frame>
  )
}

const Frame = (
  { busy, children, discard, name, note, off, onClose, text }: {
    readonly name: string
    readonly note: Signal<string>
    readonly onClose: () => void
    readonly busy: boolean
    readonly text: string
    readonly off?: string | undefined
    readonly discard: () => Promise<void>
    readonly children: preact.ComponentChildren
  }
) => (
  <NotedDialog
    verb="Discard"
    name={name}
    button={{ kind: "danger", icon: "trash", busy, off, onClick: () => void discard(), children: text }}
    note={note}
    placeholder="duplicates of an old import"
    onClose={onClose}
  >
    {children}
    <p>
      The messages are not processed. Messages that wait behind them continue in order. A dead letter can be restored
      while the store keeps it, which is 7 days by default.
    </p>
  </NotedDialog>
)
