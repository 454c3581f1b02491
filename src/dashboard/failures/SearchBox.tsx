/** The search box of the failures. Its text stays in the address, so a link shows the same list. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { Btn } from "../parts/Btn.tsx"
import { Icon } from "../parts/Icon.tsx"
import { place, refine } from "../place/Address.ts"
import { Shown } from "../text/ShownText.tsx"

export const SearchBox = ({ wrong }: { readonly wrong: ReadonlyArray<string> }) => {
  const asked = place.value.query["q"] ?? ""
  const text = useSignal(asked)
  useEffect(() => {
    text.value = asked
  }, [asked])
  return (
    <form
      class="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        refine({ q: text.value.trim() })
      }}
    >
      <Icon name="search" />
      <input
        data-search
        type="text"
        aria-label="Search dead letters"
        aria-describedby="search-hint"
        placeholder="consumer:ledger error:PaymentDeclined payload.bank.code:51 since:1h any text"
        autocomplete="off"
        spellcheck={false}
        value={text.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
      />
      {asked !== "" && (
        <Btn
          kind="ghost"
          small
          icon="close"
          label="Clear the search"
          onClick={() => refine({ q: undefined })}
        />
      )}
      <span id="search-hint" class={wrong.length > 0 ? "search-hint warn" : "sr-only"}>
        {wrong.length > 0
          ? (
            <>
              <Shown text={wrong.join(" ")} /> has no usable value. Write since:90m, since:2h or a date, for example.
            </>
          )
          : "Qualifiers: consumer, topic, key, message, error, reason, version, since, until, and payload.a.b for a value. "
            + "Other words are searched in payloads and errors. Press Enter to search."}
      </span>
    </form>
  )
}
