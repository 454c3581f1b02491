/** The list that the operator came from, so that a dead letter leads to the next one of the same list. */
import { computed, type ReadonlySignal, signal } from "@preact/signals"
import type { Count, DeadLetterItem } from "../data/Facts.ts"
import type { List } from "../data/Pages.ts"

export interface Trail {
  readonly ids: ReadonlyArray<string>
  readonly count: Count | undefined
  /** Reads the next page of the list. Undefined if there is none. */
  readonly more: (() => Promise<void>) | undefined
}

const list = signal<List<DeadLetterItem> | undefined>(undefined)

/** The list of dead letters that was shown last, as far as it was read. */
export const trail: ReadonlySignal<Trail | undefined> = computed(() => {
  const from = list.value
  const rows = from?.rows.value
  return from === undefined || rows === undefined ? undefined : {
    ids: rows.map(({ id }) => id),
    count: from.count.value,
    more: from.hasMore.value ? from.more : undefined
  }
})

export const leave = (from: List<DeadLetterItem>): void => {
  list.value = from
}
