/**
 * Commits the waiting messages of a key in one transaction.
 *
 * With one message of a key at a time, a hot key waits for a COMMIT for each. If only pure steps come before the commit
 * phase, it cannot be observed whether the message ahead was committed before the next was decoded. So the messages
 * that wait behind another join its group, and the committer keeps their order.
 *
 * A message joins only if it has never failed, and only behind a message that has never failed. So a poison message
 * delays its own key alone. A follower that was not committed is put back, uncounted, before the message ahead of it is
 * settled. Then it has a turn and an attempt of its own.
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
  /** Waits until the transaction of this message has ended. The messages behind it join where that is safe. */
  readonly commit: (head: Ready) => Effect.Effect<MemberOutcome>
}

/** A message that joins. */
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
  /** Decodes a message and runs its steps up to the commit phase; fails if it must not join. */
  readonly prepare: (delivery: Delivery) => Effect.Effect<Omit<Ready, "span">, unknown>
  /** Settles a delivery as its commit decided. */
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

  /** Prepares the entries that can be committed, up to the first one that cannot. */
  const prepare = (entries: ReadonlyArray<Entry>): Effect.Effect<ReadonlyArray<Follower>> =>
    Effect.suspend(() => {
      const followers: Array<Follower> = []
      // Prepares in a fiber of its own, since a follower's Schema may end its fiber, and must not end the one of the
      // message ahead.
      return Effect.as(Effect.exit(contained(preparing(entries, followers))), followers)
    })

  const preparing = Effect.fnUntraced(function*(entries: ReadonlyArray<Entry>, followers: Array<Follower>) {
    const clock = yield* Clock.Clock
    for (const entry of entries) {
      const began = clock.monotonicTimeNanosUnsafe()
      const prepared = yield* Effect.exit(options.prepare(entry.delivery))
      if (prepared._tag === "Failure") break
      // A span that is never ended is never sent: an attempt that does not take place leaves no span.
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
