/** The search box of the failures. Its text stays in the address, so a link shows the same list. */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { Btn } from "../parts/Btn.tsx"
import { Icon } from "../parts/Icon.tsx"
import { place, refine } from "../place/Address.ts"
import { Shown } from "../text/ShownText.tsx"

export const SearchBox = ({ rest }: { readonly rest: ReadonlyArray<string> }) => {
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
        placeholder="consumer:ledger error:PaymentDeclined since:1h key:acct-77"
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
      <span id="search-hint" class={rest.length > 0 ? "search-hint warn" : "sr-only"}>
        {rest.length > 0
          ? (
            <>
              <Shown text={rest.join(" ")} />{" "}
              is no qualifier. Use consumer:, topic:, key:, message:, error:, reason:, since: or until:
            </>
          )
          : "Qualifiers: consumer, topic, key, message, error, reason, since, until. Press Enter to search."}
      </span>
    </form>
  )
}
