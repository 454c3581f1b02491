/**
 * A history, indexed once for all rules: by message, by key, by lane, by process, and counted.
 *
 * `add` takes the entries in order, one pass over plain Maps without an effect; `finish` closes the index. Nothing is
 * judged here, except for what only the order of one process's entries can show: handlers of one key that overlap in
 * it. Entries themselves are kept only where a rule has to name them, so a file can be indexed without being held in
 * memory.
 *
 * @since 0.1.0
 */
import type * as History from "../History.ts"
import {
  Emission,
  KeyFacts,
  LaneFacts,
  type Life,
  MessageFacts,
  type Owner,
  ProcessFacts,
  type QueueKey
} from "./Facts.ts"
import { Servers } from "./ServerLosses.ts"

/** A second handler of a key began in one process while the first was running. */
export interface Overlap {
  readonly first: History.HandlerStarted
  readonly second: History.HandlerStarted
}

/**
 * What rules read.
 *
 * @since 0.1.0
 */
export class HistoryIndex {
  entries = 0
  run: History.RunStarted | undefined = undefined
  readonly messages = new Map<string, MessageFacts>()
  readonly keys = new Map<string, KeyFacts>()
  readonly processes = new Map<string, ProcessFacts>()
  /** By consumer, then by lane (or key). */
  readonly lanes = new Map<string, Map<number | string, LaneFacts>>()
  readonly consumers = new Map<string, History.ConsumerRegistered>()
  /** The consumers that read a topic. */
  readonly subscriptions = new Map<string, ReadonlyArray<string>>()
  /** Every key of every consumer. */
  readonly queues: Array<QueueKey> = []
  /** Messages that committed effects sent, by their ids. */
  readonly emitted = new Map<string, Emission>()
  readonly outgoing: Array<History.Outgoing> = []
  readonly samples: Array<History.Sampled> = []
  // Most messages are in none of these lists: rules look at few.
  readonly deadLetters: Array<Life> = []
  readonly waiting: Array<Life> = []
  readonly poisoned: Array<MessageFacts> = []
  readonly recommitted: Array<Life> = []
  readonly handedOverAgain: Array<Life> = []
  readonly triedAgain: Array<Life> = []
  readonly overlaps: Array<Overlap> = []
  readonly settled: Array<History.Settled> = []
  readonly servers = new Servers()
  readonly faults = new Map<string, number>()
  readonly windows = new Map<string, number>()
  faultsStopped = 0
  /** Rows of the ledger. */
  commits = 0
  publishedAgain = 0
  started = 0
  retried = 0
  redelivered = 0
  interrupted = 0
  operatorActions = 0

  // The subject of the entry before: the next entry often has the same.
  private process = new ProcessFacts("")
  private last = new MessageFacts("", new KeyFacts(""))

  /** Takes the next entry. */
  add(entry: History.Entry): void {
    this.entries++
    switch (entry._tag) {
      case "PublishTried":
        return this.tried(entry)
      case "PublishAnswered":
        return this.answered(entry)
      case "HandlerStarted":
        return this.begun(entry)
      case "HandlerEnded":
        return this.ended(entry)
      case "Committed":
        return this.committed(entry)
      case "DeadLettered":
        return this.died(entry)
      case "Waiting":
        return this.waits(entry)
      case "Outgoing":
        this.outgoing.push(entry)
        return
      default:
        return this.rare(entry)
    }
  }

  /** To be called once, after the last entry. */
  finish(): void {
    for (const key of this.keys.values()) {
      sortByPosition(key.messages)
      for (const queue of key.queues) this.queues.push(queue)
    }
    for (const { running } of this.processes.values()) {
      for (const keys of running.values()) {
        for (const left of keys.values()) for (const { owner, start } of left) owner.open = start.id
      }
    }
  }

  lane(consumer: string, lane: number | string): LaneFacts {
    const lanes = getOrMake(this.lanes, consumer, newMap<number | string, LaneFacts>)
    const found = lanes.get(lane)
    if (found !== undefined) return found
    const facts = new LaneFacts(consumer, typeof lane === "number" ? lane : undefined)
    lanes.set(lane, facts)
    return facts
  }

  /**
   * The server that handed out what was started: the one that gave the token. A process may begin with it when another
   * server is up already. Undefined if that is not known: only under a token that has committed something it is certain
   * which one that was.
   */
  handedOutBy({ consumer, draw, key, lane, token }: History.HandlerStarted): number | undefined {
    if (this.servers.returned === 0 || token === undefined) return this.servers.of(draw ?? 0)
    const facts = this.lane(consumer, lane ?? key).token(token)
    return facts.lastCommit === undefined ? undefined : this.servers.of(Math.min(facts.first, draw ?? facts.first))
  }

