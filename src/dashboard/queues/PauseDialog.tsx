/** Asks why a consumer is paused, and how long. */
import { useSignal } from "@preact/signals"
import * as Api from "../data/Requests.ts"
import { attempt } from "../decide/Deciding.ts"
import { Choice, Field } from "../dialogs/Field.tsx"
import { Modal } from "../dialogs/Modal.tsx"
import { Btn } from "../parts/Btn.tsx"
import { flat } from "../text/Pieces.ts"
import { Shown } from "../text/ShownText.tsx"

/** Seconds, and what they are called. A pause without end is a choice of its own, so that none is forgotten. */
const spans: ReadonlyArray<readonly [seconds: string, text: string]> = [
  ["900", "15 minutes"],
  ["3600", "1 hour"],
  ["14400", "4 hours"],
  ["86400", "1 day"],
  ["", "until an operator resumes it"]
]

export const PauseDialog = (
  { consumer, onClose, onDone }: {
    readonly consumer: string
    readonly onClose: () => void
    readonly onDone: () => void
  }
) => {
  const note = useSignal("")
  const span = useSignal("3600")
  const busy = useSignal(false)
  const submit = async () => {
    busy.value = true
    const done = await attempt(
      () => Api.pause(consumer, note.value.trim(), span.value === "" ? undefined : Number(span.value)),
      `${flat(consumer)} is paused.`
    )
    busy.value = false
    if (done) {
      onDone()
      onClose()
    }
  }
  return (
    <Modal
      title={
        <>
          Pause <Shown text={consumer} />
        </>
      }
      onClose={onClose}
      actions={
        <>
          <Btn onClick={onClose}>Cancel</Btn>
          <Btn kind="primary" icon="pause" busy={busy.value} onClick={() => void submit()}>Pause</Btn>
        </>
      }
    >
      <p>
        Its workers take no more messages, also across restarts. Running attempts finish, publishing continues, and
        messages wait in order.
      </p>
      <Field
        label="Reason"
        value={note.value}
        onInput={(value) => (note.value = value)}
        placeholder="bank is down, INC-812"
        hint="Each page shows the reason while the consumer is paused."
        autofocus
      />
      <Choice label="How long" value={span.value} options={spans} onChange={(value) => (span.value = value)} />
    </Modal>
  )
}
