/**
 * Edits the payload of a dead letter and redrives it. The server checks each edit by the topic's Schema, where a worker
 * has registered it, and shows what changes. Id, key and place of the message stay.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { lines } from "../../ops/EditPreview.ts"
import type { DeadLetter, EditCheck } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { attempt, explain } from "../decide/Deciding.ts"
import { Field } from "../dialogs/Field.tsx"
import { Modal } from "../dialogs/Modal.tsx"
import { Badge } from "../parts/Badge.tsx"
import { Btn } from "../parts/Btn.tsx"
import { LoadedModal } from "../parts/States.tsx"
import { DiffView } from "../payload/DiffView.tsx"
import { counted } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { Editor } from "./Editor.tsx"
import { lineOf } from "./IssueLine.ts"

interface EditProps {
  readonly of: DeadLetter
  readonly onClose: () => void
  readonly onDone: () => void
}

export const EditDialog = (props: EditProps) => {
  const { id, message } = props.of
  // A payload that is shown on request only is read here, since the operator asks to edit it.
  const text = useResource(
    `payload ${id} ${props.of.etag}`,
    async (signal) => message.payload ?? Api.payload(id, signal),
    "once"
  )
  return (
    <LoadedModal of={text} title={`Edit ${message.id}`} onClose={props.onClose}>
      {(text) => <Edit {...props} before={lines(text).trimEnd()} />}
    </LoadedModal>
  )
}

/** How long the operator must pause before the server checks the edit, in milliseconds. */
const pauseMillis = 350

const Edit = ({ before, of: one, onClose, onDone }: EditProps & { readonly before: string }) => {
  const text = useSignal(before)
  const note = useSignal("")
  const busy = useSignal(false)
  const check = useSignal<EditCheck | undefined>(undefined)
  const failure = useSignal<string | undefined>(undefined)
  const focusLine = useSignal<number | undefined>(undefined)
  useEffect(() => {
    let current = true
    check.value = undefined
    const timer = setTimeout(() => {
      Api.check(one.id, text.value).then((found) => {
        if (!current) return
        check.value = found
        failure.value = undefined
      }, (error: unknown) => {
        if (current) failure.value = explain(error)
      })
    }, pauseMillis)
    return () => {
      current = false
      clearTimeout(timer)
    }
  }, [text.value])
  const submit = async () => {
    busy.value = true
    const done = await attempt(
      () => Api.redrive(one, { payload: text.value, note: note.value.trim() }),
      "The edited message is back in its queue."
    )
    busy.value = false
    if (done) onClose()
    onDone()
  }
  const off = failure.value ?? offFor(check.value)
  return (
    <Modal
      wide
      title={
        <>
          Edit <Shown text={one.message.id} />
        </>
      }
      onClose={onClose}
      actions={
        <>
          <span class="edit-note">
            <Field
              label="Note"
              value={note.value}
              onInput={(value) => (note.value = value)}
              placeholder="cents as a number"
            />
          </span>
          <span class="grow" />
          <Btn onClick={onClose}>Cancel</Btn>
          <Btn kind="primary" icon="runs" busy={busy.value} off={off} onClick={() => void submit()}>Redrive edited</Btn>
        </>
      }
    >
      <div class="edit">
        <section class="stack">
          <h3>Payload</h3>
          <Editor text={text} line={focusLine} issues={check.value?.issues.length ?? 0} />
          {one.hidden.length > 0 && (
            <p class="hint">
              The server hides{" "}
              {counted(one.hidden.length, "value")}. A hidden value stays as it is while its placeholder stays in its
              place.
            </p>
          )}
        </section>
        <section class="stack" aria-live="polite">
          <Verdict check={check.value} failure={failure.value} />
          {check.value !== undefined && check.value.issues.length > 0 && (
            <ul class="issues">
              {/* The server adds the kind of the issue to the path, and the path again to the message. */}
              {check.value.issues.map(({ message, path }) => (
                <li key={`${path} ${message}`}>
                  <button type="button" onClick={() => (focusLine.value = lineOf(text.value, path))}>
                    <code>
                      <Shown text={path.replace(/ [A-Z]\w*$/, "")} empty="$" />
                    </code>{" "}
                    <Shown text={message.split("\n")[0]!} />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <h3>Changes</h3>
          {check.value === undefined
            ? <p class="quiet small">…</p>
            : check.value.diff === ""
            ? <p class="quiet small">Nothing is changed yet.</p>
            : <DiffView diff={check.value.diff} />}
        </section>
      </div>
    </Modal>
  )
}

const offFor = (check: EditCheck | undefined): string | undefined =>
  check === undefined
    ? "The server checks the edit."
    : check.issues.length > 0
    ? "The edit has issues."
    : check.keyChanged
    ? "The edit changes the key."
    : check.diff === ""
    ? "Nothing is changed."
    : undefined

const Verdict = (
  { check, failure }: { readonly check: EditCheck | undefined; readonly failure: string | undefined }
) => {
  if (failure !== undefined) return <p class="bad">{failure}</p>
  if (check === undefined) return <Badge tone="plain">checking</Badge>
  if (check.issues.length > 0) return <Badge tone="bad">{counted(check.issues.length, "issue")}</Badge>
  if (check.keyChanged) {
    return (
      <p class="bad">
        The edit changes the key. Order and deduplication depend on it, so the server refuses it. Discard this one and
        publish a new message.
      </p>
    )
  }
  return (
    <div>
      <Badge tone="ok">{check.checked === "schema" ? "valid" : "valid JSON"}</Badge>
      {check.checked === "json" && (
        <p class="quiet small">
          The server does not have the topic’s Schema, so only the JSON is checked. The worker decodes it.
        </p>
      )}
    </div>
  )
}
