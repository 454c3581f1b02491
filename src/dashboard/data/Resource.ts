/** Facts that a page shows, kept fresh: loaded once, and again when the server says that something has changed. */
import { effect, type ReadonlySignal, signal } from "@preact/signals"
import { useEffect, useMemo } from "preact/hooks"
import { Problem } from "./Http.ts"
import { changes, paused, ticks } from "./Live.ts"

/** The state of a resource. After a failed refresh it has both a value and an error. */
export interface State<A> {
  readonly value: A | undefined
  readonly error: Error | undefined
}

export interface Resource<A> {
  readonly state: ReadonlySignal<State<A>>
  readonly refresh: () => void
}

/** How fresh a resource must be: with each change that the server reports, also with each tick of numbers, or never. */
export type Freshness = "changes" | "ticks" | "once"

/** The last values, so that a way back shows its page at once. The oldest ones are forgotten. */
const kept = new Map<string, unknown>()
const mostKept = 40

const keep = (key: string, value: unknown): void => {
  kept.delete(key)
  kept.set(key, value)
  if (kept.size > mostKept) kept.delete(kept.keys().next().value!)
}

/** The shortest time between two reads of one resource, in milliseconds. */
const shortest = 1_500

/** Makes a resource that lives until `stop` is called. */
const make = <A>(key: string, load: (signal: AbortSignal) => Promise<A>, fresh: Freshness) => {
  const state = signal<State<A>>({ value: kept.get(key) as A | undefined, error: undefined })
  let running: AbortController | undefined
  let again = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let began = 0

  const run = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (running !== undefined) {
      again = true
      return
    }
    const mine = running = new AbortController()
    began = Date.now()
    load(mine.signal).then((value) => {
      if (mine.signal.aborted) return
      keep(key, value)
      state.value = { value, error: undefined }
    }, (error: unknown) => {
      if (mine.signal.aborted) return
      const problem = error instanceof Error ? error : new Problem(0, { detail: String(error) })
      state.value = { value: state.value.value, error: problem }
    }).finally(() => {
      if (running === mine) running = undefined
      if (again && !mine.signal.aborted) {
        again = false
        soon()
      }
    })
  }
  const soon = (): void => {
    timer ??= setTimeout(run, Math.max(0, began + shortest - Date.now()))
  }

  let first = true
  const unwatch = effect(() => {
    if (fresh !== "once") void changes.value
    if (fresh === "ticks") void ticks.value
    if (first) first = false
    else if (!paused.peek() && !document.hidden) soon()
  })
  run()
  return {
    state,
    refresh: run,
    stop: () => {
      unwatch()
      clearTimeout(timer)
      running?.abort()
    }
  }
}

/** Reads facts while a component is shown. A new key is another resource. */
export const useResource = <A>(
  key: string,
  load: (signal: AbortSignal) => Promise<A>,
  fresh: Freshness = "changes"
): Resource<A> => {
  const resource = useMemo(() => make(key, load, fresh), [key])
  useEffect(() => resource.stop, [resource])
  return resource
}
