/**
 * The facts about one message: whether it was handled, and where it is. Also the facts about messages that are in no
 * queue, because they are not due or no consumer reads their topic.
 *
 * @since 0.1.0
 */
import type { Entry } from "../Audit.ts"
import type { DeadLetter } from "../DeadLetter.ts"
import type { Failure } from "../Delivery.ts"
import type { Message } from "../Message.ts"
import type { Count } from "./Fact.ts"

/**
 * Everything that the store knows about a message id. Times are milliseconds since the epoch on the store's clock.
 *
 * @since 0.1.0
 */
export interface Found {
  readonly id: string
  /**
   * The answer for an operator, one sentence for each consumer or place. If nothing is known, it says what that can
   * mean.
   */
  readonly sentences: ReadonlyArray<string>
  /** Whether anything is known about the id. */
  readonly known: boolean
  readonly consumers: ReadonlyArray<FoundAt>
  /** The message waits until it is due. */
  readonly delayed: ReadonlyArray<{ readonly topic: string; readonly key: string; readonly dueAt: number }>
  /** No consumer reads the message's topic. */
  readonly unrouted: ReadonlyArray<{ readonly topic: string; readonly key: string; readonly publishedAt: number }>
  /** Operator actions on its dead letters, newest first, at most 100. */
  readonly audit: ReadonlyArray<Entry>
  /**
   * Whether the queues were searched to their end. They have no index by id. If false, the message may wait behind the
   * messages that were looked at: search again with its key.
   */
  readonly searchedAll: boolean
}

/**
 * The state of a message at one consumer.
 *
 * @since 0.1.0
 */
export interface FoundAt {
  readonly consumer: string
  /**
   * - `committed`: its effects are committed.
   * - `waiting`: it is in the queue. It may be in flight.
   * - `held`: it is in the queue, and its key is held.
   * - `dead`: it is an open dead letter.
   * - `redriving`: its dead letter was redriven, and it is in the queue.
   * - `discarded`: an operator has discarded its dead letter.
   */
  readonly state: "committed" | "waiting" | "held" | "dead" | "redriving" | "discarded"
  /** When it was committed or dead-lettered, as the inbox has it. */
  readonly settledAt: number | undefined
  /** Its place in the queue. */
  readonly queue: {
    readonly topic: string
    readonly key: string
    readonly lane: number
    /** Its place in the lane. A later message has a higher one. */
    readonly place: string
    readonly publishedAt: number
    /** Failed attempts so far that are recorded with a hold. */
    readonly attempts: number
    readonly crashCount: number
    /** The live worker that owns its lane. */
    readonly worker: string | undefined
  } | undefined
  /** Why its key is held. Undefined if it is not. */
  readonly hold: {
    readonly parked: boolean
    readonly retryAt: number | undefined
    readonly pausedBy: string | undefined
    /** The dead letter that parks the key. It may be of an earlier message of the key. */
    readonly deadLetter: { readonly id: string; readonly messageId: string; readonly tag: string } | undefined
    /** The message that is retried, and its last failure. It may be an earlier message of the key. */
    readonly retried: { readonly messageId: string; readonly lastFailure: Failure | undefined } | undefined
  } | undefined
  /** Its dead letters, newest first, at most 10. */
  readonly deadLetters: ReadonlyArray<DeadLetter>
}

/**
 * A message with its payload where it is stored. It is in the queue of a consumer, waits until it is due, or waits for
 * the first consumer of its topic. Times are milliseconds since the epoch on the store's clock.
 *
 * @since 0.1.0
 */
