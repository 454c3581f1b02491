/**
 * The live stream of the server, shared by all tabs of one dashboard. One of them has the connection, and passes each
 * notice to the others. HTTP/1.1 allows six connections to a server, so a stream of each tab would block requests.
 *
 * The tab that has the stream is chosen by messages, since a page on plain http has no `navigator.locks`. A hidden tab
 * gives the stream away.
 */
import { computed, effect, signal } from "@preact/signals"
import { now } from "./Clock.ts"
import { root, unique } from "./Http.ts"

/** Grows with each reading of the numbers. */
export const ticks = signal(0)
/** Grows when dead letters, keys, consumers, workers or runs have changed. */
export const changes = signal(0)
/** Whether the operator has paused the updates. */
export const paused = signal(false)
/** When the last notice came, on the clock of this browser. 0 before the first one. */
const lastAt = signal(0)

/** How old the shown facts are, in milliseconds. Undefined before the first notice. */
export const age = computed(() => {
  void now.value
  return lastAt.value === 0 ? undefined : Math.max(0, Date.now() - lastAt.value)
})

type Notice = { readonly tab: string; readonly kind: "lead" | "leave" | "ask" | "ticks" | "changes" }

const tab = unique()
const channel = new BroadcastChannel(`millrace ${root.href}`)
/** A tab that receives no notice for this long tries to lead. In milliseconds. */
const patience = 6_000

let source: EventSource | undefined
let leaderAt = 0
/** Whether an operator is signed in on this tab. A tab with the form to sign in takes no stream. */
let started = false

const tell = (kind: Notice["kind"]): void => channel.postMessage({ tab, kind } satisfies Notice)

const receive = (kind: "ticks" | "changes"): void => {
  lastAt.value = Date.now()
  if (paused.value) return
  if (kind === "ticks") ticks.value++
  if (kind === "changes") changes.value++
}

const pass = (kind: "ticks" | "changes") => () => {
  receive(kind)
  tell(kind)
}

const lead = (): void => {
  if (!started || source !== undefined || document.hidden) return
  source = new EventSource(new URL("events", root))
  // The browser connects again by itself, unless the server has refused it, as after the end of the session.
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return
    leave()
    receive("changes")
  })
  source.addEventListener("open", pass("changes"))
  source.addEventListener("stats", pass("ticks"))
  source.addEventListener("changed", pass("changes"))
  source.addEventListener("runs", pass("changes"))
  source.addEventListener("reset", pass("changes"))
  tell("lead")
}

const leave = (): void => {
  if (source === undefined) return
  source.close()
  source = undefined
  tell("leave")
}

channel.addEventListener("message", ({ data }: MessageEvent<Notice>) => {
  switch (data.kind) {
    case "ask":
      if (source !== undefined) tell("lead")
      break
    case "lead":
      leaderAt = Date.now()
      // Two tabs may begin at once. The one with the smaller name keeps the stream.
      if (source !== undefined) {
        if (data.tab < tab) leave()
        else tell("lead")
      }
      break
    case "leave":
      leaderAt = 0
      setTimeout(lead, Math.random() * 200)
      break
    default:
      leaderAt = Date.now()
      receive(data.kind)
  }
})

/** Starts the stream. Without another tab that has it, this one takes it. Returns what ends it again. */
export const start = (): () => void => {
  started = true
  tell("ask")
  const look = (): void => {
    if (source === undefined && Date.now() - leaderAt > patience) lead()
  }
  setTimeout(look, 150)
  const timer = setInterval(look, 2_000)
  const turn = (): void => {
    if (document.hidden) leave()
    else {
      look()
      receive("changes")
    }
  }
  document.addEventListener("visibilitychange", turn)
  addEventListener("pagehide", leave)
  const unwatch = effect(() => {
    // The facts catch up when the operator ends the pause.
    if (!paused.value) changes.value = changes.peek() + 1
  })
  return () => {
    started = false
    clearInterval(timer)
    document.removeEventListener("visibilitychange", turn)
    removeEventListener("pagehide", leave)
    unwatch()
    leave()
  }
}