  private rare(
    entry: Exclude<
      History.Entry,
      | History.PublishTried
      | History.PublishAnswered
      | History.HandlerStarted
      | History.HandlerEnded
      | History.Committed
      | History.DeadLettered
      | History.Waiting
      | History.Outgoing
    >
  ): void {
    switch (entry._tag) {
      case "RunStarted":
        this.run = entry
        return
      case "ConsumerRegistered":
        this.consumers.set(entry.consumer, entry)
        for (const topic of entry.topics) {
          const known = this.subscriptions.get(topic) ?? []
          if (!known.includes(entry.consumer)) this.subscriptions.set(topic, [...known, entry.consumer])
        }
        return
      case "ProcessStarted": {
        const process = this.processFacts(entry.process)
        process.limitInFlight = entry.limits?.inFlight
        process.limitAttempts = entry.limits?.attempts
        return
      }
      case "ProcessEnded":
        this.processFacts(entry.process).ended = entry
        return
      case "FaultInjected":
        count(this.faults, entry.name)
        if (entry.window !== undefined) count(this.windows, entry.window)
        return
      case "Takeover":
        return this.takenOver(entry)
      case "OperatorActed": {
        const queue = this.key(entry.key).at(entry.consumer)
        queue.operatorActions = [...queue.operatorActions, entry]
        this.operatorActions++
        return
      }
      case "Sampled":
        this.samples.push(entry)
        return
      case "Durable":
        return this.servers.durable()
      case "ServerHolds":
        return this.servers.holds(this.life(entry.consumer, entry.id, entry.key), entry)
      case "ServerReturned":
        return this.servers.returns(entry, this.messages.values())
      case "FaultsStopped":
        this.faultsStopped++
        return
      case "Settled":
        this.settled.push(entry)
        return
    }
  }

  private tried(entry: History.PublishTried): void {
    const message = this.message(entry.id, entry.key)
    message.tries++
    if (entry.poison !== undefined && message.poison === undefined && message.conflict === undefined) {
      this.poisoned.push(message)
    }
    if (entry.poison?.reason === "conflict") {
      message.conflict = entry.poison
      return
    }
    message.topic = entry.topic
    message.position = entry.position
    message.batch = entry.batch
    if (entry.poison !== undefined) message.poison = entry.poison
    const key = message.key
    if (entry.position > key.top) {
      key.top = entry.position
      key.topBatch = entry.batch
    }
  }

  private answered(entry: History.PublishAnswered): void {
    const message = entry.id === this.last.id ? this.last : this.messages.get(entry.id)
    if (message === undefined) return
    if (entry.answer === "failed") message.failed++
    if (entry.answer !== "acknowledged") return
    this.servers.acknowledged(message, entry)
    if (++message.acknowledged === 2) this.publishedAgain++
    const { key, position } = message
    if (key.top <= position || (message.batch !== undefined && key.topBatch === message.batch)) message.firm = true
  }

  private begun(entry: History.HandlerStarted): void {
    const { consumer, draw, key, lane, process, token } = entry
    const message = this.message(entry.id, key)
    const life = message.at(consumer)
    this.started++
    if (entry.attempt > 1) this.retried++
    const last = life.lastStart
    if (last !== undefined && (last.process !== process || last.token !== token)) {
      if (life.redelivered++ === 0) this.handedOverAgain.push(life)
      this.redelivered++
    }
    life.starts++
    life.lastStart = entry
    if (entry.attempt > life.highestAttempt) {
      if (entry.attempt > 1 && life.highestAttempt <= 1) this.triedAgain.push(life)
      life.highestAttempt = entry.attempt
    }
    if (entry.transaction !== undefined) life.grouped = [...life.grouped, entry]
    else if (draw !== undefined) {
      const first = life.firstStart
      if (first === undefined) life.firstStart = entry
      else {
        const earlier = draw < (first.draw ?? Number.POSITIVE_INFINITY)
        if (earlier) life.firstStart = entry
        life.later = [...life.later, earlier ? first : entry]
      }
    }

    const owner = message.key.at(consumer).owner(process, lane, token)
    owner.latest = entry.id
    if (draw !== undefined) {
      if (draw < owner.first) owner.first = draw
      if (draw > owner.last) owner.last = draw
    }
    if (token !== undefined) {
      const facts = this.lane(consumer, lane ?? key).token(token)
      if (!facts.processes.includes(process)) {
        facts.processes.push(process)
        facts.firstIds.push(entry.id)
      }
      if (draw !== undefined && draw < facts.first) {
        facts.first = draw
        facts.firstStart = entry
      }
    }
    this.enter(entry, owner)
  }

