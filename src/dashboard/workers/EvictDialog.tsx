/** Ends the leases of a worker that hangs, after it was asked once more. */
import { useSignal } from "@preact/signals"
import type { Worker } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { explain } from "../decide/Deciding.ts"
import { NotedDialog } from "../dialogs/NotedDialog.tsx"
import { notify } from "../shell/Toasts.tsx"
import { counted } from "../text/Amounts.ts"

export const EvictDialog = (
  { onClose, onDone, worker: { consumer, worker } }: {
    readonly worker: Worker
    readonly onClose: () => void
    readonly onDone: () => void
  }
) => {
  const note = useSignal("")
  const busy = useSignal(false)
  const submit = async () => {
    busy.value = true
    try {
      const { busy: kept, lanes } = await Api.evict(consumer, worker, note.value.trim())
      notify(
        `The worker lost ${counted(lanes, "lane")}.${
          kept > 0 ? ` It keeps ${kept} with an open transaction. Evict it again.` : ""
        }`
      )
      onClose()
    } catch (error) {
      notify(explain(error), { bad: true })
    }
    busy.value = false
    onDone()
  }
  return (
    <NotedDialog
      verb="Evict"
      name={worker}
      button={{ kind: "danger", icon: "evict", busy: busy.value, onClick: () => void submit(), children: "Evict" }}
      note={note}
      placeholder="its process hangs"
      onClose={onClose}
    >
      <p>
        Its leases end now, and other workers take its lanes over. It commits nothing more under them. Its messages in
        flight count as after a crash.
      </p>
      <ul class="warnings">
        <li>Stop the process of the worker first. One that still runs claims free lanes again.</li>
      </ul>
    </NotedDialog>
  )
}
