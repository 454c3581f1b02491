/**
 * The table of all lists: aligned columns on a wide screen, cards of two lines on a phone. Roles are written out,
 * because a browser drops those of a table that is laid out as cards.
 */
import type { ComponentChildren } from "preact"
import { Shown } from "../text/ShownText.tsx"

export interface Column<A> {
  readonly title: string
  readonly cell: (row: A) => ComponentChildren
  /** Right-aligned, with digits of one width. */
  readonly numeric?: boolean
  /** On a phone: the first line of the card, a fact of its second line, or left out. Default: a fact. */
  readonly phone?: "title" | "end" | "fact" | "hide"
  /** Takes the room that is left. */
  readonly wide?: boolean
}

export function Grid<A>(
  { caption, columns, idOf, muted, rows, select }: {
    readonly caption: string
    readonly columns: ReadonlyArray<Column<A>>
    readonly rows: ReadonlyArray<A>
    readonly idOf: (row: A) => string
    /** Rows that are no longer what the list shows: decided meanwhile. */
    readonly muted?: (row: A) => boolean
    readonly select?: {
      readonly chosen: ReadonlySet<string>
      readonly onToggle: (id: string) => void
      readonly nameOf: (row: A) => string
    } | undefined
  }
) {
  return (
    <div class="grid-box" role="region" aria-label={caption} tabIndex={0}>
      <table class="grid" role="table" aria-label={caption}>
        <thead role="rowgroup">
          <tr role="row">
            {select !== undefined && (
              <th role="columnheader" class="is-select">
                <span class="sr-only">Select</span>
              </th>
            )}
            {columns.map(({ numeric, title, wide }) => (
              <th
                key={title}
                role="columnheader"
                scope="col"
                class={`${numeric === true ? "is-numeric" : ""}${wide === true ? " is-wide" : ""}`}
              >
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => {
            const id = idOf(row)
            return (
              <tr key={id} role="row" data-row={id} class={muted?.(row) === true ? "is-muted" : ""}>
                {select !== undefined && (
                  <td role="cell" class="is-select">
                    <label class="check">
                      <input type="checkbox" checked={select.chosen.has(id)} onChange={() => select.onToggle(id)} />
                      <span class="sr-only">
                        Select <Shown text={select.nameOf(row)} />
                      </span>
                    </label>
                  </td>
                )}
                {columns.map(({ cell, numeric, phone = "fact", title }) => (
                  <td
                    key={title}
                    role="cell"
                    class={`is-${phone}${numeric === true ? " is-numeric" : ""}`}
                    data-title={title}
                  >
                    {cell(row)}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}
