/** A list by pages: its table, the button for new rows, the button for the next page, and its states. */
import type { ComponentChildren } from "preact"
import type { List } from "../data/Pages.ts"
import { Btn } from "../parts/Btn.tsx"
import { Failed, Skeleton } from "../parts/States.tsx"
import { whole } from "../text/Amounts.ts"
import { type Column, Grid } from "./Grid.tsx"

export function ListView<A>(
  { caption, columns, empty, idOf, list, muted }: {
    readonly list: List<A>
    readonly caption: string
    readonly columns: ReadonlyArray<Column<A>>
    readonly idOf: (row: A) => string
    readonly muted?: (row: A) => boolean
    readonly empty: ComponentChildren
  }
) {
  const rows = list.rows.value
  const error = list.error.value
  const looked = list.looked.value
  if (rows === undefined) {
    return error === undefined
      ? <Skeleton rows={6} />
      : <Failed error={error} retry={list.reload} />
  }
  return (
    <>
      {list.fresh.value > 0 && (
        <div class="fresh" role="status">
          <Btn kind="ghost" small onClick={list.showFresh}>Show {list.fresh.value} new</Btn>
        </div>
      )}
      {error !== undefined && <Failed error={error} retry={list.reload} />}
      {rows.length === 0
        ? empty
        : (
          <Grid
            caption={caption}
            columns={columns}
            rows={rows}
            idOf={idOf}
            {...(muted === undefined ? {} : { muted })}
          />
        )}
      {(list.hasMore.value || looked !== undefined) && (
        <div class="more">
          {looked !== undefined && (
            <span class="quiet small" role="status">
              {list.hasMore.value ? "Looked at the newest" : "Looked at all"} {whole(looked)} that match the rest.
            </span>
          )}
          {list.hasMore.value && (
            <Btn busy={list.busy.value} onClick={() => void list.more()}>
              {looked === undefined ? "Show more" : "Look further"}
            </Btn>
          )}
        </div>
      )}
    </>
  )
}
