/**
 * The preview of a redrive run: what it would touch, its warnings, and how it begins. The set is frozen when
 * the dialog opens, so dead letters that arrive meanwhile stay out of it.
 */
import { useSignal } from "@preact/signals"
import { show } from "../../ops/Fact.ts"
import { now } from "../data/Clock.ts"
import type { Preview, Run } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { Field, Radios } from "../dialogs/Field.tsx"
import { Modal } from "../dialogs/Modal.tsx"
import { Btn } from "../parts/Btn.tsx"
import { Facts } from "../parts/Head.tsx"
import { LoadedModal } from "../parts/States.tsx"
import { refine } from "../place/Address.ts"
import { duration, rate as shownRate, whole } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { attempt } from "./Deciding.ts"
import * as SetPreview from "./SetPreview.ts"

/** How a run begins: the sizes of its first stages, and whether it asks after the first one. */
const begins = {
  one: { stages: [1], askAfterFirst: true, button: "Start with 1" },
  steps: { stages: [1, 10], askAfterFirst: false, button: "Start" },
  all: { stages: [], askAfterFirst: false, button: "Start with all" }
} as const

type Begin = keyof typeof begins

const options: ReadonlyArray<readonly [Begin, string, string]> = [
  ["one", "1, then ask me", "One message goes first. You see its outcome, and continue or cancel."],
  ["steps", "1, then 10, then the rest", "Each stage waits for all outcomes of the one before."],
  ["all", "All at the rate", "Only the stop rule ends it early."]
]

/** Returns a whole number within the bounds, or why the text is none. */
const numberIn = (text: string, least: number, most: number, unit: string): number | string => {
  const value = Number(text)
  return text.trim() !== "" && value >= least && value <= most ? value : `${whole(least)} to ${whole(most)} ${unit}`
}

export const RedriveDialog = (
  { filters, name, onClose }: {
    /** One for each consumer, since a run belongs to one consumer. */
    readonly filters: ReadonlyArray<Api.SetFilter>
    readonly name: string
    readonly onClose: () => void
  }
) => {
  const opened = useSignal(Date.now())
  const previews = useResource(
    `preview ${JSON.stringify(filters)} ${opened.value}`,
    () => SetPreview.load(filters),
    "once"
  )
  return (
    <LoadedModal of={previews} title={`Redrive ${name}`} onClose={onClose}>
      {(previews) => (
        <Start previews={previews} name={name} onClose={onClose} again={() => (opened.value = Date.now())} />
      )}
    </LoadedModal>
  )
}

/** Returns the fields of the form, and what is wrong with them. */
const useForm = (preview: Preview) => {
  const begin = useSignal<Begin>("one")
  const rate = useSignal(String(preview.rate))
  const inARow = useSignal("3")
  const ofLast20 = useSignal("5")
  const note = useSignal("")
  const perSecond = numberIn(rate.value, 0.01, 10_000, "a second")
  const row = numberIn(inARow.value, 1, 20, "in a row")
  const last = numberIn(ofLast20.value, 1, 20, "of 20")
  const usable = typeof perSecond === "number" && typeof row === "number" && typeof last === "number"
  return { begin, rate, inARow, ofLast20, note, perSecond, row, last, usable }
}

type Form = ReturnType<typeof useForm>

/** Returns why the run cannot start. Undefined if it can. */
const offFor = (preview: Preview, { usable }: Form): string | undefined =>
  preview.deadLetters.value === 0
    ? "The set is empty."
    : preview.expiresAt < now.value
    ? "The preview has expired."
    : preview.warnings.find(({ about }) => about === "runOpen")?.sentence
      ?? (usable ? undefined : "A number is out of its bounds.")

const requestOf = (preview: Preview, { begin, last, note, perSecond, row }: Form) => ({
  preview: preview.preview,
  rate: Number(perSecond),
  stages: begins[begin.value].stages,
  askAfterFirst: begins[begin.value].askAfterFirst,
  stopRule: { inARow: Number(row), ofLast20: Number(last) },
  note: note.value.trim()
})

