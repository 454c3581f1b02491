/** Every list, count and group that an operator can ask of the services, with filters that fit many, few or nothing. */
import { Effect, Result } from "effect"
import { Audit, Consumers, type DeadLetter, DeadLetters } from "millrace"
import { DeadLetterSearch, Operations } from "millrace/ops"

/** Filters of dead letters. A name says what they fit. */
const filters: Readonly<Record<string, DeadLetter.Filter>> = {
  "all": {},
  "one consumer": { consumer: "c", state: "open" },
  "an empty consumer": { consumer: "other", state: "open" },
  "one key": { key: "x77" },
  "one message": { id: "d77" },
  "one group": { fingerprint: "Declined@steps f7", state: "open" },
  "two groups": { fingerprint: ["Declined@steps f7", "Declined@steps f8"], state: "open" },
  "no such group": { fingerprint: "none", state: "open" },
  "one tag": { tag: "Declined", state: "open" },
  "no such tag": { tag: "none" },
  "no such topic": { topic: "none", state: "open" },
  "no such reason": { reason: "crashed", state: "open" },
  "discarded": { state: "discarded" },
  "the oldest minute": { until: 1 },
  "since long ago": { since: 1 }
}

/** The operations of one filter. A set of one consumer can be previewed, too. */
const ofFilter = (operations: Operations.Operations["Service"], name: string, filter: DeadLetter.Filter) => ({
  [`DeadLetters.list, ${name}`]: DeadLetters.list(filter),
  [`DeadLetters.groups, ${name}`]: DeadLetters.groups(filter),
  [`DeadLetters.freeze, ${name}`]: DeadLetters.freeze(filter),
  [`Operations.count, ${name}`]: operations.count({ of: "deadLetters", filter }),
  [`Operations.previewRedrive, ${name}`]: operations.previewRedrive({ ...filter, consumer: filter.consumer ?? "c" }),
  [`Operations.searchDeadLetters, ${name}`]: operations.searchDeadLetters(filter)
})

const searches = ({ count, searchDeadLetters }: Operations.Operations["Service"]) => ({
  "Operations.searchDeadLetters, a text that none has": searchDeadLetters({ text: "not there" }),
  "Operations.searchDeadLetters, a text that all have": searchDeadLetters({ text: "declined" }),
  "Operations.searchDeadLetters, a value that none has": searchDeadLetters({
    payload: Result.getOrThrow(DeadLetterSearch.payloadValue("bank.code:51"))
  }),
  "Operations.searchDeadLetters, one version": searchDeadLetters({ version: "1.4.1" }),
  "Operations.searchDeadLetters, no such version": searchDeadLetters({ version: "9", state: "open" }),
  "Operations.count, one version": count({ of: "deadLetters", filter: { version: "1.4.1" } }),
  "Operations.count, waiting": count({ of: "waiting", filter: { consumer: "c" } }),
  "Operations.count, waiting of one key": count({ of: "waiting", filter: { consumer: "c", key: "k77" } }),
  "Operations.count, held keys": count({ of: "keys", filter: {} }),
  "Operations.count, audit": count({ of: "audit", filter: {} }),
  "Operations.count, audit of an operator that did nothing": count({ of: "audit", filter: { by: "ben" } })
})

/** A count of a million that is asked for by name. It has 10 seconds, and is no part of the bar. */
export const exactCounts = Effect.map(Operations.Operations, ({ count }) => {
  const all = { exactWithin: "10 seconds" } as const
  return {
    "exact count of dead letters": count({ of: "deadLetters", filter: {} }, all),
    "exact count of dead letters, open": count({ of: "deadLetters", filter: { state: "open" } }, all),
    "exact count of dead letters, one tag": count({ of: "deadLetters", filter: { tag: "Declined" } }, all),
    "exact count of waiting messages": count({ of: "waiting", filter: { consumer: "c" } }, all),
    "exact count of audit entries": count({ of: "audit", filter: {} }, all)
  }
})

export const questions = Effect.gen(function*() {
  const facts = yield* Operations.Operations
  const [newest] = yield* DeadLetters.list({ limit: 1 })
  const before = String(Math.floor(Number(newest!.id) / 2)).padStart(16, "0")
  return {
    "Operations.consumers": facts.consumers,
    "Operations.consumer": facts.consumer("c"),
    "Operations.stuckKeys": facts.stuckKeys(),
    "Operations.stuckKeys, paused": facts.stuckKeys({ hold: "paused" }),
    "Operations.failures": facts.failures(),
    "Operations.failures, one consumer": facts.failures({ consumer: "c" }),
    "Operations.failures, no such topic": facts.failures({ topic: "none" }),
    "Operations.failures, a text that none has": facts.failures({ text: "not-there" }),
    "Operations.failureHistory": facts.failureHistory("c", "Declined@steps f7", { since: 1 }),
    "Operations.redrives": facts.redrives(),
    "Operations.redriveRuns": facts.redriveRuns(),
    "Operations.workers": facts.workers,
    "Operations.lanes": facts.lanes("c"),
    "Operations.suspects": facts.suspects(),
    "Operations.delayed": facts.delayed,
    "Operations.unrouted": facts.unrouted,
    "Operations.series": facts.series("c"),
    "Operations.series, a day": facts.series("c", { from: 1 }),
    "Operations.find, a dead letter": facts.find("d77"),
    "Operations.find, a waiting message": facts.find("m77"),
    "Operations.find, with the key": facts.find("m77", { key: "k77" }),
    "Operations.find, no such message": facts.find("none"),
    "Operations.storedMessages, with the key": facts.storedMessages("m77", { key: "k77" }),
    "Operations.storedMessages": facts.storedMessages("m77"),
    "Operations.waiting": facts.waiting("c"),
    "Operations.waiting, one key": facts.waiting("c", { key: "k77" }),
    "Operations.blockers": facts.blockers,
    "Operations.oldestSnapshot": facts.oldestSnapshot,
    "Operations.storage": facts.storage,
    "Consumers.list": Consumers.list,
    "Consumers.heldKeys": Consumers.heldKeys("c"),
    "Audit.list": Audit.list(),
    "Audit.list, one operator": Audit.list({ by: "ben" }),
    "Audit.list, one consumer": Audit.list({ consumer: "other" }),
    "Audit.list, one action": Audit.list({ action: "paused" }),
    "Audit.list, about consumers": Audit.list({ about: "consumers" }),
    "DeadLetters.list, a page in the middle": DeadLetters.list({ before }),
    "DeadLetters.list, a page in the middle of one consumer": DeadLetters.list({
      before,
      consumer: "c",
      state: "open"
    }),
    ...Object.assign({}, ...Object.entries(filters).map(([name, filter]) => ofFilter(facts, name, filter))),
    ...searches(facts)
  } as Readonly<Record<string, Effect.Effect<unknown, unknown, Operations.Operations>>>
})
