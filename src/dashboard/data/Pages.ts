/**
 * Lists by pages that never move under the pointer: what is shown keeps its place, and new rows wait behind a button.
 */
import { computed, type ReadonlySignal, signal } from "@preact/signals"
import { useEffect, useMemo } from "preact/hooks"
import type { Page } from "./Facts.ts"
import { merge } from "./Merge.ts"
import { useResource } from "./Resource.ts"

export interface List<A> {
  readonly rows: ReadonlySignal<ReadonlyArray<A> | undefined>
  readonly count: ReadonlySignal<Page<A>["count"]>
  /** How many rows a search by text or value has looked at. Undefined for any other list. */
  readonly looked: ReadonlySignal<number | undefined>
  readonly error: ReadonlySignal<Error | undefined>
  /** Rows that came since, and are not shown yet. */
  readonly fresh: ReadonlySignal<number>
  readonly hasMore: ReadonlySignal<boolean>
  readonly busy: ReadonlySignal<boolean>
  readonly showFresh: () => void
  readonly more: () => Promise<void>
  /** Reads the list again from its begin, after an action of this operator. */
  readonly reload: () => void
}

type Load<A> = (cursor: string | undefined, signal?: AbortSignal) => Promise<Page<A>>

const make = <A>(load: Load<A>, idOf: (row: A) => string) => {
  const rows = signal<ReadonlyArray<A> | undefined>(undefined)
  const fresh = signal(0)
  const error = signal<Error | undefined>(undefined)
  const busy = signal(false)
  const next = signal<string | undefined>(undefined)
  const looked = signal<number | undefined>(undefined)
  let latest: Page<A> | undefined
  let adopt = true
  const show = (page: Page<A>): void => {
    rows.value = page.data
    next.value = page.next
    looked.value = page.looked
    fresh.value = 0
  }
  return {
    rows,
    fresh,
    error,
    busy,
    looked,
    hasMore: computed(() => next.value !== undefined),
    /** Takes the first page as the server has it now. */
    receive: (page: Page<A>): void => {
      latest = page
      if (adopt || rows.value === undefined || rows.value.length === 0) {
        adopt = false
        show(page)
        return
      }
      const merged = merge(rows.value, page.data, idOf)
      rows.value = merged.rows
      fresh.value = merged.fresh
    },
    adoptNext: (): void => {
      adopt = true
    },
    showFresh: (): void => {
      if (latest !== undefined) show(latest)
    },
    more: async (): Promise<void> => {
      if (next.value === undefined || busy.value) return
      busy.value = true
      try {
        const page = await load(next.value)
        const known = new Set(rows.value?.map(idOf))
        rows.value = [...rows.value ?? [], ...page.data.filter((row) => !known.has(idOf(row)))]
        next.value = page.next
        if (page.looked !== undefined) looked.value = (looked.value ?? 0) + page.looked
        error.value = undefined
      } catch (failure) {
        error.value = failure instanceof Error ? failure : new Error(String(failure))
      } finally {
        busy.value = false
      }
    }
  }
}

/** Reads a list by pages while a component is shown. A new key is another list. */
export const useList = <A>(key: string, load: Load<A>, idOf: (row: A) => string): List<A> => {
  const first = useResource(`list ${key}`, (signal) => load(undefined, signal))
  const list = useMemo(() => make(load, idOf), [key])
  const { error, value } = first.state.value
  const count = useMemo(() => signal<Page<A>["count"]>(undefined), [key])
  useEffect(() => {
    if (value !== undefined) {
      list.receive(value)
      count.value = value.count
    }
  }, [value, list])
  useEffect(() => {
    list.error.value = error
  }, [error, list])
  return {
    rows: list.rows,
    count,
    looked: list.looked,
    error: list.error,
    fresh: list.fresh,
    hasMore: list.hasMore,
    busy: list.busy,
    showFresh: list.showFresh,
    more: list.more,
    reload: () => {
      list.adoptNext()
      first.refresh()
    }
  }
}