const Start = (
  { again, name, onClose, previews }: {
    readonly previews: ReadonlyArray<Preview>
    readonly name: string
    readonly onClose: () => void
    readonly again: () => void
  }
) => {
  const preview = SetPreview.covering(previews)
  const form = useForm(preview)
  const busy = useSignal(false)
  const start = async () => {
    busy.value = true
    const started: Array<Run> = []
    await attempt(async () => {
      for (const one of previews) {
        if (one.deadLetters.value > 0) started.push(await Api.startRun(requestOf(one, form)))
      }
    }, previews.length === 1 ? "The run is started." : "The runs are started, one for each queue.")
    busy.value = false
    if (started.length === 0) return
    onClose()
    refine({ run: started.length === 1 ? started[0]!.id : "all" })
  }
  return (
    <Modal
      title={
        <>
          Redrive <Shown text={name} />
        </>
      }
      onClose={onClose}
      actions={
        <>
          {preview.expiresAt < now.value && <Btn onClick={again}>Preview again</Btn>}
          <span class="grow" />
          <Btn onClick={onClose}>Cancel</Btn>
          <Btn kind="primary" icon="runs" busy={busy.value} off={offFor(preview, form)} onClick={() => void start()}>
            {begins[form.begin.value].button}
          </Btn>
        </>
      }
    >
      <SetFacts preview={preview} />
      <Warnings preview={preview} />
      <Radios
        legend="Begin with"
        options={options}
        value={form.begin.value}
        onChange={(value) => (form.begin.value = value as Begin)}
      />
      <Limits form={form} preview={preview} />
      <Field
        label="Note"
        value={form.note.value}
        onInput={(value) => (form.note.value = value)}
        placeholder="INC-812 fixed"
        hint="The audit keeps it."
      />
    </Modal>
  )
}

const problemOf = (value: number | string): string | undefined => (typeof value === "string" ? value : undefined)

/** Shows the rate and the stop rule. */
const Limits = ({ form, preview }: { readonly form: Form; readonly preview: Preview }) => {
  const { inARow, last, ofLast20, perSecond, rate, row } = form
  const usual = `Default ${shownRate(preview.rate)}: a tenth of what is committed now.`
  const whole = typeof perSecond === "number" && preview.deadLetters.value > perSecond
    ? `About ${duration((preview.deadLetters.value / perSecond) * 1_000)} for all. `
    : ""
  return (
    <div class="columns">
      <Field
        label="Rate"
        kind="number"
        narrow
        unit="a second"
        value={rate.value}
        onInput={(value) => (rate.value = value)}
        problem={problemOf(perSecond)}
        hint={whole + usual}
      />
      <fieldset class="field stop-rule">
        <legend>Stop if these fail again the same way</legend>
        <Field
          label="In a row"
          kind="number"
          narrow
          value={inARow.value}
          onInput={(value) => (inARow.value = value)}
          problem={problemOf(row)}
        />
        <Field
          label="Of the last 20"
          kind="number"
          narrow
          value={ofLast20.value}
          onInput={(value) => (ofLast20.value = value)}
          problem={problemOf(last)}
        />
      </fieldset>
    </div>
  )
}

/** Shows the facts about the frozen set. */
export const SetFacts = ({ preview }: { readonly preview: Preview }) => (
  <Facts
    facts={[
      ["Dead letters", <b class="num">{show(preview.deadLetters)}</b>],
      [
        "Keys",
        <span class="num">
          {whole(preview.keys)}
          {preview.parkedKeys > 0 && `, ${whole(preview.parkedKeys)} parked`}
        </span>
      ],
      [
        "Died",
        <>
          <When at={preview.firstAt} exact /> to <When at={preview.lastAt} exact />
        </>
      ],
      ["Died on", <Shown text={preview.diedOn.join(", ")} empty="–" />],
      ["Running now", <Shown text={preview.runningNow.join(", ")} empty="–" />],
      [
        "Set",
        <span class="quiet">
          frozen {preview.upTo !== undefined && `up to ${preview.upTo.replace(/^0+(?=\d)/, "")}`}
        </span>
      ]
    ]}
  />
)

const Warnings = ({ preview: { deadLetters, warnings } }: { readonly preview: Preview }) => (
  warnings.length === 0 && deadLetters.value > 0 ? null : (
    <ul class="warnings" aria-label="Look twice">
      {deadLetters.value === 0 && <li>No open dead letter matches. Another operator may have decided about them.</li>}
      {warnings.map(({ sentence }) => (
        <li key={sentence}>
          <Shown text={sentence} />
        </li>
      ))}
    </ul>
  )
)