export interface StoredMessage {
  /** As in {@link WaitingMessage}. `delayed`: it is not due. `unrouted`: no consumer reads its topic. */
  readonly state: WaitingMessage["state"] | "delayed" | "unrouted"
  /** The consumer in whose queue it is. Undefined if it is in no queue. */
  readonly consumer: string | undefined
  /** The message as it is stored. `publishedAt` is 0 while it is delayed. */
  readonly message: Message
  /** When it is due, or when the retry that its key waits for is due. Undefined if it waits for no time. */
  readonly dueAt: number | undefined
  /** The name under which a delayed message can be replaced and cancelled. */
  readonly name: string | undefined
  readonly lane: number | undefined
  /** How many messages of its key stand before it, among the 10,000 that stand before it in the lane. */
  readonly ahead: Count | undefined
  /** Failed attempts so far that are recorded with a hold. */
  readonly attempts: ReadonlyArray<Failure>
  readonly crashCount: number
  /** How often it was redriven. */
  readonly redriven: number
  /** The live worker that owns its lane. */
  readonly worker: string | undefined
  /** Why its key is held. Undefined if it is not. */
  readonly hold: FoundAt["hold"]
}

/**
 * The places where messages with one id are stored.
 *
 * @since 0.1.0
 */
export interface StoredMessages {
  readonly id: string
  /** One for each consumer in whose queue it is, and for each place outside of the queues. Empty if it is in none. */
  readonly messages: ReadonlyArray<StoredMessage>
  /** As in {@link Found}: they also say whether it is committed or dead. */
  readonly sentences: ReadonlyArray<string>
  /** As in {@link Found}. */
  readonly searchedAll: boolean
}

/**
 * A message that waits in a queue. Times are milliseconds since the epoch on the store's clock.
 *
 * @since 0.1.0
 */
export interface WaitingMessage {
  readonly id: string
  readonly topic: string
  readonly key: string
  readonly lane: number
  /** Its place in the lane. A later message has a higher one. */
  readonly place: string
  readonly publishedAt: number
  /** Failed attempts so far that are recorded with a hold. */
  readonly attempts: number
  readonly crashCount: number
  /** How often it was redriven. */
  readonly redriven: number
  /** Whether its key is held. */
  readonly held: boolean
  /**
   * - `inFlight`: a worker has read it. It runs, or is among the next ones.
   * - `held`: its key is parked, paused, or waits for a retry.
   * - `due`: the hold of its key is over, and the worker continues with the key at its next poll.
   * - `waiting`: no worker has read it so far.
   */
  readonly state: "inFlight" | "held" | "due" | "waiting"
  /** The live worker that owns its lane. */
  readonly worker: string | undefined
}

/**
 * Selects one page of waiting messages. Every field is optional.
 *
 * @since 0.1.0
 */
export interface WaitingQuery {
  /** Only messages of this key, in their order. The next 100,000 messages of its lane are looked at. */
  readonly key?: string | undefined
  /** Only messages after this one: the last one of the previous page. */
  readonly after?: Pick<WaitingMessage, "lane" | "place"> | undefined
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined
}

/**
 * Helps to find a message.
 *
 * @since 0.1.0
 */
export interface FindQuery {
  /** The message's key. With it the lanes of the key are searched, and not all queues. */
  readonly key?: string | undefined
  /** The bytes of waiting messages that are looked at if no key is given. Default 1 GiB. */
  readonly mostBytes?: number | undefined
}

/**
 * The messages of a topic that are not due yet.
 *
 * @since 0.1.0
 */
export interface DelayedFacts {
  readonly topic: string
  readonly messages: Count
  /** When the next of them is due. */
  readonly nextAt: number
}

/**
 * The messages of a topic that no consumer reads. They wait for the first consumer of the topic.
 *
 * @since 0.1.0
 */
export interface UnroutedFacts {
  readonly topic: string
  readonly messages: Count
  /** When the first and the last of them were published. */
  readonly firstAt: number
  readonly lastAt: number
}

/**
 * A message that was in flight when a worker died.
 *
 * @since 0.1.0
 */
export interface Suspect {
  readonly consumer: string
  readonly id: string
  readonly topic: string
  readonly key: string
  readonly lane: number
  /** How many workers died with the message in flight. */
  readonly crashCount: number
  /** Whether a worker died while only this message ran. */
  readonly crashedAlone: boolean
  /** Whether no other message of its lane was in flight in more crashes. Such a message is the likeliest cause. */
  readonly inEveryCrash: boolean
  readonly publishedAt: number
  /** The live worker that owns its lane. */
  readonly worker: string | undefined
}
