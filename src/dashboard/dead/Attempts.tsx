/** The attempts of a message, newest first, each with its error, its cause and its stack. */
import { useSignal } from "@preact/signals"
import type { Attempt } from "../data/Facts.ts"
import { Chip } from "../parts/Badge.tsx"
import { counted, duration } from "../text/Amounts.ts"
import { CopyButton } from "../text/Copy.tsx"
import { Shown, ShownLines } from "../text/ShownText.tsx"
import { When } from "../text/When.tsx"

/** The most attempts that are shown at first. */
const atFirst = 5

export const Attempts = ({ attempts }: { readonly attempts: ReadonlyArray<Attempt> }) => {
  const all = useSignal(false)
  const newest = attempts.toReversed()
  const shown = all.value ? newest : newest.slice(0, atFirst)
  return (
    <section class="card">
      <div class="card-head">
        <h2>Attempts</h2>
        <span class="quiet small num">{counted(attempts.length, "failed attempt")}</span>
      </div>
      <ol class="attempts">
        {shown.map((one, i) => (
          <AttemptItem key={`${one.at} ${one.attempt}`} of={one} open={i === 0} before={newest[i + 1]} />
        ))}
      </ol>
      {newest.length > shown.length && (
        <div class="more">
          <button type="button" class="btn" onClick={() => (all.value = true)}>
            Show {newest.length - shown.length} earlier
          </button>
        </div>
      )}
    </section>
  )
}

const AttemptItem = (
  { before, of: one, open }: {
    readonly of: Attempt
    readonly before: Attempt | undefined
    readonly open: boolean
  }
) => (
  <li>
    <details open={open}>
      <summary>
        <span class="attempt-number num" title={`Attempt ${one.attempt}`}>{one.attempt}</span>
        <span class="attempt-what">
          <b>
            <Shown text={one.tag} />
          </b>
          <span class="row-sub one-line">
            <Shown text={one.message.split("\n")[0] ?? ""} empty="" />
          </span>
        </span>
        <span class="attempt-when small">
          <When at={one.at} exact />
          {before !== undefined && one.at >= before.at && before.attempt < one.attempt && (
            <span class="row-sub num">+{duration(one.at - before.at)}</span>
          )}
        </span>
      </summary>
      <div class="attempt-body">
        <div class="chips">
          <Chip>{stepOf(one)}</Chip>
          {one.frame !== "" && (
            <Chip>
              <Shown text={one.frame} />
            </Chip>
          )}
          {one.worker !== "" && (
            <Chip>
              worker <Shown text={one.worker} />
            </Chip>
          )}
          {one.codeVersion !== "" && (
            <Chip>
              version <Shown text={one.codeVersion} />
            </Chip>
          )}
        </div>
        {one.message !== "" && (
          <p class="attempt-message">
            <ShownLines text={one.message.slice(0, 20_000)} />
          </p>
        )}
        <ErrorValue error={one.error} />
        <Stack text={one.stack} />
      </div>
    </details>
  </li>
)

const stepOf = ({ failedStep, step }: Attempt): string =>
  failedStep === undefined ? `in ${step}` : `${failedStep.name}, step ${failedStep.position}`

const ErrorValue = ({ error }: { readonly error: unknown }) => {
  const text = JSON.stringify(error, null, 2)
  if (typeof error !== "object" || error === null || Object.keys(error).length === 0) return null
  return (
    <div>
      <h3>Error</h3>
      <pre class="code" tabIndex={0}><ShownLines text={text} /></pre>
    </div>
  )
}

/** Returns whether a line of a stack is of this project, and not of a package, Node or Millrace. */
const isOwn = (line: string): boolean => /^\s*at /.test(line) && !/node_modules|node:|\/millrace\//.test(line)

const Stack = ({ text }: { readonly text: string }) => {
  if (text === "") return null
  const lines = text.split("\n")
  return (
    <details class="stack-trace">
      <summary>
        Stack <span class="quiet">· {counted(lines.filter(isOwn).length, "own frame")}</span>
      </summary>
      <div class="code-box">
        <pre class="code" tabIndex={0}>
          {lines.map((line, i) => (
            <span class={`line${isOwn(line) ? " is-own" : /^\s*at /.test(line) ? " is-foreign" : ""}`} key={i}>
              <Shown text={line} empty="" />{"\n"}
            </span>
          ))}
        </pre>
        <CopyButton text={text} label="Copy the stack">Copy</CopyButton>
      </div>
    </details>
  )
}
