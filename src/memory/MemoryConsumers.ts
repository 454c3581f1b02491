/**
 * The consumers of the memory store, and the operator actions on them.
 *
 * Each action is one transition, or one write of the ambient transaction.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Entry } from "../Audit.ts"
import { retriedMillis, unsubscribed } from "../DeadLetter.ts"
import {
  ConsumerBusy,
  ConsumerNotFound,
  NotSubscribed,
  PauseConflict,
  StoreFailure,
  WorkerNotFound
} from "../Errors.ts"
import * as Page from "../internal/Page.ts"
import { ofMessage } from "../MessageId.ts"
import type { Consumer, ConsumerStore, Force } from "../Store.ts"
import type { Lane, Row } from "./MemoryLane.ts"
import type { MemoryQueue } from "./MemoryQueue.ts"
import { type MemoryState, secondOf } from "./MemoryStore.ts"
import { write } from "./MemoryTransaction.ts"

/** Returns the number of the consumer's dead letters that are open or being redriven. */
const countDeadLetters = (state: MemoryState, consumer: string): number => {
  let count = 0
  for (const { record } of state.deadLetters.values()) {
    if (record.consumer === consumer && (record.state === "open" || record.state === "redriving")) count++
  }
  return count
}

const consumerOf = (state: MemoryState, queue: MemoryQueue, now: number): Consumer => ({
  consumer: queue.consumer,
  topics: state.topicsOf(queue),
  lanes: queue.lanes.length,
  order: queue.order,
  registeredAt: queue.registeredAt,
  paused: queue.paused,
  workers: queue.alive(undefined, now),
  waiting: Page.countOf(queue.rows.length),
  heldKeys: Page.countOf(queue.lanes.reduce((sum, lane) => sum + lane.heldKeys, 0)),
  deadLetters: Page.countOf(countDeadLetters(state, queue.consumer))
})

/**
 * Runs an operator action on a consumer. Fails with `refusal`, or applies the change and writes the audit entry in the
 * same transition.
 */
const change = <E>(
  state: MemoryState,
  consumer: string,
  refusal: (queue: MemoryQueue, now: number) => E | undefined,
  apply: (queue: MemoryQueue, now: number) => Pick<Entry, "by" | "action"> & Partial<Entry>
): Effect.Effect<void, E | ConsumerNotFound> =>
  write(state, (now) => {
    const queue = state.queues.get(consumer)
    if (queue === undefined) return Effect.fail<E | ConsumerNotFound>(new ConsumerNotFound({ consumer }))
    const refused = refusal(queue, now)
    return refused !== undefined ? Effect.fail(refused) : Effect.succeed({
      stale: () =>
        state.queues.get(consumer) === queue && refusal(queue, now) === undefined
          ? undefined
          : `consumer ${consumer} has changed`,
      apply: (now) => state.note(now, { consumer, ...apply(queue, now) })
    })
  })

const busy = (
  state: MemoryState,
  queue: MemoryQueue,
  now: number,
  action: { readonly force?: Force | undefined }
): ConsumerBusy | undefined => {
  const { consumer } = queue
  const workers = queue.alive(undefined, now)
  const waiting = queue.rows.length
  const deadLetters = countDeadLetters(state, consumer)
  const free = (workers === 0 || action.force?.workers === true) &&
    (waiting + deadLetters === 0 || action.force?.messages === true)
  return free ? undefined : new ConsumerBusy({ consumer, asked: "removed", workers, waiting, deadLetters })
}

const remove = (state: MemoryState): ConsumerStore["remove"] => (consumer, action) =>
  change(state, consumer, (queue, now) => busy(state, queue, now, action), (queue) => {
    const detail = `${queue.rows.length} waiting, ${countDeadLetters(state, consumer)} dead letters`
    state.remove(queue)
    return { by: action.by, action: "removed", note: action.note ?? "", detail }
  })

/** Dead-letters a waiting message of an unsubscribed topic, as a worker dead-letters a message. */
const deadLetterUnsubscribed = (state: MemoryState, queue: MemoryQueue, lane: Lane, row: Row, now: number): void => {
  queue.remove(lane, row)
  const { consumer } = queue
  const { message, redrive } = row
  const known = state.outcome(consumer, message.id)
  const own = redrive === undefined ? undefined : state.deadLetters.get(redrive.deadLetterId)
  if (own === undefined && known !== undefined && known.fingerprint === ofMessage(message)) return
  const failure = unsubscribed(message.topic, now)
  const died = {
    message,
    reason: "rejected",
    state: "open",
    parked: false,
    tag: failure.tag,
    fingerprint: failure.tag,
    retriedMillis: retriedMillis(row.attempts),
    diedAt: now
  } as const
  const attempts = [...row.attempts, failure]
  const record = own === undefined
    ? {
      id: state.nextDeadLetterId(),
      consumer,
      original: undefined,
      attempts,
      redriven: 0,
      changedBy: "",
      changedAt: 0,
      ...died
    }
    : { ...own.record, ...died, attempts: [...own.record.attempts, ...attempts] }
  state.deadLetters.set(record.id, { record, seq: row.seq, opened: ++state.opened })
  if (known !== undefined) return
  state.record(consumer, message.id, { outcome: "dead", fingerprint: ofMessage(message), deadLetterId: record.id })
}

