/**
 * Rule 2, effectively once: no (consumer, message id) stands in the ledger twice.
 *
 * @since 0.1.0
 */
import { Findings, type Rule } from "./Rule.ts"

export const effectivelyOnce: Rule = (index, expectations) => {
  const findings = new Findings("effectivelyOnce", expectations)
  const occurred = { committed: 0, "committed and redelivered": 0, "published more than once": 0, "committed again": 0 }
  const again = new Set(expectations.atLeastOnce)
  for (const message of index.messages.values()) {
    if (message.acknowledged > 1) occurred["published more than once"]++
    for (const life of message.lives) {
      const { commit, more } = life
      if (commit === undefined) continue
      occurred.committed++
      if (life.redelivered > 0) occurred["committed and redelivered"]++
      if (more.length === 0) continue
      occurred["committed again"]++
      if (again.has(life.consumer)) continue
      const second = more[0]!
      findings.add(
        { consumer: life.consumer, ids: [message.id] },
        () =>
          `The effect of message ${message.id} was committed ${
            1 + more.length
          } times for consumer "${life.consumer}": by `
          + `${commit.worker}${under(commit.token)} and again by ${second.worker}${
            under(second.token)
          }. The inbox must let `
          + `one of them pass.`
      )
    }
  }
  return findings.outcome(occurred)
}

const under = (token: number | undefined): string => token === undefined ? "" : ` under token ${token}`
