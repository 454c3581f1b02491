/** Goes to a page, a consumer, or all that has the given id or key. */
import { useSignal } from "@preact/signals"
import { useId } from "preact/hooks"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { Modal } from "../dialogs/Modal.tsx"
import { Icon, type IconName } from "../parts/Icon.tsx"
import { go, to } from "../place/Address.ts"
import { Shown } from "../text/ShownText.tsx"
import { frameDialog } from "./Shortcuts.ts"

interface Target {
  readonly icon: IconName
  readonly text: string
  readonly what: string
  readonly place: string
}

const pages: ReadonlyArray<Target> = [
  { icon: "overview", text: "Overview", what: "page", place: to.overview },
  { icon: "failures", text: "Failures", what: "page", place: to.failures() },
  { icon: "keys", text: "Keys", what: "page", place: to.keys() },
  { icon: "queues", text: "Queues", what: "page", place: to.queues },
  { icon: "workers", text: "Workers", what: "page", place: to.workers() },
  { icon: "audit", text: "Audit", what: "page", place: to.audit() }
]

/** Returns the places that a text can mean. */
export const targets = (text: string, consumers: ReadonlyArray<string>): ReadonlyArray<Target> => {
  const wanted = text.trim()
  const has = (name: string) => name.toLowerCase().includes(wanted.toLowerCase())
  const named = [
    ...pages.filter((page) => has(page.text)),
    ...consumers.filter(has).map((name): Target => ({
      icon: "queues",
      text: name,
      what: "queue",
      place: to.queue(name)
    }))
  ]
  if (wanted === "") return named
  return [
    ...named.slice(0, 6),
    { icon: "search", text: wanted, what: "message with this id", place: to.message(wanted) },
    { icon: "keys", text: wanted, what: "dead letters of this key", place: to.failures({ q: `key:${wanted}` }) },
    ...(/^\d{1,16}$/.test(wanted)
      ? [
        {
          icon: "failures",
          text: wanted,
          what: "dead letter",
          place: to.deadLetter(wanted.padStart(16, "0"))
        } as const,
        {
          icon: "runs",
          text: wanted,
          what: "redrive run",
          place: to.failures({ run: wanted.padStart(16, "0") })
        } as const
      ]
      : [])
  ]
}

export const GoTo = () => {
  const text = useSignal("")
  const at = useSignal(0)
  const list = useId()
  const all = useResource("consumers", Api.consumers, "once")
  const found = targets(text.value, all.state.value.value?.map(({ consumer }) => consumer) ?? [])
  const close = () => (frameDialog.value = undefined)
  const open = (target: Target | undefined) => {
    if (target === undefined) return
    close()
    go(target.place)
  }
  const press = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0
    if (step !== 0) {
      event.preventDefault()
      at.value = (at.value + step + found.length) % found.length
    } else if (event.key === "Enter") {
      event.preventDefault()
      open(found[at.value])
    }
  }
  return (
    <Modal title="Go to" kind="top" onClose={close}>
      <div class="goto-box">
        <input
          class="goto-input"
          role="combobox"
          aria-label="Page, queue, key, message id or run"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={`${list}-${at.value}`}
          placeholder="Page, queue, key, message id or run"
          autocomplete="off"
          spellcheck={false}
          value={text.value}
          ref={(input) => {
            if (input !== null && document.activeElement !== input) input.focus()
          }}
          onInput={(event) => {
            text.value = event.currentTarget.value
            at.value = 0
          }}
          onKeyDown={press}
        />
        <ul class="goto-list" role="listbox" id={list} aria-label="Places">
          {found.map((target, i) => (
            <li
              key={target.place}
              id={`${list}-${i}`}
              role="option"
              aria-selected={i === at.value}
              onClick={() => open(target)}
            >
              <Icon name={target.icon} />
              <Shown text={target.text} />
              <span class="quiet small">{target.what}</span>
            </li>
          ))}
        </ul>
      </div>
    </Modal>
  )
}
