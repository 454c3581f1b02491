/** Redrives one dead letter as it is. */
import { useSignal } from "@preact/signals"
import type { DeadLetterItem } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { attempt } from "../decide/Deciding.ts"
import { NotedDialog } from "../dialogs/NotedDialog.tsx"
import { Shown } from "../text/ShownText.tsx"

export const RedriveOne = (
  { of: one, onClose, onDone }: {
    readonly of: Pick<DeadLetterItem, "id" | "etag" | "consumer" | "parked"> & {
      readonly message: Pick<DeadLetterItem["message"], "id" | "keyed">
    }
    readonly onClose: () => void
    readonly onDone: () => void
  }
) => {
  const note = useSignal("")
  const busy = useSignal(false)
  const submit = async () => {
    busy.value = true
    const done = await attempt(() => Api.redrive(one, { note: note.value.trim() }), "The message is back in its queue.")
    busy.value = false
    if (done) onClose()
    onDone()
  }
  return (
    <NotedDialog
      verb="Redrive"
      name={one.message.id}
      button={{ kind: "primary", icon: "runs", busy: busy.value, onClick: () => void submit(), children: "Redrive" }}
      note={note}
      label="Note"
      placeholder="INC-812 fixed"
      onClose={onClose}
    >
      <p>
        The message goes back into the queue of{" "}
        <b>
          <Shown text={one.consumer} />
        </b>{" "}
        with its id and key.
        {one.parked
          ? " It comes before the messages that wait behind it."
          : one.message.keyed && " Later messages of its key may be committed already."}
      </p>
      <p class="quiet">If it was committed meanwhile, the inbox knows it, and it has no effect again.</p>
    </NotedDialog>
  )
}