const unsubscribe = (state: MemoryState): ConsumerStore["unsubscribe"] => (consumer, topic, action) => {
  const ofTopic = (queue: MemoryQueue) => queue.rows.filter(({ row }) => row.message.topic === topic)
  const refusal = (queue: MemoryQueue, now: number): NotSubscribed | ConsumerBusy | undefined => {
    if (!state.topicsOf(queue).includes(topic)) return new NotSubscribed({ consumer, topic })
    const waiting = ofTopic(queue).length
    if (waiting === 0 || action.force?.messages === true) return undefined
    const asked = `unsubscribed from ${topic}`
    return new ConsumerBusy({ consumer, asked, workers: queue.alive(undefined, now), waiting, deadLetters: 0 })
  }
  return change(state, consumer, refusal, (queue, now) => {
    const waiting = ofTopic(queue).sort((a, b) => a.row.seq - b.row.seq)
    state.unsubscribe(queue, topic)
    for (const { lane, row } of waiting) deadLetterUnsubscribed(state, queue, lane, row, now)
    queue.wake()
    return {
      by: action.by,
      action: "unsubscribed",
      topic,
      note: action.note ?? "",
      detail: `${waiting.length} waiting`
    }
  })
}

/** Refuses to pause a paused consumer or key, and to resume one that is not paused. */
const conflict = (
  consumer: string,
  key: string,
  asked: "paused" | "resumed",
  paused: { readonly by: string; readonly at: number } | undefined
): PauseConflict | undefined =>
  (asked === "paused") === (paused === undefined)
    ? undefined
    : new PauseConflict({ consumer, key, asked, by: paused?.by ?? "", at: paused?.at ?? 0 })

const ofConsumer = (state: MemoryState, asked: "paused" | "resumed"): ConsumerStore["pause"] =>
(
  consumer,
  { by, millis, note = "" }
) => {
  const refusal = (queue: MemoryQueue, now: number) =>
    asked === "paused" && queue.pauseIsOver(now) ? undefined : conflict(consumer, "", asked, queue.paused)
  return change(state, consumer, refusal, (queue, now) => {
    // A pause that is over ends before another one begins, with an entry of its own.
    if (asked === "paused") state.resumeDue(queue, now)
    const until = millis === undefined ? undefined : now + millis
    queue.paused = asked === "paused" ? { by, at: now, note, until } : undefined
    queue.wake()
    return { by, action: asked, note, detail: until === undefined ? "" : `until ${secondOf(until)}` }
  })
}

const ofKey =
  (state: MemoryState, asked: "paused" | "resumed"): ConsumerStore["pauseKey"] => (consumer, key, { by, note = "" }) =>
    change(state, consumer, (queue) => {
      // Whether the key is parked although it has no open parked dead letter. No decision about a dead letter would end
      // that, so `resumeKey` does.
      const stray = asked === "resumed" && queue.parkedKey(key) && !state.parks(consumer, key)
      return stray ? undefined : conflict(consumer, key, asked, queue.pausedKey(key))
    }, (queue, now) => {
      if (asked === "paused") queue.pauseKey(key, by, now)
      else {
        queue.resumeKey(key)
        state.unparkIfDecided(consumer, key)
      }
      return { by, action: asked, key, note }
    })

const evict = (state: MemoryState): ConsumerStore["evict"] => (consumer, worker, { by, note = "" }) =>
  Effect.suspend(() => {
    let lanes = 0
    const refusal = (queue: MemoryQueue, now: number) =>
      queue.lives(worker, now) ? undefined : new WorkerNotFound({ consumer, worker })
    const done = change(state, consumer, refusal, (queue, now) => {
      lanes = queue.evict(worker, now)
      return { by, action: "evicted", note, detail: `worker ${worker}, ${lanes} lanes` }
    })
    return Effect.map(done, () => ({ lanes, busy: 0 }))
  })

export const makeConsumers = (state: MemoryState): ConsumerStore => ({
  register: (registration) =>
    write(state, () => {
      const conflict = state.conflict(registration)
      return conflict !== undefined ? Effect.fail(conflict) : Effect.succeed({
        stale: () => state.conflict(registration)?.message,
        apply: (now) => state.register(registration, now)
      })
    }),
  status: (consumer) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const status = state.status(consumer, now)
      return status !== undefined ? Effect.succeed(status) : Effect.fail(
        new StoreFailure({
          operation: "look at the queue",
          kind: "refused",
          code: "",
          detail: `consumer "${consumer}" is not registered`,
          hint: "Start a worker for it once; it registers itself."
        })
      )
    }),
  neglected: Effect.map(Clock.currentTimeMillis, (now) => state.neglected(now)),
  // The memory store keeps no series.
  record: () => Effect.void,
  resumeDue: (consumer) =>
    write(state, () =>
      Effect.succeed({
        stale: () => undefined,
        apply: (now) => {
          const queue = state.queues.get(consumer)
          if (queue !== undefined) state.resumeDue(queue, now)
        }
      })),
  list: Effect.map(
    Clock.currentTimeMillis,
    (now) =>
      [...state.queues.values()].map((queue) => consumerOf(state, queue, now))
        .sort((a, b) => a.consumer < b.consumer ? -1 : 1)
  ),
  get: (consumer) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const queue = state.queues.get(consumer)
      return queue === undefined
        ? Effect.fail(new ConsumerNotFound({ consumer }))
        : Effect.succeed(consumerOf(state, queue, now))
    }),
  heldKeys: (consumer, { after, limit }) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const queue = state.queues.get(consumer)
      if (queue === undefined) return Effect.fail(new ConsumerNotFound({ consumer }))
      const held = queue.heldKeys(now).filter(({ key }) => after === undefined || key > after)
      return Effect.succeed(held.sort((a, b) => a.key < b.key ? -1 : 1).slice(0, Page.rows(limit)))
    }),
  remove: remove(state),
  unsubscribe: unsubscribe(state),
  pause: ofConsumer(state, "paused"),
  resume: ofConsumer(state, "resumed"),
  evict: evict(state),
  pauseKey: ofKey(state, "paused"),
  resumeKey: ofKey(state, "resumed")
})