  /** Enters what runs, and notes a handler of the key that is running already. */
  private enter(start: History.HandlerStarted, owner: Owner): void {
    const process = this.processFacts(start.process)
    const keys = process.of(start.consumer)
    const running = keys.get(start.key)
    if (running === undefined) keys.set(start.key, [{ start, owner }])
    else {
      const other = running.find((one) =>
        start.transaction === undefined || one.start.transaction !== start.transaction || one.start.id === start.id
      )
      if (other !== undefined) this.overlaps.push({ first: other.start, second: start })
      keys.set(start.key, [...running, { start, owner }])
    }
    process.inFlight++
    if (process.inFlight > process.peak) {
      process.peak = process.inFlight
      process.peakId = start.id
    }
  }

  private ended(entry: History.HandlerEnded): void {
    if (entry.outcome === "interrupted") this.interrupted++
    const process = this.processFacts(entry.process)
    const keys = process.of(entry.consumer)
    const running = keys.get(entry.key)
    const one = running?.find(({ start }) => start.id === entry.id)
    if (running === undefined || one === undefined) return
    if (entry.draw !== undefined && entry.draw > one.owner.last) one.owner.last = entry.draw
    if (running.length === 1) keys.delete(entry.key)
    else keys.set(entry.key, running.filter((other) => other !== one))
    process.inFlight--
  }

  private committed(entry: History.Committed): void {
    const message = this.message(entry.id, entry.key)
    const life = message.at(entry.consumer)
    // No producer published a message that an effect sent: only the ledger knows its position.
    if (message.tries === 0) message.position = entry.position
    if (life.commit === undefined) {
      life.commit = entry
      life.rank = this.commits
    } else {
      if (life.more.length === 0) this.recommitted.push(life)
      life.more = [...life.more, entry]
    }
    this.commits++
    message.key.at(entry.consumer).commits.push(entry)
    if (entry.emits !== undefined) this.sends(entry.emits, life)
    if (entry.token === undefined) return
    const lane = this.lane(entry.consumer, entry.lane ?? entry.key)
    const newest = lane.newest?.token
    if (newest === undefined || entry.token >= newest) lane.newest = entry
    else lane.stale.push({ commit: entry, newer: lane.newest! })
    const facts = lane.token(entry.token)
    if ((facts.lastCommit?.draw ?? Number.NEGATIVE_INFINITY) <= (entry.draw ?? 0)) facts.lastCommit = entry
  }

  private sends(emits: ReadonlyArray<string>, life: Life): void {
    for (let place = 0; place < emits.length; place++) {
      const id = emits[place]!
      if (!this.emitted.has(id)) this.emitted.set(id, new Emission(id, life, place / emits.length, this.emitted.size))
    }
  }

  private waits(entry: History.Waiting): void {
    const life = this.life(entry.consumer, entry.id, entry.key)
    if (life.waiting === undefined) this.waiting.push(life)
    life.waiting = entry
  }

  private died(entry: History.DeadLettered): void {
    const life = this.life(entry.consumer, entry.id, entry.key)
    if (life.deadLetters++ === 0) this.deadLetters.push(life)
    if (entry.attempts.at(-1)?.tag === "IdempotencyConflict") {
      life.conflict = entry
      return
    }
    life.deadLetter = entry
    if (!entry.parked) return
    const queue = life.message.key.at(entry.consumer)
    queue.parked = [...queue.parked, life]
  }

  private takenOver(entry: History.Takeover): void {
    const lane = this.lane(entry.consumer, entry.lane)
    lane.takeovers.push(entry)
    const facts = lane.token(entry.token)
    if (entry.draw !== undefined && entry.draw < facts.first) {
      facts.first = entry.draw
      facts.firstStart = undefined
    }
  }

  private life(consumer: string, id: string, key: string): Life {
    return this.message(id, key).at(consumer)
  }

  private message(id: string, key: string): MessageFacts {
    if (id === this.last.id) return this.last
    const found = this.messages.get(id)
    if (found !== undefined) return this.last = found
    const message = new MessageFacts(id, this.key(key))
    message.key.messages.push(message)
    this.messages.set(id, message)
    return this.last = message
  }

  private key(key: string): KeyFacts {
    const found = this.keys.get(key)
    if (found !== undefined) return found
    const facts = new KeyFacts(key)
    this.keys.set(key, facts)
    return facts
  }

  /** Entries of one process mostly follow one another. */
  private processFacts(name: string): ProcessFacts {
    if (this.process.process === name) return this.process
    this.process = getOrMake(this.processes, name, () => new ProcessFacts(name))
    return this.process
  }
}

const newMap = <K, V>(): Map<K, V> => new Map<K, V>()

const getOrMake = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

const count = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)

const sortByPosition = (messages: Array<MessageFacts>): void => {
  const sorted = messages.every((one, i) => i === 0 || messages[i - 1]!.position <= one.position)
  if (!sorted) messages.sort((one, other) => one.position - other.position)
}
