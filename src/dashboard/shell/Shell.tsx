/** The frame of every page: navigation, the live sign, banners, and the page of the present place. */
import type { ComponentChildren } from "preact"
import { useEffect } from "preact/hooks"
import type { Consumer } from "../data/Facts.ts"
import { age, paused } from "../data/Live.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { Btn } from "../parts/Btn.tsx"
import { Icon, type IconName } from "../parts/Icon.tsx"
import { place, refine, to } from "../place/Address.ts"
import { duration } from "../text/Amounts.ts"
import { Shown } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"
import { Brand } from "./Brand.tsx"
import { session } from "./Session.tsx"
import { frameDialog } from "./Shortcuts.ts"
import { nextTheme, theme } from "./Theme.ts"

const pages: ReadonlyArray<readonly [name: string, text: string, icon: IconName, place: string]> = [
  ["", "Overview", "overview", to.overview],
  ["failures", "Failures", "failures", to.failures()],
  ["keys", "Keys", "keys", to.keys()],
  ["queues", "Queues", "queues", to.queues],
  ["workers", "Workers", "workers", to.workers()],
  ["audit", "Audit", "audit", to.audit()]
]

/** Returns the page of a menu. Dead letters and messages are reached from the failures. */
const pageOf = (name: string | undefined): string =>
  name === undefined ? "" : name === "dead-letters" || name === "messages" ? "failures" : name

const Tally = ({ count, tone }: { readonly count: number; readonly tone: "bad" | "warn" }) =>
  count === 0 ? null : <span class={`tally is-${tone}`}>{count > 999 ? "999+" : count}</span>

const sum = (all: ReadonlyArray<Consumer>, of: (one: Consumer) => number): number =>
  all.reduce((total, one) => total + of(one), 0)

const Links = ({ consumers }: { readonly consumers: ReadonlyArray<Consumer> }) => {
  const here = pageOf(place.value.path[0])
  return (
    <>
      {pages.map(([name, text, icon, address]) => (
        <a key={name} href={address} aria-current={name === here ? "page" : undefined}>
          <Icon name={icon} />
          <span>{text}</span>
          {name === "failures" && (
            <Tally
              tone="bad"
              count={sum(consumers, ({ deadLetters }) => deadLetters.value)}
            />
          )}
          {name === "keys" && (
            <Tally
              tone="warn"
              count={sum(consumers, ({ parkedKeys }) => parkedKeys.value)}
            />
          )}
        </a>
      ))}
    </>
  )
}

const Live = () => {
  const old = age.value ?? 0
  const stale = old > 10_000
  const text = paused.value
    ? "Paused"
    : age.value === undefined
    ? "Connecting"
    : stale
    ? `Stale ${duration(old)}`
    : "Live"
  return (
    <button
      type="button"
      class={`live${paused.value ? " is-paused" : stale ? " is-stale" : ""}`}
      aria-pressed={paused.value}
      aria-keyshortcuts="."
      title={paused.value ? "Resume live updates (.)" : "Pause live updates (.)"}
      onClick={() => (paused.value = !paused.value)}
    >
      <i aria-hidden="true" />
      <span>{text}</span>
      <span class="sr-only">, {paused.value ? "resume" : "pause"} live updates</span>
    </button>
  )
}

const Top = ({ openRuns }: { readonly openRuns: number }) => (
  <header class="top">
    <Brand />
    <button
      type="button"
      class="goto"
      aria-keyshortcuts="Control+K"
      onClick={() => (frameDialog.value = "goto")}
    >
      <Icon name="search" />
      <span>Go to queue, key or message</span>
      <kbd aria-hidden="true">Ctrl K</kbd>
    </button>
    <div class="top-end">
      <Live />
      <span class="runs-button">
        <Btn kind="ghost" icon="runs" label="Redrive runs" onClick={() => refine({ run: "all" })} />
        {openRuns > 0 && <span class="tally is-warn">{openRuns}</span>}
      </span>
      <Btn kind="ghost" icon={theme.value} label={`Theme: ${theme.value}`} onClick={nextTheme} />
      <Btn kind="ghost" icon="help" label="Shortcuts and settings" onClick={() => (frameDialog.value = "help")} />
    </div>
  </header>
)

const Banners = ({ consumers }: { readonly consumers: ReadonlyArray<Consumer> }) => (
  <>
    {consumers.filter(({ paused }) => paused !== undefined).slice(0, 3).map(({ consumer, paused }) => (
      <div class="banner" key={consumer} role="status">
        <Icon name="pause" />
        <span>
          <a href={to.queue(consumer)}>
            <b>
              <Shown text={consumer} />
            </b>
          </a>{" "}
          is paused by <Shown text={paused!.by} /> since <When at={paused!.at} exact />
          {paused!.until !== undefined && (
            <>
              until <When at={paused!.until} exact />
            </>
          )}
          {paused!.note !== "" && (
            <>
              : <Shown text={paused!.note} />
            </>
          )}
        </span>
      </div>
    ))}
  </>
)

export const Shell = ({ children }: { readonly children: ComponentChildren }) => {
  const all = useResource("consumers", Api.consumers, "ticks").state.value.value ?? []
  const open = useResource("runs", Api.runs).state.value.value?.filter(({ state }) =>
    state !== "finished" && state !== "cancelled"
  )
  const key = place.value.path.join("/")
  useEffect(() => {
    document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [key])
  const who = session.value
  return (
    <div class="frame">
      <nav aria-label="Skip">
        <a
          class="skip"
          href="#/"
          onClick={(event) => {
            event.preventDefault()
            document.querySelector<HTMLElement>("main")?.focus()
          }}
        >
          Skip to the page
        </a>
      </nav>
      <aside class="side" aria-label="Millrace">
        <Brand />
        <nav class="nav" aria-label="Pages">
          <Links consumers={all} />
        </nav>
        {typeof who === "object" && (
          <div class="side-end">
            <span>
              <Shown text={who.name} /> <span class="quiet">· {who.role}</span>
            </span>
          </div>
        )}
      </aside>
      <Top openRuns={open?.length ?? 0} />
      <main class="main" tabIndex={-1}>
        <Banners consumers={all} />
        {children}
      </main>
      <nav class="bottom" aria-label="Pages, at the foot">
        <Links consumers={all} />
      </nav>
    </div>
  )
}
