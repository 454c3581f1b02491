/**
 * A model of a queue of SQS on Effect's clock. It shows what an emulator does not: several messages of a group in one
 * answer, expired handles that are refused, lost answers and crashes. Messages of a group can also expire apart.
 *
 * A message of a FIFO group is handed out if it is visible and no earlier message of its group is hidden. That is the
 * weakest rule that SQS can have. With `strict` a group is also kept back while a later message of it is hidden.
 */
import { Clock, Effect, Fiber, type Latch } from "effect"
import { TransportError } from "../../src/Errors.ts"
import type { EntryFailure } from "../../src/internal/broker/BrokerQueue.ts"
import { engineOf, type Outgoing, type QueueSettings, type Received, type SqsApi } from "../../src/sqs/SqsApi.ts"

/** A message in the queue. */
interface Stored extends Outgoing {
  readonly messageId: string
  readonly sequence: bigint
  readonly sentAt: number
  visibleAt: number
  firstHidden: number
  handle: string
  receiveCount: number
}

/** The failures that a test or a seed injects: each is asked before a request. */
export interface Weather {
  /** Whether the request fails before it is done. */
  readonly fails?: (operation: string) => boolean
  /** Whether the request is done and its answer is lost. */
  readonly losesAnswer?: (operation: string) => boolean
  /** Whether SQS refuses one entry of a batch, for a reason that passes. */
  readonly skips?: (operation: string) => boolean
  /** How long a request to change visibility is on its way, in milliseconds. It arrives also if its sender gives up. */
  readonly delays?: (seconds: number) => number
}

export class SqsModel {
  readonly fifo: boolean
  readonly strict: boolean
  settings: QueueSettings = { maxReceiveCount: undefined, retentionSeconds: 345_600, maximumBytes: 1_048_576 }
  weather: Weather = {}
  deleted = false
  /** Whether the handle of a message that is visible again is accepted, as a standard queue may do. */
  lax = false
  readonly requests = new Map<string, number>()
  readonly dead: Array<Stored> = []
  private messages: Array<Stored> = []
  private recent = new Map<string, number>()
  private sequence = 0n
  private handles = 0

  constructor(fifo: boolean, strict = false) {
    this.fifo = fifo
    this.strict = strict
  }

  get size(): number {
    return this.messages.length
  }

  /** The messages that are hidden now, by the id of SQS. */
  hidden(now: number): ReadonlyArray<string> {
    return this.messages.filter(({ visibleAt }) => visibleAt > now).map(({ messageId }) => messageId)
  }

  private find(id: string): Stored {
    const found = this.messages.find(({ attributes }) => attributes["ce_id"] === id)
    if (found === undefined) throw new Error(`the queue has no message ${id}`)
    return found
  }

  /** How often a message was handed out. */
  countOf(id: string): number {
    return this.find(id).receiveCount
  }

  /** Lets the visibility timeout of one message end. */
  expire(id: string): void {
    this.find(id).visibleAt = 0
  }

  /** Counts deliveries of a message that no worker has seen. */
  handOut(id: string, times: number): void {
    this.find(id).receiveCount += times
  }

