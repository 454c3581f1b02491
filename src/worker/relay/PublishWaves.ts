/**
 * Publishes messages of a relay in waves: all messages that wait now, in one request. A wave has one message of a key,
 * and one of an id, at most. So a partial failure lets no later message of a key pass.
 *
 * A message waits here until the other engine has confirmed it. After a failure that passes, the rest of the wave is
 * published again under the same ids, with backoff, and no attempt is counted. A wave that waits does not delay the
 * others. A failure that does not pass halts the relay.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { type PublishFailed, RelayRefused, type StoreFailure, TransportError } from "../../Errors.ts"
import * as Backoff from "../../internal/Backoff.ts"
import type { Message } from "../../Message.ts"
import type { Transport } from "../../Transport.ts"
import * as FailingSince from "../observe/FailingSince.ts"

/** A message that waits for its confirmation. */
interface Waiting {
  readonly message: Message
  readonly done: Deferred.Deferred<void, RelayRefused>
  /** Whether its attempt was interrupted, because its lease was lost or the worker stops. */
  abandoned: boolean
}

export interface PublishWaves {
  /** Completes when the other engine has confirmed the message. An interruption takes the message out of the waves. */
  readonly publish: (message: Message) => Effect.Effect<void, RelayRefused>
  /** Fails when the other engine has failed permanently. */
  readonly halted: Effect.Effect<never, TransportError>
  /**
   * Returns since when the other engine has confirmed nothing although messages were sent to it. Returns undefined if
   * no message waits for another try.
   */
  readonly failing: () => FailingSince.FailingSince | undefined
}

export interface WaveOptions {
  /** The consumer of the relay, for log lines. */
  readonly consumer: string
  readonly target: Pick<Transport["Service"], "publish">
  /** The most messages of one request. */
  readonly most: number
  /** How many requests run at the same time. */
  readonly requests: number
}

type PublishError = TransportError | StoreFailure | PublishFailed

/** Returns the messages of the next wave, and those that have to wait for the one after it. */
const split = (waiting: ReadonlyArray<Waiting>): readonly [wave: Array<Waiting>, rest: Array<Waiting>] => {
  const [wave, rest]: [Array<Waiting>, Array<Waiting>] = [[], []]
  const [keys, ids] = [new Set<string>(), new Set<string>()]
  for (const each of waiting) {
    const { id, key } = each.message
    if (keys.has(key) || ids.has(id)) rest.push(each)
    else wave.push(each)
    keys.add(key)
    ids.add(id)
  }
  return [wave, rest]
}

/** Returns the error that halts the relay, or undefined if the failure passes or concerns single messages. */
const permanent = (error: PublishError): TransportError | undefined => {
  switch (error._tag) {
    case "TransportError":
      return error.kind === "permanent" ? error : undefined
    case "StoreFailure":
      return error.kind === "refused" ? halting(error.message) : undefined
    case "PublishFailed":
      return undefined
  }
}

const halting = (detail: string): TransportError =>
  new TransportError({ engine: "relay", operation: "publish", kind: "permanent", detail })

export const make = Effect.fnUntraced(function*(
  { consumer, most, requests, target }: WaveOptions
): Effect.fn.Return<PublishWaves, never, Scope.Scope> {
  // The worker bounds the queue, since each of its attempts offers one message. The next wave skips abandoned ones.
  const queue = yield* Queue.unbounded<Waiting>()
  const halted = yield* Deferred.make<never, TransportError>()
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  /** The requests that are tried again, by their place. It is emptied whenever the other engine decides a message. */
  const failing = new Map<number, FailingSince.FailingSince>()

  /** Ends the messages that a partial failure has decided. Returns those that are published again. */
  const decided = (wave: ReadonlyArray<Waiting>, error: PublishError): ReadonlyArray<Waiting> => {
    if (error._tag !== "PublishFailed") return wave
    const failed = new Map(error.failed.map((each) => [each.id, each]))
    return wave.filter(({ done, message: { id, topic } }) => {
      const failure = failed.get(id)
      if (failure !== undefined && failure.outcome !== "refused") return true
      Deferred.doneUnsafe(
        done,
        failure === undefined
          ? Effect.void
          : Effect.fail(new RelayRefused({ engine: error.engine, topic, id, detail: failure.detail }))
      )
      return false
    })
  }

  const send = (place: number, waiting: ReadonlyArray<Waiting>, tries: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const [wave, rest] = split(waiting.filter(({ abandoned }) => !abandoned))
      if (wave.length === 0) {
        failing.delete(place)
        return Effect.void
      }
      return Effect.matchCauseEffect(target.publish(wave.map(({ message }) => message)), {
        onSuccess: () => {
          for (const { done } of wave) Deferred.doneUnsafe(done, Effect.void)
          failing.clear()
          return send(place, rest, 0)
        },
        onFailure: (cause) => {
          // An interruption of this fiber does not reach this handler. A cause without a typed error is a bug of the
          // other engine, even if the cause is an interruption.
          const error = Cause.findErrorOption(cause)
          if (error._tag === "None") return halt(halting(`publish died: ${String(Cause.squash(cause)).slice(0, 300)}`))
          const fatal = permanent(error.value)
          if (fatal !== undefined) return halt(fatal)
          const again = decided(wave, error.value)
          if (again.length < wave.length) failing.clear()
          if (again.length === 0) return send(place, rest, 0)
          failing.set(place, FailingSince.more(failing.get(place), now(), error.value.message))
          return Effect.logWarning(
            `The relay could not publish ${again.length} messages; it is tried again. ${error.value.message}`
          ).pipe(
            Effect.annotateLogs({ consumer }),
            Effect.andThen(Backoff.pause(tries, { first: 50, cap: 5000 })),
            Effect.andThen(send(place, [...again, ...rest], tries + 1))
          )
        }
      })
    })
  const halt = (error: TransportError): Effect.Effect<never> =>
    Effect.andThen(Deferred.fail(halted, error), Effect.never)

  const waves = (place: number) =>
    Effect.forever(Effect.flatMap(Queue.takeBetween(queue, 1, most), (waiting) => send(place, waiting, 0)))
  yield* Effect.forEach(Array.from({ length: requests }), (_, place) => Effect.forkScoped(waves(place)), {
    discard: true
  })

  const publish = (message: Message): Effect.Effect<void, RelayRefused> =>
    Effect.suspend(() => {
      const waiting: Waiting = { message, done: Deferred.makeUnsafe(), abandoned: false }
      Queue.offerUnsafe(queue, waiting)
      return Effect.onInterrupt(Deferred.await(waiting.done), () =>
        Effect.sync(() => {
          waiting.abandoned = true
        }))
    })
  return {
    publish,
    halted: Deferred.await(halted),
    failing: () => [...failing.values()].toSorted((a, b) => a.since - b.since)[0]
  }
})
