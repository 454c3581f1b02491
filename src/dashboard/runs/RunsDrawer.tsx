/** Redrive runs beside any page, and what an operator can do with each. The parameter `run` of the address opens it. */
import { useSignal } from "@preact/signals"
import { useEffect, useRef } from "preact/hooks"
import { show } from "../../ops/Fact.ts"
import type { Run } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { attempt } from "../decide/Deciding.ts"
import { Field } from "../dialogs/Field.tsx"
import { Modal } from "../dialogs/Modal.tsx"
import { shortId } from "../failures/DeadLetterList.tsx"
import { Badge, type Tone } from "../parts/Badge.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Facts } from "../parts/Head.tsx"
import { Empty, Loaded } from "../parts/States.tsx"
import { place, refine, refined, to } from "../place/Address.ts"
import { offForViewers } from "../shell/Session.tsx"
import { duration, rate as shownRate, whole } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

const tones: Readonly<Record<Run["state"], Tone>> = {
  running: "info",
  waiting: "warn",
  paused: "warn",
  stopped: "bad",
  cancelled: "plain",
  finished: "ok"
}

const isOver = ({ state }: Run): boolean => state === "cancelled" || state === "finished"

export const RunsDrawer = () => {
  const id = place.value.query["run"]
  if (id === undefined) return null
  return (
    <Modal
      kind="drawer"
      title={id === "all" ? "Redrive runs" : `Redrive run ${shortId(id)}`}
      onClose={() => refine({ run: undefined })}
    >
      {id === "all" ? <AllRuns /> : <OneRun key={id} id={id} />}
    </Modal>
  )
}

const AllRuns = () => (
  <Loaded of={useResource("runs", Api.runs)}>
    {(runs) =>
      runs.length === 0
        ? (
          <Empty icon="runs" title="No redrive run yet">
            <p>
              A run redrives a failure in stages, at a rate, and stops itself if the messages fail again. Start one from
              a failure.
            </p>
            <a class="btn" href={to.failures()}>Failures</a>
          </Empty>
        )
        : (
          <ul class="runs">
            {runs.map((run) => (
              <li key={run.id}>
                <a class="run-link" href={refined({ run: run.id })}>
                  <span class="run-head">
                    <b>
                      <Shown text={run.consumer} />
                    </b>
                    <Badge tone={tones[run.state]}>{run.state}</Badge>
                  </span>
                  <Meter of={run} />
                  <span class="small quiet">
                    {whole(run.redriven)} of {show(run.deadLetters)} redriven ·{" "}
                    <Shown text={run.note} empty="no note" /> · <When at={run.startedAt} />
                  </span>
                </a>
              </li>
            ))}
          </ul>
        )}
  </Loaded>
)

/** Shows the parts of a run: committed, in the queue, dead again, and untouched. */
const Meter = ({ of: run }: { readonly of: Run }) => {
  const all = Math.max(1, run.deadLetters.value, run.redriven)
  const part = (count: number) => ({ width: `${(count / all) * 100}%` })
  return (
    <span
      class="meter"
      role="img"
      aria-label={`${
        run.committed + run.duplicate
      } committed, ${run.waiting} waiting, ${run.failedAgain} dead again, of ${show(run.deadLetters)}`}
    >
      <span style={part(run.committed + run.duplicate)} />
      <span class="is-waiting" style={part(run.waiting)} />
      <span class="is-again" style={part(run.failedAgain)} />
    </span>
  )
}

const OneRun = ({ id }: { readonly id: string }) => {
  const facts = useResource(`run ${id}`, (signal) => Api.run(id, signal), "ticks")
  return (
    <>
      <a class="back" href={refined({ run: "all" })}>All runs</a>
      <Loaded of={facts}>{(run) => <RunView of={run} refresh={facts.refresh} />}</Loaded>
    </>
  )
}

/** Says how a run stands, at most every 10 seconds, so that a screen reader is not flooded. */
const Spoken = ({ text }: { readonly text: string }) => {
  const said = useSignal(text)
  const last = useRef(0)
  useEffect(() => {
    const timer = setTimeout(() => {
      last.current = Date.now()
      said.value = text
    }, Math.max(0, last.current + 10_000 - Date.now()))
    return () => clearTimeout(timer)
  }, [text])
  return <p class="sr-only" aria-live="polite">{said.value}</p>
}

