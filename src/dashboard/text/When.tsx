/** A time with its age. The age is what counts at night, and the exact time is one hover or one copy away. */
import { now } from "../data/Clock.ts"
import { ago, clock } from "./Amounts.ts"

export const When = ({ at, exact }: { readonly at: number | null | undefined; readonly exact?: boolean }) => {
  if (at === undefined || at === null || at === 0) return <span class="quiet">–</span>
  const iso = new Date(at).toISOString()
  return (
    <time class="num" dateTime={iso} title={iso}>
      {exact === true ? clock(at, now.value) : ago(at, now.value)}
    </time>
  )
}
