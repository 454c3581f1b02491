/** The payload and the headers of a message. A payload that the server shows on request is read by a button. */
import { useSignal } from "@preact/signals"
import { diff } from "../../ops/EditPreview.ts"
import type { DeadLetter } from "../data/Facts.ts"
import { explain } from "../decide/Deciding.ts"
import { Btn } from "../parts/Btn.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { DiffView } from "../payload/DiffView.tsx"
import { PayloadView } from "../payload/PayloadView.tsx"
import { counted } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"

export const Payload = (
  { ask: read, download, of: one }: {
    readonly of: Pick<DeadLetter, "hidden" | "original"> & { readonly message: { readonly payload?: string } }
    /** Asks the server for the payload. */
    readonly ask: () => Promise<string>
    readonly download?: string
  }
) => {
  const asked = useSignal<string | undefined>(undefined)
  const failure = useSignal<string | undefined>(undefined)
  const which = useSignal("now")
  const text = one.message.payload ?? asked.value
  const ask = () => void read().then((text) => (asked.value = text), (error) => (failure.value = explain(error)))
  return (
    <section class="card">
      <div class="card-head">
        <h2>Payload</h2>
        {one.hidden.length > 0 && (
          <span class="quiet small">{counted(one.hidden.length, "value")} hidden by the server</span>
        )}
        <span class="grow" />
        {one.original !== undefined && (
          <Tabs
            label="Version of the payload"
            tabs={[["now", "Edited"], ["original", "Published"], ["diff", "Diff"]]}
            value={which.value}
            onChange={(value) => (which.value = value)}
          />
        )}
      </div>
      {text === undefined
        ? (
          <div class="card-body stack">
            <p class="quiet">The server shows payloads on request only.</p>
            <div>
              <Btn onClick={ask}>Show the payload</Btn>
            </div>
            {failure.value !== undefined && <p class="bad">{failure.value}</p>}
          </div>
        )
        : one.original !== undefined && which.value === "diff"
        ? <DiffView diff={diff(one.original, text)} />
        : (
          <PayloadView
            text={one.original !== undefined && which.value === "original" ? one.original : text}
            download={download}
          />
        )}
    </section>
  )
}

export const Headers = ({ headers }: { readonly headers: DeadLetter["message"]["headers"] }) => {
  const names = Object.keys(headers)
  if (names.length === 0) return null
  return (
    <section class="card">
      <div class="card-head">
        <h2>Headers</h2>
      </div>
      <dl class="headers">
        {names.map((name) => (
          <div key={name}>
            <dt>
              <Shown text={name} />
            </dt>
            <dd class="mono">
              <Shown text={headers[name]!} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
