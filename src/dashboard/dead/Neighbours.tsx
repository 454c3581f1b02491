/** The way to the next and the previous dead letter: of the list that the operator came from, or of the failure. */
import { show } from "../../ops/Fact.ts"
import type { DeadLetter } from "../data/Facts.ts"
import * as Api from "../data/Requests.ts"
import { useResource } from "../data/Resource.ts"
import { type Trail, trail } from "../failures/Trail.ts"
import { Btn } from "../parts/Btn.tsx"
import { go, to } from "../place/Address.ts"
import { useKeys } from "../shell/Shortcuts.ts"
import { whole } from "../text/Amounts.ts"

export const Neighbours = ({ of }: { readonly of: DeadLetter }) => {
  const came = trail.value
  return came?.ids.includes(of.id) === true ? <Steps id={of.id} trail={came} /> : <OfGroup of={of} />
}

/** Steps through the newest open dead letters of the same failure, for a page without a list. */
const OfGroup = ({ of: { consumer, fingerprint, id } }: { readonly of: DeadLetter }) => {
  const group = useResource(
    `neighbours ${consumer} ${fingerprint}`,
    (signal) => Api.deadLetters({ consumer, failure: fingerprint, limit: 200 }, signal),
    "once"
  )
  const page = group.state.value.value
  const ids = page?.data.map((one) => one.id) ?? []
  return ids.includes(id) ? <Steps id={id} trail={{ ids, count: page?.count, more: undefined }} /> : null
}

const Steps = ({ id, trail: { count, ids, more } }: { readonly id: string; readonly trail: Trail }) => {
  const at = ids.indexOf(id)
  const next = async () => {
    if (at < ids.length - 1) return go(to.deadLetter(ids[at + 1]!))
    await more?.()
    const later = trail.value?.ids[at + 1]
    if (later !== undefined) go(to.deadLetter(later))
  }
  const previous = () => at > 0 && go(to.deadLetter(ids[at - 1]!))
  useKeys({ j: () => void next(), k: previous })
  return (
    <span class="steps" role="group" aria-label="Dead letters of the list">
      <Btn
        small
        icon="left"
        label="Previous (k)"
        off={at > 0 ? undefined : "This is the first one."}
        onClick={previous}
      />
      <span class="num">
        {whole(at + 1)} of {count === undefined ? `${whole(ids.length)}${more === undefined ? "" : "+"}` : show(count)}
      </span>
      <Btn
        small
        icon="right"
        label="Next (j)"
        off={at < ids.length - 1 || more !== undefined ? undefined : "This is the last one."}
        onClick={() => void next()}
      />
    </span>
  )
}
