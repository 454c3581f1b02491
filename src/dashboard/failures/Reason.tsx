/** The reason for a dead letter, with its meaning for a newcomer. */
import type { FailureGroup } from "../data/Facts.ts"

const meanings: Readonly<Record<FailureGroup["reason"], string>> = {
  exhausted: "The retry schedule of the message has ended.",
  rejected: "The error rules out another attempt.",
  undecodable: "The payload does not decode.",
  crashed: "Processes died several times while the message was in flight."
}

export const Reason = ({ of }: { readonly of: FailureGroup["reason"] }) => (
  <span class="chip" title={meanings[of]}>{of}</span>
)

export const meaningOf = (reason: FailureGroup["reason"]): string => meanings[reason]
