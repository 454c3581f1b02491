/** A message where it is stored: its place, its failed attempts, its payload and its headers. */
import { show } from "../../ops/Fact.ts"
import type { StoredMessage } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { Attempts } from "../dead/Attempts.tsx"
import { Headers, Payload } from "../dead/PayloadCard.tsx"
import { Facts } from "../parts/Head.tsx"
import { Loaded } from "../parts/States.tsx"
import { to } from "../place/Address.ts"
import { LinkedTrace } from "../text/LinkedTrace.tsx"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

/** Shows the stored message with this id. It was found under this key. */
export const StoredParts = ({ id, of: key }: { readonly id: string; readonly of: string }) => (
  <Loaded
    of={useResource(`stored ${JSON.stringify([id, key])}`, (signal) => Api.stored(id, { key }, signal))}
    rows={6}
  >
    {({ messages }) => (
      <>
        {messages.map((one, i) => <StoredPart key={`${one.consumer ?? one.state} ${i}`} of={one} at={i} />)}
      </>
    )}
  </Loaded>
)

const StoredPart = ({ at, of: one }: { readonly of: StoredMessage; readonly at: number }) => {
  const { attempts, message } = one
  const ask = () =>
    Api.stored(message.id, { key: message.key, payload: "true" }).then(({ messages }) => {
      const found = messages[at]
      if (found?.message.payload === undefined || found.consumer !== one.consumer) {
        throw new Error("The message is not stored there any more. Look at this page again.")
      }
      return found.message.payload
    })
  return (
    <>
      <section class="card card-body">
        <Facts facts={factsOf(one)} />
      </section>
      <div class={attempts.length === 0 ? "stack" : "two-thirds"}>
        {attempts.length > 0 && (
          <div class="stack">
            <Attempts attempts={attempts} />
          </div>
        )}
        <div class="stack">
          <Payload of={one} ask={ask} />
          <Headers headers={message.headers} />
        </div>
      </div>
    </>
  )
}

const factsOf = ({ ahead, consumer, crashCount, dueAt, message, name, redriven, state, trace }: StoredMessage) => [
  ["State", state === "inFlight" ? "in flight" : state] as const,
  ...(consumer === undefined ? [] : [
    [
      "Queue",
      <a href={to.queue(consumer)}>
        <Shown text={consumer} />
      </a>
    ] as const
  ]),
  ["Topic", <Shown text={message.topic} />] as const,
  ...(ahead === undefined || !message.keyed
    ? []
    : [["Before it in its key", <span class="num">{show(ahead)}</span>] as const]),
  ...(dueAt === undefined ? [] : [["Due", <When at={dueAt} exact />] as const]),
  ...(name === undefined ? [] : [["Name", <Shown text={name} />] as const]),
  ...(trace === undefined ? [] : [["Trace", <LinkedTrace of={trace} />] as const]),
  ...(crashCount === 0 ? [] : [["Crashes", <span class="num">{crashCount}</span>] as const]),
  ...(redriven === 0 ? [] : [["Redriven", <span class="num">{redriven}×</span>] as const])
]
