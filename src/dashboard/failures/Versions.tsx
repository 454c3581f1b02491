/** The versions on which messages died, against the versions that run now. */
import { Shown } from "../text/ShownText.tsx"

export const Versions = (
  { diedOn, runningNow }: { readonly diedOn: ReadonlyArray<string>; readonly runningNow: ReadonlyArray<string> }
) => {
  const known = diedOn.filter((version) => version !== "")
  if (known.length === 0) return <span class="quiet" title="Workers without codeVersion">–</span>
  const other = runningNow.filter((version) => version !== "" && !diedOn.includes(version))
  return (
    <span class="versions">
      <Shown text={known.slice(0, 3).join(", ")} />
      {known.length > 3 && ` and ${known.length - 3} more`}
      {runningNow.length === 0
        ? <span class="row-sub">nothing runs now</span>
        : other.length > 0
        ? (
          <span class="row-sub ok">
            now <Shown text={other.join(", ")} />
          </span>
        )
        : <span class="row-sub">runs now, too</span>}
    </span>
  )
}
