/** The first page: what needs a decision, how much moves, and how each queue stands. */
import { show } from "../../ops/Fact.ts"
import type { Attention, Consumer, Count, Overview } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { Head } from "../parts/Head.tsx"
import { Icon } from "../parts/Icon.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { to } from "../place/Address.ts"
import { QueueTable } from "../queues/QueueTable.tsx"
import { counted, duration, rate } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

export const OverviewPage = () => (
  <>
    <Head title="Overview" name="Overview" />
    <Loaded of={useResource("overview", Api.overview, "ticks")} rows={8}>
      {({ attention, consumers, delayed, unrouted }) =>
        consumers.length === 0 && unrouted.length === 0 ? <NoConsumer /> : (
          <>
            <Decisions found={attention} />
            <Totals consumers={consumers} />
            <section class="card">
              <div class="card-head">
                <h2>Queues</h2>
                <span class="quiet small">{counted(consumers.length, "consumer")}</span>
              </div>
              <QueueTable consumers={consumers} />
            </section>
            <Elsewhere unrouted={unrouted} delayed={delayed} />
          </>
        )}
    </Loaded>
  </>
)

export const NoConsumer = () => (
  <section class="card">
    <Empty icon="queues" title="No consumer is registered">
      <p>
        A consumer registers when its first worker starts. From then on, messages of its topics wait for it, also while
        no worker runs.
      </p>
      <code>Worker.layer(pipeline)</code>
    </Empty>
  </section>
)

/** Returns the place where an operator sees more about a finding, and how urgent it is. */
const lookAt = ({ about, consumer = "", id }: Attention): readonly ["bad" | "warn", string] => {
  switch (about) {
    case "stoppedRun":
      return ["bad", to.failures({ consumer, run: id ?? "all" })]
    case "deadLetters":
      return ["bad", id === undefined ? to.failures({ consumer }) : to.failure(consumer, id)]
    case "parkedKeys":
      return ["warn", to.keys({ consumer, hold: "parked" })]
    case "paused":
      return ["warn", to.queue(consumer)]
    case "unrouted":
      return ["warn", to.overview]
    default: // no worker, or a commit that waits for another session
      return ["bad", to.queue(consumer)]
  }
}

const Decisions = ({ found }: { readonly found: ReadonlyArray<Attention> }) => (
  <section class={`card findings${found.length === 0 ? " is-calm" : ""}`} aria-label="Findings">
    {found.length === 0
      ? (
        <p class="calm">
          <Icon name="check" />
          <span>
            <b>Nothing needs a decision.</b> No dead letter is open, no key is parked, and each queue has a worker.
          </span>
        </p>
      )
      : (
        <>
          <div class="card-head">
            <h2>{found.length === 1 ? "1 finding needs a decision" : `${found.length} findings need a decision`}</h2>
          </div>
          <ul>{found.map((one) => <FindingRow key={`${one.about} ${one.consumer} ${one.id}`} of={one} />)}</ul>
        </>
      )}
  </section>
)

const FindingRow = ({ of }: { readonly of: Attention }) => {
  const [tone, address] = lookAt(of)
  return (
    <li class={`finding is-${tone}`}>
      <i aria-hidden="true" />
      <p>
        {of.consumer !== undefined && (
          <b>
            <Shown text={of.consumer} />
          </b>
        )}
        <span class="finding-text">
          <Shown text={of.sentence} />
        </span>
      </p>
      {address !== to.overview && (
        <a class="btn" href={address}>
          Open<span class="sr-only">
            : <Shown text={of.sentence} />
          </span>
        </a>
      )}
    </li>
  )
}

const Elsewhere = ({ delayed, unrouted }: Pick<Overview, "delayed" | "unrouted">) =>
  delayed.length === 0 && unrouted.length === 0 ? null : (
    <section class="card">
      <div class="card-head">
        <h2>In no queue</h2>
      </div>
      <ul class="lines">
        {unrouted.map(({ firstAt, messages, topic }) => (
          <li key={topic}>
            <b class="num">{show(messages)}</b> of topic{" "}
            <b>
              <Shown text={topic} />
            </b>{" "}
            wait for a first consumer since <When at={firstAt} />
          </li>
        ))}
        {delayed.map(({ messages, nextAt, topic }) => (
          <li key={topic}>
            <b class="num">{show(messages)}</b> of topic{" "}
            <b>
              <Shown text={topic} />
            </b>{" "}
            are not due. The next one is due at <When at={nextAt} exact />
          </li>
        ))}
      </ul>
    </section>
  )

const total = (counts: ReadonlyArray<Count>): string =>
  show({
    value: counts.reduce((sum, { value }) => sum + value, 0),
    kind: counts.find(({ kind }) => kind !== "exact")?.kind ?? "exact"
  })

const sumOf = (rates: ReadonlyArray<number | undefined>): number | undefined => {
  const known = rates.filter((each) => each !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, each) => sum + each, 0)
}

const Totals = ({ consumers }: { readonly consumers: ReadonlyArray<Consumer> }) => {
  const dead = consumers.map(({ deadLetters }) => deadLetters)
  const parked = consumers.map(({ parkedKeys }) => parkedKeys)
  const values: ReadonlyArray<readonly [word: string, value: string, unit: string, tone: string]> = [
    ["Into queues", rate(sumOf(consumers.map(({ rates }) => rates.inPerSecond))), "/s", ""],
    ["Settled", rate(sumOf(consumers.map(({ rates }) => rates.outPerSecond))), "/s", ""],
    ["Waiting", total(consumers.map(({ waiting }) => waiting)), "", ""],
    ["Longest lag", duration(Math.max(...consumers.map(({ lag }) => lag.millis))), "", ""],
    ["Dead letters", total(dead), "", dead.some(({ value }) => value > 0) ? "bad" : ""],
    ["Parked keys", total(parked), "", parked.some(({ value }) => value > 0) ? "warn" : ""],
    ["Workers", String(consumers.reduce((sum, { workers }) => sum + workers, 0)), "", ""]
  ]
  return (
    <dl class="totals card">
      {values.map(([word, value, unit, tone]) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd class={`num ${tone}`}>{value}{unit !== "" && value !== "–" && <small>{unit}</small>}</dd>
        </div>
      ))}
    </dl>
  )
}
