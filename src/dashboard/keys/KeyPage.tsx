/** One key as a queue: its dead letters at the head, and the messages behind them in their order. */
import { useSignal } from "@preact/signals"
import { show } from "../../ops/Fact.ts"
import type { DeadLetterItem, KeyDetail, WaitingMessage } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { RedriveOne } from "../dead/RedriveOne.tsx"
import { attempt } from "../decide/Deciding.ts"
import { StateBadge } from "../failures/DeadLetterList.tsx"
import { Badge } from "../parts/Badge.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Facts, Head } from "../parts/Head.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { useKeys } from "../shell/Shortcuts.ts"
import { CopyButton } from "../text/Copy.tsx"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { Holds } from "./KeysPage.tsx"

export const KeyPage = ({ consumer, name }: { readonly consumer: string; readonly name: string }) => {
  const facts = useResource(
    `key ${JSON.stringify([consumer, name])}`,
    (signal) => Api.key(consumer, name, signal),
    "ticks"
  )
  const one = facts.state.value.value
  return (
    <>
      <Head
        title={<Shown text={name} />}
        name={`Key ${name}`}
        crumbs={[["Keys", to.keys()], [consumer, to.keys({ consumer })]]}
        actions={one !== undefined && <KeyActions of={one} refresh={facts.refresh} />}
      >
        {one?.held === undefined ? one !== undefined && <Badge tone="ok">not held</Badge> : <Holds of={one.held} />}
        <CopyButton text={name}>Copy the key</CopyButton>
      </Head>
      <Loaded of={facts}>
        {(one) => (
          <>
            {one.held !== undefined && <HoldFacts of={one} />}
            <Members of={one} />
          </>
        )}
      </Loaded>
    </>
  )
}

/** Returns the dead letter that parks the key: the oldest one. */
const parkedBy = ({ deadLetters }: KeyDetail): DeadLetterItem | undefined =>
  deadLetters.toSorted((a, b) => (a.id < b.id ? -1 : 1)).find(({ parked }) => parked)

const KeyActions = ({ of: one, refresh }: { readonly of: KeyDetail; readonly refresh: () => void }) => {
  const { consumer, held, key, waiting } = one
  const dead = parkedBy(one)
  const head = dead?.id ?? waiting[0]?.id
  const redriving = useSignal<DeadLetterItem | undefined>(undefined)
  const off = offForViewers() ?? (head === undefined ? "No message waits." : undefined)
  const act = (action: "release" | "skip" | "advance", done: string) => () =>
    void attempt(() => Api.keyAction(consumer, key, action, head!), done).then(refresh)
  const pause = (action: "pause" | "resume") => () =>
    void attempt(() => Api.pauseKey(consumer, key, action), `The key is ${action}d.`).then(refresh)
  const redrive = () => {
    if (off === undefined && dead !== undefined) redriving.value = dead
  }
  useKeys({ r: redrive })
  return (
    <>
      {held?.paused === undefined
        ? <Btn icon="pause" off={offForViewers()} onClick={pause("pause")}>Pause key</Btn>
        : <Btn icon="play" off={offForViewers()} onClick={pause("resume")}>Resume key</Btn>}
      {dead !== undefined && (
        <>
          <Btn
            icon="play"
            off={off}
            onClick={act("release", "The messages behind it continue. The dead letter stays open.")}
          >
            Release
          </Btn>
          <Btn
            icon="skip"
            off={off}
            onClick={act("skip", "The head is discarded, and the others follow. It can be restored for 7 days.")}
          >
            Skip head
          </Btn>
        </>
      )}
      {held !== undefined && (
        <Btn
          icon="advance"
          kind={dead === undefined ? "primary" : "plain"}
          off={off}
          onClick={act("advance", "One message goes through. The key stays held.")}
        >
          Advance 1
        </Btn>
      )}
      {dead !== undefined && <Btn icon="runs" kind="primary" hint="r" off={off} onClick={redrive}>Redrive head…</Btn>}
      {redriving.value !== undefined && (
        <RedriveOne of={redriving.value} onClose={() => (redriving.value = undefined)} onDone={refresh} />
      )}
    </>
  )
}

