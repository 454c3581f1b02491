/**
 * Facts of one message, one key, one lane and one process: plain mutable records, filled in one pass.
 *
 * They are classes so that a million of them have one shape. Only the index writes them; rules read.
 */
import type { Committed, DeadLettered, HandlerStarted, OperatorActed, Poison, Takeover, Waiting } from "../History.ts"

const none: ReadonlyArray<never> = []

/** A key, as producers know it and as each consumer works on it. */
export class KeyFacts {
  readonly key: string
  /** Highest position tried so far, and its batch. */
  top = Number.NEGATIVE_INFINITY
  topBatch: string | undefined = undefined
  readonly queues: Array<QueueKey> = []
  /** In the order of their positions, once the index is finished. */
  readonly messages: Array<MessageFacts> = []

  constructor(key: string) {
    this.key = key
  }

  at(consumer: string): QueueKey {
    for (const queue of this.queues) if (queue.consumer === consumer) return queue
    const queue = new QueueKey(consumer, this)
    this.queues.push(queue)
    return queue
  }
}

/** A key in the queue of one consumer. */
export class QueueKey {
  readonly consumer: string
  readonly key: string
  readonly facts: KeyFacts
  /** In commit order. */
  readonly commits: Array<Committed> = []
  readonly owners: Array<Owner> = []
  operatorActions: ReadonlyArray<OperatorActed> = none
  parked: ReadonlyArray<Life> = none

  constructor(consumer: string, facts: KeyFacts) {
    this.consumer = consumer
    this.key = facts.key
    this.facts = facts
  }

  /** The owner of the key in one process, under one token. */
  owner(process: string, lane: number | undefined, token: number | undefined): Owner {
    for (let i = this.owners.length - 1; i >= 0; i--) {
      const owner = this.owners[i]!
      if (owner.token === token && owner.process === process) return owner
    }
    const owner = new Owner(process, lane, token)
    this.owners.push(owner)
    return owner
  }

  /** Whether an operator keeps the key parked, by the last decision about it. */
  get parkedByOperator(): boolean {
    return this.operatorActions.findLast((one) => one.action === "park" || one.action === "release")?.action === "park"
  }

  /** Whether an operator released the key from the dead letter of this message. */
  releasedFrom(id: string): boolean {
    return this.operatorActions.some((one) => one.action === "release" && one.id === id)
  }
}

/** One process's work on a key under one token. */
export class Owner {
  readonly process: string
  readonly lane: number | undefined
  readonly token: number | undefined
  /** Draws of its first start, and of its last start or end. */
  first = Number.POSITIVE_INFINITY
  last = Number.NEGATIVE_INFINITY
  /** A message that it began and never ended, by the process's own account. */
  open: string | undefined = undefined
  latest: string | undefined = undefined

  constructor(process: string, lane: number | undefined, token: number | undefined) {
    this.process = process
    this.lane = lane
    this.token = token
  }
}

/** A message as its producers know it. */
export class MessageFacts {
  readonly id: string
  key: KeyFacts
  topic = ""
  position = 0
  batch: string | undefined = undefined
  tries = 0
  acknowledged = 0
  failed = 0
  /** Acknowledged before a later position of its key was tried: only then has it an order with what follows. */
  firm = false
  /**
   * The run knows that the database has it: it was acknowledged, or a server was seen to hold it, and none has lost it
   * since.
   */
  told = false
  /** Seen by the run before the message was safe from a crash. */
  loose = false
  /** The last server that was seen to hold it. */
  server = 0
  poison: Poison | undefined = undefined
  /** A second payload was published under its id, on purpose. */
  conflict: Poison | undefined = undefined
  lives: ReadonlyArray<Life> = none

  constructor(id: string, key: KeyFacts) {
    this.id = id
    this.key = key
  }

  find(consumer: string): Life | undefined {
    for (const life of this.lives) if (life.consumer === consumer) return life
    return undefined
  }

  at(consumer: string): Life {
    const found = this.find(consumer)
    if (found !== undefined) return found
    const life = new Life(this, consumer)
    // A push to an empty array makes room for 17, a million times.
    this.lives = this.lives.length === 0 ? [life] : [...this.lives, life]
    return life
  }
}

