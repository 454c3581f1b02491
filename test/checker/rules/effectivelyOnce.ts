/**
 * Rule 2, effectively once: no (consumer, message id) stands in the ledger twice.
 *
 * @since 0.1.0
 */
import { Findings, type Rule } from "./Rule.ts"

export const effectivelyOnce: Rule = (index, expectations) => {
  const findings = new Findings("effectivelyOnce", expectations)
  const again = new Set(expectations.atLeastOnce)
  let extra = 0
  for (const { commit, consumer, message, more } of index.recommitted) {
    extra += more.length
    const second = more[0]
    if (again.has(consumer) || commit === undefined || second === undefined) continue
    findings.add(
      { consumer, ids: [message.id] },
      () =>
        `The effect of message ${message.id} was committed ${1 + more.length} times for consumer "${consumer}": by `
        + `${commit.worker}${under(commit.token)} and again by ${second.worker}${
          under(second.token)
        }. The inbox must let `
        + `one of them pass.`
    )
  }
  return findings.outcome({
    committed: index.commits - extra,
    "committed and redelivered": index.handedOverAgain.filter((life) => life.commit !== undefined).length,
    "published more than once": index.publishedAgain,
    "committed again": extra
  })
}

const under = (token: number | undefined): string => token === undefined ? "" : ` under token ${token}`
