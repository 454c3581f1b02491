/**
 * Commits the waiting messages of a key in one transaction.
 *
 * If each transaction had one message of a key, a hot key would wait for a COMMIT for each message. If only pure steps
 * come before the commit phase, a message can run them before the message ahead is committed. No code can observe the
 * difference. So the messages that wait behind another one join its group, and the committer keeps their order.
 *
 * A message joins only if it has never failed, and only behind a message that has never failed. So a poison message
 * delays its own key alone. A follower that was not committed is put back before the message ahead of it is settled,
 * and no attempt is counted. Later the follower has a turn and an attempt of its own.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Delivery } from "../../Delivery.ts"
import { contained } from "../../internal/HandlerResult.ts"
import * as Tracing from "../../internal/Tracing.ts"
import type { Message } from "../../Message.ts"
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
  /**
   * Commits this message and returns its outcome. The messages behind it in its key join the transaction where that is
   * safe.
   */
  readonly commit: (head: Ready) => Effect.Effect<MemberOutcome>
}

/** A message that joins the transaction of the message ahead. */
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
  /** Decodes a message and runs its steps up to the commit phase. Fails if the message must not join. */
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
        outcomes.addMember(head.context, outcome)
        return Effect.succeed(outcome)
      })
  if (most < 1 || !Steps.arePure(pipeline.steps)) return { commit }

  /** Prepares entries up to the first one that fails. Returns the prepared ones. */
  const prepare = (entries: ReadonlyArray<Entry>): Effect.Effect<ReadonlyArray<Follower>> =>
    Effect.suspend(() => {
      const followers: Array<Follower> = []
      // Prepares in a fiber of its own, since a follower's Schema may end the fiber in which it runs. The fiber of the
      // message ahead must not end by that.
      return Effect.as(Effect.exit(contained(preparing(entries, followers))), followers)
    })

  const preparing = Effect.fnUntraced(function*(entries: ReadonlyArray<Entry>, followers: Array<Follower>) {
    const clock = yield* Clock.Clock
    for (const entry of entries) {
      const began = clock.monotonicTimeNanosUnsafe()
      const prepared = yield* Effect.exit(options.prepare(entry.delivery))
      if (prepared._tag === "Failure") break
      // Only a span that is ended is sent. So the span of a follower that is put back, and is never ended, leaves no
      // trace.
      const span = yield* spans.begin(entry.delivery, prepared.value.context)
      followers.push({ entry, began, ready: { ...prepared.value, span } })
    }
  })

  const settle = Effect.fnUntraced(function*({ began, entry, ready: { span } }: Follower, outcome: MemberOutcome) {
    inFlight.settled(entry)
    yield* counters.attempt(entry.delivery, began)
    yield* options.settled(entry.delivery, outcome)
    if (span !== undefined) yield* Tracing.end(span, undefined, "")
  })

  const putBack = (of: Message, entries: ReadonlyArray<Entry>) =>
    Effect.forEach(inFlight.putBack(of, entries), ({ delivery }) => counters.outcome(delivery, "released"), {
      discard: true
    })

  const together = (head: Ready): Effect.Effect<MemberOutcome> =>
    Effect.uninterruptibleMask((restore) => {
      const { message } = head.delivery
      const left = new Set(inFlight.takeBehind(head.delivery, most))
      return restore(Effect.flatMap(
        prepare([...left]),
        (followers) =>
          committer.commitThen([head, ...followers.map(({ ready }) => ready)], ([outcome, ...ofFollowers]) => {
            // The outcomes of all members are added here, in order. Otherwise an outcome of a follower could come
            // before the outcome of the message ahead.
            outcomes?.addMember(head.context, outcome)
            followers.forEach(({ ready }, i) => outcomes?.addMember(ready.context, ofFollowers[i]!))
            return Effect.as(
              Effect.forEach(followers, (follower, i) => {
                if (!passed(ofFollowers[i]!)) return Effect.void
                left.delete(follower.entry)
                return settle(follower, ofFollowers[i]!)
              }, { discard: true }),
              outcome
            )
          })
      )).pipe(Effect.ensuring(Effect.suspend(() => putBack(message, [...left]))))
    })

  return {
    commit: (head) =>
      head.context.attempt === 1 && head.delivery.redrive === undefined &&
        inFlight.waitsBehind(head.delivery.message)
        ? together(head)
        : commit(head)
  }
}
