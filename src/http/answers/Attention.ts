/**
 * Decides what an operator should look at first, the worst first.
 */
import type { ConsumerFacts } from "../../ops/ConsumerFacts.ts"
import * as Fact from "../../ops/Fact.ts"
import type { FailureFacts } from "../../ops/FailureFacts.ts"
import type { UnroutedFacts } from "../../ops/MessageFacts.ts"
import type { RedriveRun } from "../../ops/RedriveRun.ts"
import type { Attention } from "../schema/LiveSchema.ts"

type Item = typeof Attention.Type

/** The facts that the decision needs. */
interface Facts {
  readonly consumers: ReadonlyArray<ConsumerFacts>
  readonly failures: ReadonlyArray<FailureFacts>
  readonly runs: ReadonlyArray<RedriveRun>
  readonly unrouted: ReadonlyArray<UnroutedFacts>
}

const messages = (count: Fact.Count, one: string, many: string): string =>
  count.value === 1 && count.kind === "exact" ? `1 ${one}` : `${Fact.show(count)} ${many}`

/** The most failure groups that are named. */
const mostGroups = 5

/** Returns what an operator should look at. */
export const of = ({ consumers, failures, runs, unrouted }: Facts): ReadonlyArray<Item> => [
  ...runs.flatMap(({ consumer, id, stopped }): ReadonlyArray<Item> =>
    stopped === undefined ? [] : [{ about: "stoppedRun", consumer, id, sentence: stopped.sentence }]
  ),
  ...consumers.flatMap(({ consumer, lag: { cause, sentence } }): ReadonlyArray<Item> =>
    cause._tag === "NoWorker"
      ? [{ about: "noWorker", consumer, sentence }]
      : cause._tag === "CommitWaits"
      ? [{ about: "blocked", consumer, sentence }]
      : []
  ),
  ...consumers.flatMap(({ consumer, parkedKeys }): ReadonlyArray<Item> =>
    parkedKeys.value === 0 ? [] : [{
      about: "parkedKeys",
      consumer,
      sentence: `${messages(parkedKeys, "key waits", "keys wait")} until an operator decides about a dead letter.`
    }]
  ),
  ...failures.slice(0, mostGroups).map(({ consumer, deadLetters, fingerprint, tag }): Item => ({
    about: "deadLetters",
    consumer,
    id: fingerprint,
    sentence: `${messages(deadLetters, "dead letter", "dead letters")} of ${tag}.`
  })),
  ...consumers.flatMap(({ consumer, paused }): ReadonlyArray<Item> =>
    paused === undefined ? [] : [{
      about: "paused",
      consumer,
      sentence: `Paused by ${paused.by}${paused.note === "" ? "" : `: ${paused.note}`}.`
    }]
  ),
  ...unrouted.map(({ messages: count, topic }): Item => ({
    about: "unrouted",
    id: topic,
    sentence: `${messages(count, "message", "messages")} of topic ${topic} that no consumer reads.`
  }))
]