const HoldFacts = ({ of: { consumer, held } }: { readonly of: KeyDetail }) => (
  <section class="card card-body stack">
    <Facts
      facts={[
        [
          "Queue",
          <a href={to.queue(consumer)}>
            <Shown text={consumer} />
          </a>
        ],
        ["Waiting", <b class="num">{show(held!.behind)}</b>],
        ["Oldest", <When at={held!.oldestAt} />],
        ["Lane", <span class="num">{held!.lane}</span>],
        ...(held!.deadLetter === undefined ? [] : [["Parked since", <When at={held!.deadLetter.diedAt} />] as const]),
        ...(held!.retryAt === undefined ? [] : [["Retry at", <When at={held!.retryAt} exact />] as const]),
        ...(held!.paused === undefined ? [] : [
          [
            "Paused by",
            <>
              <Shown text={held!.paused.by} />, <When at={held!.paused.at} />
            </>
          ] as const
        ]),
        ...(held!.lastFailure === undefined ? [] : [["Last failure", <Shown text={held!.lastFailure.tag} />] as const])
      ]}
    />
    <p class="hint">
      {held!.parked
        ? "Redrive or edit the head to try it again, and all that wait follow in order. Skip discards it. Advance lets one message through, and holds the key again."
        : "Advance lets one message through, and keeps the key held for the others."}
    </p>
  </section>
)

const Members = ({ of: { deadLetters, held, waiting } }: { readonly of: KeyDetail }) => {
  const heads = deadLetters.toSorted((a, b) => a.id < b.id ? -1 : 1)
  return (
    <section class="card">
      <div class="card-head">
        <h2>In order</h2>
        <span class="quiet small num">
          {heads.length} dead, {held === undefined ? waiting.length : show(held.behind)} waiting
        </span>
      </div>
      {heads.length + waiting.length === 0
        ? (
          <Empty title="Nothing waits in this key">
            <p>Its messages are committed, or none was published.</p>
          </Empty>
        )
        : (
          <ol class="members">
            {heads.map((one) => <DeadMember key={one.id} of={one} />)}
            {waiting.map((one, i) => <WaitingMember key={`${one.topic} ${one.id}`} of={one} at={i + 1} />)}
          </ol>
        )}
      {held !== undefined && held.behind.value > waiting.length && (
        <p class="more quiet small">The first {waiting.length} of {show(held.behind)} are shown.</p>
      )}
    </section>
  )
}

const DeadMember = ({ of: { diedAt, error, id, message, state, tag } }: { readonly of: DeadLetterItem }) => (
  <li class="member is-dead">
    <span class="member-at" aria-hidden="true">!</span>
    <p>
      <a class="row-link" href={to.deadLetter(id)}>
        <Shown text={message.id} />
      </a>
      <span class="row-sub one-line">
        <Shown text={tag} />
        {error !== "" && (
          <>
            : <Shown text={error} />
          </>
        )}
      </span>
    </p>
    <StateBadge of={state} />
    <span class="small quiet">
      <When at={diedAt} />
    </span>
  </li>
)

const WaitingMember = (
  { at, of: { attempts, crashCount, id, publishedAt, redriven, topic } }: {
    readonly of: WaitingMessage
    readonly at: number
  }
) => (
  <li class="member">
    <span class="member-at num" aria-hidden="true">{at}</span>
    <p>
      <a class="row-link" href={to.message(id)}>
        <Shown text={id} />
      </a>
      <span class="row-sub">
        <Shown text={topic} />
        {attempts > 0 && `, ${attempts} failed`}
        {crashCount > 0 && `, in ${crashCount} crashes`}
        {redriven > 0 && ", redriven"}
      </span>
    </p>
    <Badge tone="plain">waiting</Badge>
    <span class="small quiet">
      <When at={publishedAt} />
    </span>
  </li>
)
