/**
 * A key's waiting run goes into one transaction.
 *
 * One message of a key at a time is a COMMIT for each, and a hot key waits for every one of them. Where only pure operators stand
 * before the commit phase, nobody can tell whether a message was decoded before or after the one ahead of it was committed: so what
 * waits behind a message goes into the group with it, and the committer keeps their order.
 *
 * Only what has never failed goes along, and only behind what has never failed, so that a poison message holds up nobody but its
 * own key. What did not get through is put back, uncounted, before the message ahead of it is dealt with: then its turn comes,
 * and what fails in its turn is its own attempt.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Delivery } from "../../Delivery.ts"
import { contained } from "../../internal/HandlerResult.ts"
import * as Tracing from "../../internal/Tracing.ts"
import type * as Pipeline from "../../Pipeline.ts"
import type * as Store from "../../Store.ts"
import type { Committer } from "../commit/Committer.ts"
import { type MemberOutcome, passed, type Ready } from "../commit/GroupCommit.ts"
import type { Entry, InFlight } from "../fetch/InFlight.ts"
import type { Counters } from "../observe/Counters.ts"
import type { OutcomeSink } from "../observe/Outcomes.ts"
import type { Spans } from "../observe/Spans.ts"
import * as Steps from "./Steps.ts"

export interface KeyBatch {
  /** Waits until the transaction of this message has ended, and takes what waits behind it along where that is safe. */
  readonly commit: (head: Ready) => Effect.Effect<MemberOutcome>
}

/** One that goes along. */
interface Follower {
  readonly entry: Entry
  readonly ready: Ready
  readonly began: bigint
}

interface Options {
  readonly pipeline: Pipeline.Pipeline<unknown, unknown, unknown>
  readonly store: Store.Store["Service"]
  readonly inFlight: InFlight
  readonly committer: Committer
  readonly spans: Spans
  readonly counters: Counters
  readonly outcomes: OutcomeSink | undefined
  /** Decodes a message and runs its operators up to the commit phase; fails if it must not go along. */
  readonly prepare: (delivery: Delivery) => Effect.Effect<Omit<Ready, "span">, unknown>
  /** What follows when a message's commit has decided. */
  readonly settled: (delivery: Delivery, outcome: MemberOutcome) => Effect.Effect<void>
}

export const make = (options: Options): KeyBatch => {
  const { committer, counters, inFlight, outcomes, pipeline, spans, store } = options
  const most = Math.min(store.maxGroup, pipeline.settings.group) - 1
  const commit: KeyBatch["commit"] = outcomes === undefined
    ? committer.commit
    : (head) =>
      committer.commitThen([head], ([outcome]) => {
        outcomes.addMember(head.delivered, outcome)
        return Effect.succeed(outcome)
      })
  if (most < 1 || !Steps.arePure(pipeline.steps)) return { commit }

  /** Those of the entries that can be committed, up to the first one that cannot. */
  const prepare = (entries: ReadonlyArray<Entry>): Effect.Effect<ReadonlyArray<Follower>> =>
    Effect.suspend(() => {
      const followers: Array<Follower> = []
      // In a fiber of its own: one that a follower's Schema ends is not the one of the message ahead of it.
      return Effect.as(Effect.exit(contained(preparing(entries, followers))), followers)
    })

  const preparing = Effect.fnUntraced(function*(entries: ReadonlyArray<Entry>, followers: Array<Follower>) {
    const clock = yield* Clock.Clock
    for (const entry of entries) {
      const began = clock.monotonicTimeNanosUnsafe()
      const prepared = yield* Effect.exit(options.prepare(entry.delivery))
      if (prepared._tag === "Failure") break
      // Never ended, it is never sent: an attempt that does not take place leaves no span.
      const span = yield* spans.begin(entry.delivery, prepared.value.delivered)
      followers.push({ entry, began, ready: { ...prepared.value, span } })
    }
  })

  const settle = Effect.fnUntraced(function*({ began, entry, ready: { span } }: Follower, outcome: MemberOutcome) {
    inFlight.settled(entry)
    yield* counters.attempt(entry.delivery, began)
    yield* options.settled(entry.delivery, outcome)
    if (span !== undefined) yield* Tracing.end(span, undefined, "")
  })

  const putBack = (key: string, entries: ReadonlyArray<Entry>) =>
    Effect.forEach(inFlight.putBack(key, entries), ({ delivery }) => counters.outcome(delivery, "released"), {
      discard: true
    })

  const together = (head: Ready): Effect.Effect<MemberOutcome> =>
    Effect.uninterruptibleMask((restore) => {
      const { key } = head.delivery.message
      const left = new Set(inFlight.takeBehind(head.delivery, most))
      return restore(Effect.flatMap(
        prepare([...left]),
        (followers) =>
          committer.commitThen([head, ...followers.map(({ ready }) => ready)], ([outcome, ...ofFollowers]) => {
            // All of them here: the key's later outcomes must not come before the first one.
            outcomes?.addMember(head.delivered, outcome)
            followers.forEach(({ ready }, i) => outcomes?.addMember(ready.delivered, ofFollowers[i]!))
            return Effect.as(
              Effect.forEach(followers, (follower, i) => {
                if (!passed(ofFollowers[i]!)) return Effect.void
                left.delete(follower.entry)
                return settle(follower, ofFollowers[i]!)
              }, { discard: true }),
              outcome
            )
          })
      )).pipe(Effect.ensuring(Effect.suspend(() => putBack(key, [...left]))))
    })

  return {
    commit: (head) =>
      head.delivered.attempt === 1 && head.delivery.redrive === undefined &&
        inFlight.waitsBehind(head.delivery.message.key)
        ? together(head)
        : commit(head)
  }
}
