/** Workers that died, and the messages that were in flight then. The likeliest cause stands first. */
import { useSignal } from "@preact/signals"
import type { Suspect, Worker } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { attempt } from "../decide/Deciding.ts"
import { NotedDialog } from "../dialogs/NotedDialog.tsx"
import { type Column, Grid } from "../lists/Grid.tsx"
import { Badge } from "../parts/Badge.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { counted } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

const columnsFor = (choose: (suspect: Suspect) => void): ReadonlyArray<Column<Suspect>> => [
  {
    title: "Message",
    phone: "title",
    wide: true,
    cell: ({ crashedAlone, id, inEveryCrash }) => (
      <>
        <a class="row-link" href={to.message(id)}>
          <Shown text={id} />
        </a>
        <span class="row-sub">
          {crashedAlone
            ? "A worker died while only this message ran."
            : inEveryCrash
            ? "It was in flight in every crash of its lane."
            : "Other messages were in more crashes."}
        </span>
      </>
    )
  },
  {
    title: "Crashes",
    phone: "end",
    numeric: true,
    cell: ({ crashCount, inEveryCrash }) => (
      <Badge tone={inEveryCrash ? "bad" : "warn"}>{counted(crashCount, "crash", "crashes")}</Badge>
    )
  },
  {
    title: "Queue",
    cell: ({ consumer }) => (
      <a href={to.queue(consumer)}>
        <Shown text={consumer} />
      </a>
    )
  },
  {
    title: "Key",
    cell: ({ consumer, key }) => (
      <a href={to.key(consumer, key)}>
        <Shown text={key} />
      </a>
    )
  },
  { title: "Published", numeric: true, phone: "hide", cell: ({ publishedAt }) => <When at={publishedAt} /> },
  {
    title: "Action",
    cell: (suspect) => (
      <Btn small icon="failures" off={offForViewers()} onClick={() => choose(suspect)}>Dead-letter…</Btn>
    )
  }
]

export const SuspectsView = () => {
  const crashes = useResource("crashes", Api.crashes)
  const chosen = useSignal<Suspect | undefined>(undefined)
  return (
    <>
      <Loaded of={crashes}>
        {({ suspects, workers }) => (
          <>
            <section class="card">
              <div class="card-head">
                <h2>Messages that were in flight</h2>
              </div>
              {suspects.length === 0
                ? (
                  <Empty title="No message is a suspect">
                    <p>
                      If a worker dies, the messages that it had in flight are counted. One that dies with its workers
                      again runs alone, and becomes a dead letter in the end.
                    </p>
                  </Empty>
                )
                : (
                  <Grid
                    caption="Suspects"
                    columns={columnsFor((suspect) => (chosen.value = suspect))}
                    rows={suspects}
                    idOf={({ consumer, id }) => JSON.stringify([consumer, id])}
                  />
                )}
            </section>
            {workers.length > 0 && <Dead workers={workers} />}
          </>
        )}
      </Loaded>
      {chosen.value !== undefined && (
        <Quarantine suspect={chosen.value} onClose={() => (chosen.value = undefined)} onDone={crashes.refresh} />
      )}
    </>
  )
}

const Dead = ({ workers }: { readonly workers: ReadonlyArray<Worker> }) => (
  <section class="card">
    <div class="card-head">
      <h2>Workers that died in the last hour</h2>
    </div>
    <ul class="lines">
      {workers.map(({ aliveUntil, codeVersion, consumer, worker }) => (
        <li key={`${consumer} ${worker}`}>
          <b class="mono">
            <Shown text={worker} />
          </b>{" "}
          of <Shown text={consumer} />
          {codeVersion !== "" && (
            <>
              , version <Shown text={codeVersion} />
            </>
          )}, last seen <When at={aliveUntil} />
        </li>
      ))}
    </ul>
  </section>
)

const Quarantine = (
  { onClose, onDone, suspect: { consumer, id, key } }: {
    readonly suspect: Suspect
    readonly onClose: () => void
    readonly onDone: () => void
  }
) => {
  const note = useSignal("")
  const busy = useSignal(false)
  const submit = async () => {
    busy.value = true
    const done = await attempt(
      () => Api.quarantine(consumer, id, key, note.value.trim()),
      "The message is a dead letter."
    )
    busy.value = false
    if (done) onClose()
    onDone()
  }
  return (
    <NotedDialog
      verb="Dead-letter"
      name={id}
      button={{
        kind: "danger",
        icon: "failures",
        busy: busy.value,
        onClick: () => void submit(),
        children: "Dead-letter it now"
      }}
      note={note}
      placeholder="in flight in 3 of 3 crashes"
      onClose={onClose}
    >
      <p>
        The message leaves its queue at once, so it does not crash another worker. It can be redriven, edited or
        discarded like any dead letter. If its pipeline keeps the order, its key is parked.
      </p>
    </NotedDialog>
  )
}