  /** The client of one process. A process that crashes gets no answer any more. */
  client(process?: { readonly dead: boolean; readonly thawed: Latch.Latch }): SqsApi {
    const request = <A>(operation: string, run: (now: number) => A): Effect.Effect<A, TransportError> =>
      Effect.flatMap(Effect.andThen(process?.thawed.await ?? Effect.void, Clock.currentTimeMillis), (now) => {
        if (process?.dead === true) return Effect.never
        this.requests.set(operation, (this.requests.get(operation) ?? 0) + 1)
        const error = (kind: "temporary" | "permanent", detail: string) =>
          Effect.fail(new TransportError({ engine: engineOf(this), operation, kind, detail }))
        if (this.deleted) return error("permanent", "QueueDoesNotExist")
        if (this.weather.fails?.(operation) === true) return error("temporary", "ECONNREFUSED")
        const answer = run(now)
        return this.weather.losesAnswer?.(operation) === true
          ? error("temporary", "it did not answer")
          : Effect.succeed(answer)
      })
    return {
      fifo: this.fifo,
      settings: request("settings", () => this.settings),
      receive: ({ hideSeconds, most, waitSeconds }) => {
        const until = (left: number): Effect.Effect<ReadonlyArray<Received>, TransportError> =>
          Effect.flatMap(
            request("receive", (now) => this.receive(now, most, hideSeconds)),
            (got) =>
              got.length > 0 || left <= 0
                ? Effect.succeed(got)
                : Effect.andThen(Effect.sleep(100), Effect.suspend(() => until(left - 100)))
          )
        return until(waitSeconds * 1000)
      },
      hide: (entries) => {
        const hide = request(
          "hide",
          (now) => entries.map(({ handle, seconds }) => this.each("hide", () => this.hide(now, handle, seconds)))
        )
        const delay = this.weather.delays?.(entries[0]!.seconds) ?? 0
        return delay === 0
          ? hide
          : Effect.flatMap(Effect.forkDetach(Effect.andThen(Effect.sleep(delay), hide)), Fiber.join)
      },
      remove: (handles) =>
        request("remove", (now) => handles.map((handle) => this.each("remove", () => this.remove(now, handle)))),
      send: (messages) =>
        Effect.catchIf(
          request("send", (now) => messages.map((one) => this.each("send", () => this.send(now, one)))),
          ({ kind }) => kind === "temporary",
          ({ detail }) => {
            const outcome: EntryFailure = { outcome: detail === "ECONNREFUSED" ? "notDone" : "unknown", detail }
            return Effect.succeed(messages.map(() => outcome))
          }
        )
    }
  }

  private each(operation: string, run: () => EntryFailure | undefined): EntryFailure | undefined {
    return this.weather.skips?.(operation) === true ? { outcome: "notDone", detail: "InternalError" } : run()
  }

  private send(now: number, message: Outgoing): EntryFailure | undefined {
    if (message.deduplicationId !== undefined) {
      const before = this.recent.get(message.deduplicationId)
      if (before !== undefined && now - before < 300_000) return undefined
      this.recent.set(message.deduplicationId, now)
    }
    const sequence = ++this.sequence
    this.messages.push({
      ...message,
      messageId: `m${sequence}`,
      sequence,
      sentAt: now,
      visibleAt: 0,
      firstHidden: 0,
      handle: "",
      receiveCount: 0
    })
    return undefined
  }

  private receive(now: number, most: number, hideSeconds: number): ReadonlyArray<Received> {
    const blocked = new Set<string>()
    if (this.fifo && this.strict) {
      for (const one of this.messages) {
        if (one.visibleAt > now) blocked.add(one.groupId!)
      }
    }
    const got: Array<Stored> = []
    for (const one of this.messages) {
      if (got.length >= most) break
      if (one.groupId !== undefined && blocked.has(one.groupId)) continue
      if (one.visibleAt > now) {
        if (one.groupId !== undefined) blocked.add(one.groupId)
        continue
      }
      got.push(one)
    }
    const limit = this.settings.maxReceiveCount
    return got.flatMap((one) => {
      one.receiveCount++
      if (limit !== undefined && one.receiveCount > limit) {
        this.messages.splice(this.messages.indexOf(one), 1)
        this.dead.push(one)
        return []
      }
      one.handle = `h${++this.handles}`
      one.visibleAt = now + hideSeconds * 1000
      one.firstHidden = now
      return [{
        messageId: one.messageId,
        handle: one.handle,
        body: one.body,
        attributes: one.attributes,
        groupId: one.groupId,
        sequence: this.fifo ? one.sequence : undefined,
        receiveCount: one.receiveCount,
        sentAt: one.sentAt
      }]
    })
  }

  private inFlight(now: number, handle: string): Stored | undefined {
    return this.messages.find((one) => one.handle === handle && (this.lax || one.visibleAt > now))
  }

  private hide(now: number, handle: string, seconds: number): EntryFailure | undefined {
    const one = this.inFlight(now, handle)
    if (one === undefined) return { outcome: "refused", detail: "MessageNotInflight" }
    if (now + seconds * 1000 - one.firstHidden > 43_200_000) {
      return { outcome: "refused", detail: "InvalidParameterValue" }
    }
    one.visibleAt = now + seconds * 1000
    return undefined
  }

  private remove(now: number, handle: string): EntryFailure | undefined {
    const one = this.inFlight(now, handle)
    if (one !== undefined) this.messages.splice(this.messages.indexOf(one), 1)
    // A standard queue accepts the delete of an old handle and does nothing. A FIFO queue refuses it.
    return one === undefined && this.fifo ? { outcome: "refused", detail: "InvalidParameterValue" } : undefined
  }
}
