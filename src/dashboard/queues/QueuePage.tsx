/** One queue: how far it is behind and why, how it was in the last hours, and the pause. */
import { useSignal } from "@preact/signals"
import { show } from "../../ops/Fact.ts"
import { Chart } from "../charts/Chart.tsx"
import type { Consumer, Point } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { attempt } from "../decide/Deciding.ts"
import { Btn } from "../parts/Btn.tsx"
import { Facts, Head } from "../parts/Head.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { place, refine, to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { duration, rate, whole } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { PauseDialog } from "./PauseDialog.tsx"
import { ConsumerState } from "./QueueTable.tsx"

export const QueuePage = ({ consumer }: { readonly consumer: string }) => {
  const facts = useResource(`consumer ${consumer}`, (signal) => Api.consumer(consumer, signal), "ticks")
  const pausing = useSignal(false)
  const one = facts.state.value.value
  return (
    <>
      <Head
        title={<Shown text={consumer} />}
        name={consumer}
        crumbs={[["Queues", to.queues]]}
        actions={one !== undefined && (
          <Actions
            of={one}
            onPause={() => (pausing.value = true)}
            reload={facts.refresh}
          />
        )}
      >
        {one !== undefined && (
          <>
            <ConsumerState of={one} />
            <Shown text={one.lag.sentence} />
          </>
        )}
      </Head>
      <Loaded of={facts}>{(one) => <QueueFacts of={one} />}</Loaded>
      {one !== undefined && <Series consumer={consumer} />}
      {pausing.value && (
        <PauseDialog consumer={consumer} onClose={() => (pausing.value = false)} onDone={facts.refresh} />
      )}
    </>
  )
}

const Actions = (
  { of: { consumer, deadLetters, paused }, onPause, reload }: {
    readonly of: Consumer
    readonly onPause: () => void
    readonly reload: () => void
  }
) => (
  <>
    {deadLetters.value > 0 && <a class="btn" href={to.failures({ consumer })}>Failures</a>}
    <a class="btn" href={to.workers({ tab: "lanes", consumer })}>Lanes</a>
    {paused === undefined
      ? <Btn icon="pause" off={offForViewers()} onClick={onPause}>Pause…</Btn>
      : (
        <Btn
          icon="play"
          kind="primary"
          off={offForViewers()}
          onClick={() => void attempt(() => Api.resume(consumer), `${consumer} is resumed.`).then(reload)}
        >
          Resume
        </Btn>
      )}
  </>
)

const QueueFacts = ({ of: one }: { readonly of: Consumer }) => (
  <section class="card card-body">
    <Facts
      facts={[
        ["Waiting", <span class="num">{show(one.waiting)}</span>],
        ["Lag", <span class="num">{one.lag.millis === 0 ? "0" : duration(one.lag.millis)}</span>],
        ["In", <span class="num">{rate(one.rates.inPerSecond)}/s</span>],
        ["Out", <span class="num">{rate(one.rates.outPerSecond)}/s</span>],
        ["Dead letters", <span class={`num${one.deadLetters.value > 0 ? " bad" : ""}`}>{show(one.deadLetters)}</span>],
        ["Parked keys", <a href={to.keys({ consumer: one.consumer, hold: "parked" })}>{show(one.parkedKeys)}</a>],
        ["Delayed keys", <a href={to.keys({ consumer: one.consumer, hold: "delayed" })}>{show(one.delayedKeys)}</a>],
        ["Workers", <span class="num">{one.workers}</span>],
        ["Code", <Shown text={one.codeVersions.join(", ")} empty="–" />],
        ["Lanes owned", <span class="num">{one.ownedLanes} of {one.lanes}</span>],
        ["Topics", <Shown text={one.topics.join(", ")} />],
        ["Behind a dead letter", one.order === "park" ? "the key waits" : "the key continues"],
        ["Registered", <When at={one.registeredAt} />]
      ]}
    />
    {one.lag.cause._tag === "OneKey" && (
      <p class="hint">
        One key has {Math.round(one.lag.cause.share * 100)}% of what waits:{" "}
        <a href={to.key(one.consumer, one.lag.cause.key)}>
          <Shown text={one.lag.cause.key} />
        </a>
      </p>
    )}
  </section>
)

const spans: Readonly<Record<string, readonly [text: string, hours: number, seconds: 10 | 60]>> = {
  "1h": ["1 h", 1, 10],
  "6h": ["6 h", 6, 60],
  "24h": ["24 h", 24, 60],
  "7d": ["7 d", 168, 60]
}

const Series = ({ consumer }: { readonly consumer: string }) => {
  const span = spans[place.value.query["span"] ?? ""] === undefined ? "1h" : place.value.query["span"]!
  const [, hours, seconds] = spans[span]!
  const points = useResource(
    `series ${consumer} ${span}`,
    (signal) => Api.series(consumer, seconds, Date.now() - hours * 3_600_000, signal),
    seconds === 10 ? "ticks" : "changes"
  )
  return (
    <section class="stack">
      <div class="section-head">
        <h2>History</h2>
        <Tabs
          label="Span of the charts"
          tabs={Object.entries(spans).map(([name, [text]]) => [name, text])}
          value={span}
          onChange={(value) => refine({ span: value })}
        />
      </div>
      <Loaded of={points}>
        {(points) =>
          points.length < 2
            ? (
              <div class="card">
                <Empty icon="overview" title="There is no history yet">
                  <p>Workers add a point every 10 seconds. The charts begin after the second one.</p>
                </Empty>
              </div>
            )
            : <Charts points={points} />}
      </Loaded>
    </section>
  )
}

const Charts = ({ points }: { readonly points: ReadonlyArray<Point> }) => {
  const at = points.map(({ at }) => at / 1_000)
  const perSecond = (of: (point: Point) => number) => points.map((point) => of(point) / point.seconds)
  return (
    <div class="charts">
      <Chart
        title="Outcomes a second"
        at={at}
        show={rate}
        lines={[
          { label: "committed", color: 1, values: perSecond(({ committed, duplicates }) => committed + duplicates) },
          { label: "retried", color: 2, values: perSecond(({ retried }) => retried) },
          { label: "dead", color: 3, values: perSecond(({ dead }) => dead) }
        ]}
      />
      <Chart
        title="Waiting messages"
        at={at}
        show={whole}
        lines={[{ label: "waiting", color: 1, values: points.map(({ waiting }) => waiting.value) }]}
      />
      <Chart
        title="Lag"
        at={at}
        show={duration}
        lines={[{ label: "lag", color: 2, values: points.map(({ lagMillis }) => lagMillis) }]}
      />
      <Chart
        title="Held keys and dead letters"
        at={at}
        show={whole}
        lines={[
          { label: "parked", color: 4, values: points.map(({ parkedKeys }) => parkedKeys) },
          { label: "delayed", color: 2, values: points.map(({ delayedKeys }) => delayedKeys) },
          { label: "dead letters", color: 3, values: points.map(({ deadLetters }) => deadLetters.value) }
        ]}
      />
    </div>
  )
}