/** A message in the queue of one consumer. */
export class Life {
  readonly message: MessageFacts
  readonly consumer: string
  commit: Committed | undefined = undefined
  /** Place of its commit in the ledger. */
  rank = 0
  more: ReadonlyArray<Committed> = none
  deadLetter: DeadLettered | undefined = undefined
  /** The dead letter of another payload under its id. */
  conflict: DeadLettered | undefined = undefined
  deadLetters = 0
  waiting: Waiting | undefined = undefined
  starts = 0
  highestAttempt = 0
  redelivered = 0
  /** The start with the lowest draw, of those outside of a transaction. */
  firstStart: HandlerStarted | undefined = undefined
  /** Other starts, outside of a transaction. */
  later: ReadonlyArray<HandlerStarted> = none
  /** Starts within a transaction, which it may share with its predecessors. */
  grouped: ReadonlyArray<HandlerStarted> = none
  lastStart: HandlerStarted | undefined = undefined

  constructor(message: MessageFacts, consumer: string) {
    this.message = message
    this.consumer = consumer
  }

  /** Starts that carry a draw. */
  get allStarts(): ReadonlyArray<HandlerStarted> {
    const grouped = this.grouped.filter((one) => one.draw !== undefined)
    return this.firstStart === undefined ? grouped : [this.firstStart, ...this.later, ...grouped]
  }

  /** Whether it may come after its successors: it died, they continued, and an operator redrove it. */
  get overtaken(): boolean {
    return this.deadLetter !== undefined && !this.deadLetter.parked && this.deadLetter.redriven > 0
  }

  /** Whether the database holds it in some place at the end. */
  get found(): boolean {
    return this.commit !== undefined || this.waiting !== undefined
      || (this.deadLetter !== undefined && this.deadLetter.state !== "resolved")
  }
}

/** An outgoing message, as its sender's ledger lists it. */
export class Emission {
  readonly id: string
  readonly sender: Life
  /** Its place among what the effect sent, and of how many. */
  readonly place: number
  /** How many came before it in the whole ledger. */
  readonly rank: number

  constructor(id: string, sender: Life, place: number, rank: number) {
    this.id = id
    this.rank = rank
    this.sender = sender
    this.place = place
  }
}

/** A lane of one consumer; a key, where the transport has no lanes. */
export class LaneFacts {
  readonly consumer: string
  readonly lane: number | undefined
  readonly tokens = new Map<number, TokenFacts>()
  readonly takeovers: Array<Takeover> = []
  /** The newest token in the ledger so far, and its row. */
  newest: Committed | undefined = undefined
  /** Commits under a token older than one that stands before them in the ledger. */
  readonly stale: Array<{ readonly commit: Committed; readonly newer: Committed }> = []

  constructor(consumer: string, lane: number | undefined) {
    this.consumer = consumer
    this.lane = lane
  }

  token(token: number): TokenFacts {
    const found = this.tokens.get(token)
    if (found !== undefined) return found
    const facts = new TokenFacts(token)
    this.tokens.set(token, facts)
    return facts
  }

  /** Whether the database confirmed a takeover of the lane after one token and up to another. */
  tookOver(after: number, upTo: number): boolean {
    return this.takeovers.some((one) => one.token > after && one.token <= upTo)
  }
}

/** One token of a lane. */
export class TokenFacts {
  readonly token: number
  /** The lowest draw under it, and whose start that was (undefined: the takeover itself). */
  first = Number.POSITIVE_INFINITY
  firstStart: HandlerStarted | undefined = undefined
  lastCommit: Committed | undefined = undefined
  /** Processes that started something under it. */
  readonly processes: Array<string> = []
  firstIds: Array<string> = []

  constructor(token: number) {
    this.token = token
  }
}

/** Something that runs in a process. */
export interface Running {
  readonly start: HandlerStarted
  readonly owner: Owner
}

/** One life of a process. */
export class ProcessFacts {
  readonly process: string
  limitInFlight: number | undefined = undefined
  limitAttempts: number | undefined = undefined
  ended: { readonly code: number | null; readonly signal: string | null } | undefined = undefined
  /** Running handlers, by consumer and key. */
  readonly running = new Map<string, Map<string, ReadonlyArray<Running>>>()
  inFlight = 0
  peak = 0
  /** The handler whose start led to the most running handlers. */
  peakId = ""

  constructor(process: string) {
    this.process = process
  }

  of(consumer: string): Map<string, ReadonlyArray<Running>> {
    const found = this.running.get(consumer)
    if (found !== undefined) return found
    const running = new Map<string, ReadonlyArray<Running>>()
    this.running.set(consumer, running)
    return running
  }
}
