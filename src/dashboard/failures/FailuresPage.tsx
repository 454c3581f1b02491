/** Failure groups: what fails, on which versions, and which versions run now. A narrower search lists dead letters. */
import { now } from "../data/Clock.ts"
import { Head } from "../parts/Head.tsx"
import { Tabs } from "../parts/Tabs.tsx"
import { place, refine } from "../place/Address.ts"
import { DeadLetterList } from "./DeadLetterList.tsx"
import { GroupTable } from "./GroupTable.tsx"
import * as Search from "./Search.ts"
import { SearchBox } from "./SearchBox.tsx"

/** Returns the search of the address. Links of other pages may name a consumer alone. */
const asked = (): Search.Asked => {
  const { consumer, q = "" } = place.value.query
  const found = Search.parse(q, now.peek())
  return consumer === undefined ? found : { ...found, filter: { consumer, ...found.filter } }
}

const narrow = ["key", "message", "topic", "reason", "error", "until", "version", "text", "payload", "failure"] as const

export const FailuresPage = () => {
  const { filter, wrong } = asked()
  const { view } = place.value.query
  const listed = view === "list" || narrow.some((name) => filter[name] !== undefined)
  return (
    <>
      <Head title="Failures" name="Failures">Open dead letters, grouped by cause.</Head>
      <div class="toolbar">
        <SearchBox wrong={wrong} />
        <Tabs
          label="How failures are shown"
          tabs={[["groups", "Groups"], ["list", "Dead letters"]]}
          value={listed ? "list" : "groups"}
          onChange={(value) =>
            refine({ view: value === "list" ? "list" : undefined, ...(value === "groups" && listed ? { q: "" } : {}) })}
        />
      </div>
      {listed
        ? (
          <section class="card">
            <DeadLetterList filter={filter} state={place.value.query["state"]} />
          </section>
        )
        : <GroupTable filter={filter} />}
    </>
  )
}
