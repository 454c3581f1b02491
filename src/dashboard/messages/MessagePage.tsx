/** Everything that is known about one message id: whether it was handled, where it is, and what is in it. */
import type { Found } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { Badge, type Tone } from "../parts/Badge.tsx"
import { Head } from "../parts/Head.tsx"
import { Loaded } from "../parts/States.tsx"
import { to } from "../place/Address.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { StoredParts } from "./StoredParts.tsx"

const tones: Readonly<Record<Found["consumers"][number]["state"], Tone>> = {
  committed: "ok",
  waiting: "plain",
  held: "warn",
  dead: "bad",
  redriving: "info",
  discarded: "plain"
}

/** Returns the key of a message that is stored with its payload. Undefined if it is committed or dead. */
const keyOf = ({ consumers, delayed, unrouted }: Found): string | undefined =>
  consumers.find(({ queue }) => queue !== undefined)?.queue?.key ?? delayed[0]?.key ?? unrouted[0]?.key

export const MessagePage = ({ id }: { readonly id: string }) => (
  <>
    <Head title={<Shown text={id} />} name={`Message ${id}`} crumbs={[["Failures", to.failures()]]}>
      Was this message handled?
    </Head>
    <Loaded of={useResource(`message ${id}`, (signal) => Api.find(id, signal))} rows={6}>
      {(found) => (
        <>
          <section class="card card-body stack">
            {found.sentences.map((sentence) => (
              <p key={sentence}>
                <Shown text={sentence} />
              </p>
            ))}
            {!found.searchedAll && (
              <p class="hint">
                The queues were not searched to their end, because they are long. The message may wait behind.
              </p>
            )}
          </section>
          {found.consumers.map((one) => <At key={one.consumer} of={one} />)}
          {keyOf(found) !== undefined && <StoredParts id={id} of={keyOf(found)!} />}
        </>
      )}
    </Loaded>
  </>
)

const At = (
  { of: { consumer, deadLetters, hold, queue, settledAt, state } }: { readonly of: Found["consumers"][number] }
) => (
  <section class="card">
    <div class="card-head">
      <h2>
        <a href={to.queue(consumer)}>
          <Shown text={consumer} />
        </a>
      </h2>
      <Badge tone={tones[state]}>{state}</Badge>
      {settledAt !== undefined && (
        <span class="quiet small">
          <When at={settledAt} />
        </span>
      )}
    </div>
    <ul class="lines">
      {queue !== undefined && (
        <li>
          In lane <span class="num">{queue.lane}</span>, key{" "}
          <a href={to.key(consumer, queue.key)}>
            <Shown text={queue.key} />
          </a>, published <When at={queue.publishedAt} />
          {queue.worker !== undefined && (
            <>
              , owner{" "}
              <span class="mono">
                <Shown text={queue.worker} />
              </span>
            </>
          )}
        </li>
      )}
      {hold?.deadLetter !== undefined && (
        <li>
          Its key is parked by{" "}
          <a href={to.deadLetter(hold.deadLetter.id)}>
            <Shown text={hold.deadLetter.messageId} />
          </a>.
        </li>
      )}
      {deadLetters.map(({ diedAt, id, state, tag }) => (
        <li key={id}>
          <a href={to.deadLetter(id)}>Dead letter</a>: <Shown text={tag} />, {state}, <When at={diedAt} />
        </li>
      ))}
    </ul>
  </section>
)