const RunView = ({ of: run, refresh }: { readonly of: Run; readonly refresh: () => void }) => (
  <>
    <div class="stack">
      <div class="run-head">
        <Badge tone={tones[run.state]}>{run.state}</Badge>
        <span class="quiet small num">
          stage {run.stage} of {run.stages.length + 1}
          {run.leftMillis !== undefined && ` · ${duration(run.leftMillis)} left`}
        </span>
      </div>
      <Meter of={run} />
      {run.stopped !== undefined && (
        <ul class="warnings">
          <li>
            <Shown text={run.stopped.sentence} />
          </li>
        </ul>
      )}
      {run.state === "waiting" && (
        <p>
          The first stage is over. {run.failedAgain > 0
            ? "It failed again, so the cause is not fixed."
            : "Its message was committed, so the rest can follow."}
        </p>
      )}
    </div>
    <RunActions of={run} refresh={refresh} />
    <RunFacts of={run} />
    <Spoken
      text={`Run ${run.state}: ${run.committed} committed, ${run.failedAgain} dead again, ${run.waiting} in the queue.`}
    />
  </>
)

const RunFacts = ({ of: run }: { readonly of: Run }) => (
  <Facts
    facts={[
      ["Committed", <b class="num ok">{whole(run.committed)}</b>],
      ["Dead again", <b class={`num${run.failedAgain > 0 ? " bad" : ""}`}>{whole(run.failedAgain)}</b>],
      ["In the queue", <span class="num">{whole(run.waiting)}</span>],
      ["Committed before", <span class="num">{whole(run.duplicate)}</span>],
      ["Untouched", <span class="num">{show(run.untouched)}</span>],
      ["Set", <span class="num">{show(run.deadLetters)}</span>],
      [
        "Queue",
        <a href={to.queue(run.consumer)}>
          <Shown text={run.consumer} />
        </a>
      ],
      ...[run.filter.fingerprint ?? []].flat().map((failure) =>
        [
          "Failure",
          <a href={to.failure(run.consumer, failure)}>
            <Shown text={failure} />
          </a>
        ] as const
      ),
      ["Rate", <span class="num">{shownRate(run.rate)}/s</span>],
      ["Stops itself", `${run.stopRule.inARow} in a row, or ${run.stopRule.ofLast20} of the last 20`],
      [
        "Started",
        <>
          <When at={run.startedAt} /> by <Shown text={run.startedBy} />
        </>
      ],
      ["Note", <Shown text={run.note} empty="–" />],
      [
        "Changed",
        <>
          <When at={run.changedAt} />
          {run.changedBy !== "" && (
            <>
              by <Shown text={run.changedBy} />
            </>
          )}
        </>
      ]
    ]}
  />
)

const RunActions = ({ of: run, refresh }: { readonly of: Run; readonly refresh: () => void }) => {
  const rate = useSignal(String(run.rate))
  const value = Number(rate.value)
  const problem = rate.value.trim() !== "" && value > 0 && value <= 10_000 ? undefined : "above 0, at most 10,000"
  if (isOver(run)) return null
  const off = offForViewers()
  const act = (action: () => Promise<unknown>, done: string) => () => void attempt(action, done).then(refresh)
  const goesOn = run.state !== "running"
  return (
    <div class="run-actions">
      <Field
        label="Rate"
        kind="number"
        narrow
        unit="a second"
        value={rate.value}
        onInput={(text) => (rate.value = text)}
        problem={problem}
      />
      <div class="buttons">
        {goesOn
          ? (
            <Btn
              kind="primary"
              icon="play"
              off={off ?? problem}
              onClick={act(() => Api.act(run, "continue", { rate: value }), "The run continues.")}
            >
              {run.state === "waiting" ? "Continue with the rest" : "Continue"}
            </Btn>
          )
          : (
            <>
              <Btn icon="pause" off={off} onClick={act(() => Api.act(run, "pause"), "The run is paused.")}>Pause</Btn>
              <Btn
                off={off ?? problem ?? (value === run.rate ? "The rate is the same." : undefined)}
                onClick={act(() => Api.changeRate(run, value), "The rate is changed.")}
              >
                Change rate
              </Btn>
            </>
          )}
        <Btn
          icon="close"
          off={off}
          onClick={act(() => Api.act(run, "cancel"), "The run is cancelled. The rest is untouched.")}
        >
          Cancel run
        </Btn>
      </div>
    </div>
  )
}
