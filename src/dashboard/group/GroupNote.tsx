/** The note of a failure group: what operators know about it, who wrote it, and when. */
import { useSignal } from "@preact/signals"
import type { FailureGroup } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { attempt } from "../decide/Deciding.ts"
import { NotedDialog } from "../dialogs/NotedDialog.tsx"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

export const GroupNote = ({ note }: { readonly note: NonNullable<FailureGroup["note"]> }) => (
  <>
    <Shown text={note.text} />
    <span class="row-sub">
      <Shown text={note.by} />, <When at={note.at} />
    </span>
  </>
)

export const NoteDialog = (
  { group, onClose, onDone }: {
    readonly group: FailureGroup
    readonly onClose: () => void
    readonly onDone: () => void
  }
) => {
  const note = useSignal(group.note?.text ?? "")
  const busy = useSignal(false)
  const save = async () => {
    busy.value = true
    const text = note.value.trim()
    const saved = await attempt(
      () => Api.note(group.consumer, group.fingerprint, text),
      text === "" ? "The note is removed." : "The note is saved."
    )
    busy.value = false
    if (saved) onClose()
    onDone()
  }
  return (
    <NotedDialog
      verb="Note about"
      name={group.tag}
      label="Note"
      button={{ kind: "primary", icon: "note", busy: busy.value, onClick: () => void save(), children: "Save" }}
      note={note}
      placeholder="bank is down, INC-812"
      onClose={onClose}
    >
      <p>Other operators see the note at this failure, on the page and in the command line. An empty one removes it.</p>
    </NotedDialog>
  )
}
