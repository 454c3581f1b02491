/**
 * A seeded model of a run that makes no mistakes. It has producers, operators, messages that fail, and workers that
 * claim lanes, die, freeze, stop gracefully and are taken over. It writes the history that such a run would leave, to
 * try the checker on.
 */
import type * as History from "./History.ts"
import {
  type Attempt,
  dice,
  type Key,
  type Lane,
  lanes,
  type Letter,
  limits,
  type Options,
  type Process,
  type Queued,
  windows
} from "./modelParts.ts"

export class Model {
  readonly entries: Array<History.Entry> = []
  private readonly ledger: Array<History.Committed> = []
  private readonly committed = new Set<string>()
  private readonly conflicts: Array<Queued> = []
  private readonly deadLetters = new Map<string, Letter>()
  private readonly open: Array<Letter> = []
  private readonly keys: Array<Key>
  private readonly lanes: Array<Lane>
  private readonly processes: Array<Process> = []
  private readonly next: () => number
  private readonly harm: number
  private readonly order: "continue" | "park"
  private draws = 0
  private names = 0
  private published = 0

  private readonly options: Options

  constructor(options: Options) {
    this.options = options
    this.next = dice(options.seed * 7919 + 17)
    this.harm = options.harm ?? 1
    this.order = options.order ?? (options.seed % 2 === 0 ? "park" : "continue")
    this.lanes = Array.from({ length: lanes }, (_, lane) => ({ lane, token: 0, owner: undefined }))
    this.keys = Array.from({ length: options.keys }, (_, i) => ({
      key: `k${i}`,
      lane: this.lanes[i % lanes]!,
      queue: [],
      next: 0,
      running: undefined,
      parked: undefined,
      byOperator: false,
      chain: "",
      again: undefined,
      last: undefined
    }))
  }

  run(): ReadonlyArray<History.Entry> {
    const { messages, seed } = this.options
    this.say({ _tag: "RunStarted", seed, command: `model --seed ${seed}` })
    this.say({ _tag: "ConsumerRegistered", consumer: "books", topics: ["payments"], order: this.order })
    for (let i = 0; i < 3; i++) this.begin()
    while (this.published < messages) {
      const roll = this.next()
      if (roll < 0.25) this.publish(this.pick(this.keys))
      else if (roll < 1 - 0.02 * this.harm) this.handle(this.pick(this.keys), false)
      else if (roll < 1 - 0.008 * this.harm) this.operator()
      else this.fault()
    }
    this.say({ _tag: "FaultsStopped", process: "runner" })
    this.finish()
    this.say({ _tag: "Settled", process: "runner", millis: 1200, boundMillis: 30_000 })
    this.facts()
    return this.entries
  }

  private say(entry: History.Entry): void {
    this.entries.push(entry)
  }

  private chance(p: number): boolean {
    return this.next() < p
  }

  private pick<A>(from: ReadonlyArray<A>): A {
    return from[Math.floor(this.next() * from.length)]!
  }

  private begin(): void {
    const process: Process = { name: `w${++this.names}`, state: "lives", running: new Map() }
    this.processes.push(process)
    this.say({ _tag: "ProcessStarted", process: process.name, limits })
  }

  private publish(key: Key): void {
    if (key.again !== undefined) {
      const again = key.again
      key.again = undefined
      return again()
    }
    const count = this.chance(0.05) ? 3 : 1
    const batch = count > 1 ? `batch-${this.published}` : undefined
    const group = Array.from({ length: count }, () => this.message(key))
    const roll = this.next()
    const stored = roll < 0.96 || (roll >= 0.98 && this.chance(0.6))
    for (const one of group) this.tries(one, batch)
    if (stored) key.queue.push(...group)
    this.published += count
    const answer = roll < 0.96 ? "acknowledged" as const : roll < 0.98 ? "failed" as const : "unknown" as const
    if (answer === "acknowledged") key.last = group.at(-1)
    for (const one of group) {
      if (answer !== "unknown" || this.chance(0.5)) this.answers(one, answer)
    }
    if (answer === "acknowledged" || this.chance(0.4)) return
    // The producer tries again under the same ids, before it publishes anything more of the key.
    key.again = () => {
      for (const one of group) this.tries(one, batch)
      key.queue.push(...group.map((one) => ({ ...one, attempts: [] })))
      for (const one of group) this.answers(one, "acknowledged")
    }
  }

  private message(key: Key): Queued {
    const position = key.next++
    const reason = this.pick(["exhausted", "rejected", "undecodable", "crashed"] as const)
    const poison = this.chance(0.012 * this.harm)
      ? { reason, attempts: reason === "exhausted" ? limits.attempts : 1 }
      : undefined
    return { id: `${key.key}:${position}`, key, position, conflict: false, poison, attempts: [] }
  }

  private tries(message: Queued, batch: string | undefined): void {
    const { id, key, poison, position } = message
    this.say({ _tag: "PublishTried", process: "p1", id, topic: "payments", key: key.key, position, batch, poison })
  }

  private answers({ id }: Queued, answer: History.PublishAnswered["answer"]): void {
    this.say({ _tag: "PublishAnswered", process: "p1", id, answer })
  }

  /** One step of the owner of the key's lane. */
  private handle(key: Key, insist: boolean): void {
    const { lane } = key
    if (lane.owner === undefined) {
      lane.owner = this.pick(this.processes.filter((one) => one.state === "lives"))
      lane.token++
    }
    const owner = lane.owner
    if (owner.state !== "lives") {
      if (!insist && !this.chance(0.3)) return
      return this.takeOver(lane, owner)
    }
    if (key.running !== undefined) return this.end(key, owner, insist)
    const message = key.queue[0]
    if (message === undefined || key.parked !== undefined || key.byOperator) return
    if (owner.running.size >= limits.inFlight) return
    const second = key.queue[1]
    if (second?.id !== message.id && this.plain(message) && this.plain(second) && this.chance(0.2)) {
      return this.together(key, owner, [message, second])
    }
    this.start(owner, message)
    key.running = owner
    owner.running.set(key, { message, token: key.lane.token })
  }

  private plain(message: Queued | undefined): message is Queued {
    return message !== undefined && message.poison === undefined && !message.conflict && !this.committed.has(message.id)
  }

  private takeOver(lane: Lane, owner: Process): void {
    for (const key of owner.running.keys()) if (key.lane === lane && key.running === owner) key.running = undefined
    const successor = this.pick(this.processes.filter((one) => one.state === "lives"))
    lane.owner = successor
    lane.token++
    const { token } = lane
    const draw = ++this.draws
    this.say({
      _tag: "Takeover",
      consumer: "books",
      lane: lane.lane,
      token,
      from: owner.name,
      to: successor.name,
      draw
    })
  }

  private start(process: Process, message: Queued, token = message.key.lane.token, transaction?: string): void {
    const { attempts, id, key } = message
    this.say({
      _tag: "HandlerStarted",
      process: process.name,
      consumer: "books",
      id,
      key: key.key,
      attempt: attempts.length + 1,
      lane: key.lane.lane,
      token,
      draw: ++this.draws,
      transaction
    })
  }

  private ends(process: Process, message: Queued, outcome: History.HandlerEnded["outcome"]): void {
    const { id, key } = message
    const draw = ++this.draws
    this.say({ _tag: "HandlerEnded", process: process.name, consumer: "books", id, key: key.key, outcome, draw })
  }

  /** Two of a key in one transaction, since nothing precedes their commit step. */
  private together(key: Key, owner: Process, group: ReadonlyArray<Queued>): void {
    const transaction = `tx${++this.draws}`
    const rolledBack = this.chance(0.1 * this.harm)
    for (const one of group) {
      this.start(owner, one, undefined, transaction)
      if (!rolledBack) this.commit(one, owner, transaction)
      this.ends(owner, one, "done")
    }
    if (!rolledBack) key.queue.splice(0, group.length)
  }

  /** Ends the handler that runs on a key. */
  private end(key: Key, owner: Process, insist: boolean): void {
    const { message } = owner.running.get(key)!
    const roll = this.next()
    owner.running.delete(key)
    key.running = undefined
    if (message.conflict) return this.fails(message, owner, "IdempotencyConflict", 1)
    if (message.poison !== undefined && !this.committed.has(message.id)) {
      return this.fails(message, owner, message.poison.reason, message.poison.attempts ?? 1)
    }
    if (!insist && roll < 0.03 * this.harm) return this.ends(owner, message, "interrupted")
    if (!insist && roll < 0.06 * this.harm && message.attempts.length < limits.attempts - 1) {
      message.attempts.push({ attempt: message.attempts.length + 1, tag: "Flaky" })
      return this.ends(owner, message, "failed")
    }
    if (!this.committed.has(message.id)) this.commit(message, owner, undefined)
    key.queue.shift()
    this.ends(owner, message, "done")
  }

  private commit(message: Queued, owner: Process, transaction: string | undefined): void {
    const { attempts, id, key, position } = message
    const previous = key.chain
    key.chain = `${key.key}/${this.ledger.length}`
    this.committed.add(id)
    const deadLetter = this.deadLetters.get(id)
    if (deadLetter !== undefined) deadLetter.state = "resolved"
    this.ledger.push({
      _tag: "Committed",
      consumer: "books",
      id,
      key: key.key,
      position,
      worker: owner.name,
      attempt: attempts.length + 1,
      lane: key.lane.lane,
      token: key.lane.token,
      draw: ++this.draws,
      transaction,
      emits: position % 3 === 0 ? [`${id}/receipt`, `${id}/mail`] : undefined,
      previous,
      chain: key.chain
    })
  }

  private fails(message: Queued, owner: Process, tag: string, most: number): void {
    const { key } = message
    message.attempts.push({ attempt: message.attempts.length + 1, tag })
    if (message.attempts.length < most) return this.ends(owner, message, "failed")
    key.queue.shift()
    const draw = ++this.draws
    this.ends(owner, message, "failed")
    if (message.conflict) return void this.conflicts.push(message)
    const known = this.deadLetters.get(message.id)
    // Published once more when it was dead already: a duplicate.
    if (known !== undefined && known.state !== "redriving") return
    const deadLetter = known ?? { message, state: "open", redriven: 0, attempts: [], draw }
    deadLetter.state = "open"
    deadLetter.attempts.push(...message.attempts)
    message.attempts = []
    this.deadLetters.set(message.id, deadLetter)
    this.open.push(deadLetter)
    if (this.order === "park") key.parked = deadLetter
    // The same id again in the queue is a duplicate of a dead message: dropped by the inbox.
    while (key.queue.some((one) => one.id === message.id)) {
      key.queue.splice(key.queue.findIndex((one) => one.id === message.id), 1)
    }
  }

  private operator(): void {
    const key = this.pick(this.keys)
    if (this.chance(0.1)) {
      key.byOperator = !key.byOperator
      const action = key.byOperator ? "park" : "release"
      return this.say({ _tag: "OperatorActed", process: "operator", action, consumer: "books", key: key.key })
    }
    if (this.chance(0.3) && key.last !== undefined && this.plain(key.last)) {
      // A producer sends another payload under an id it has used.
      const message: Queued = { ...key.last, conflict: true, attempts: [], poison: { reason: "conflict", attempts: 1 } }
      key.last = undefined
      if (key.again !== undefined) return
      this.tries(message, undefined)
      key.queue.push(message)
      return this.answers(message, "acknowledged")
    }
    const at = Math.floor(this.next() * this.open.length)
    const deadLetter = this.open[at]
    if (deadLetter === undefined) return
    this.open.splice(at, 1)
    this.decide(deadLetter, this.chance(0.2) ? "discard" : "redrive")
  }

  private decide(deadLetter: Letter, action: "discard" | "redrive"): void {
    const { message } = deadLetter
    const { id, key } = message
    const draw = ++this.draws
    this.say({ _tag: "OperatorActed", process: "operator", action, consumer: "books", key: key.key, id, draw })
    const parked = key.parked === deadLetter
    if (parked) key.parked = undefined
    deadLetter.state = action === "discard" ? "discarded" : "redriving"
    if (action === "discard") return
    deadLetter.redriven++
    if (this.chance(0.7)) message.poison = undefined
    if (parked) key.queue.unshift(message)
    else key.queue.push(message)
  }

  private fault(): void {
    const target = this.pick(this.processes)
    const roll = this.next()
    if (target.state === "frozen") return this.thaw(target)
    if (roll < 0.4) {
      const window = this.pick(windows)
      this.say({ _tag: "FaultInjected", process: "runner", name: "SIGKILL", target: target.name, window })
      this.say({ _tag: "ProcessEnded", process: target.name, code: null, signal: "SIGKILL" })
      target.state = "dead"
      this.replace(target)
    } else if (roll < 0.7) {
      if (this.processes.every((one) => one === target || one.state !== "lives")) return
      this.say({ _tag: "FaultInjected", process: "runner", name: "SIGSTOP", target: target.name })
      target.state = "frozen"
    } else this.stopped(target)
  }

  private replace(process: Process): void {
    this.processes.splice(this.processes.indexOf(process), 1)
    this.begin()
  }

  /**
   * A stale owner continues. Its handlers in lost lanes are refused or interrupted, and it may even start a few more.
   */
  private thaw(process: Process): void {
    process.state = "lives"
    for (const [key, { message, token }] of process.running) {
      if (key.lane.owner === process) continue
      this.ends(process, message, this.chance(0.5) ? "done" : "interrupted")
      process.running.delete(key)
      const head = key.queue[0]
      if (head === undefined || key.parked !== undefined || key.byOperator || !this.chance(0.3)) continue
      this.start(process, head, token)
      this.ends(process, head, "interrupted")
    }
  }

  private stopped(process: Process): void {
    for (const [key, { message }] of process.running) {
      this.ends(process, message, "interrupted")
      if (key.running === process) key.running = undefined
    }
    process.running.clear()
    for (const lane of this.lanes) if (lane.owner === process) lane.owner = undefined
    this.say({ _tag: "ProcessEnded", process: process.name, code: 0, signal: null })
    process.state = "dead"
    this.replace(process)
  }

  private finish(): void {
    for (const process of this.processes) if (process.state === "frozen") this.thaw(process)
    for (const key of this.keys) {
      if (key.again !== undefined) this.publish(key)
      for (;;) {
        if (key.running === undefined && (key.queue.length === 0 || key.parked !== undefined || key.byOperator)) break
        const owner = key.lane.owner
        // Its places are taken by others: they end first.
        if (owner?.state === "lives" && key.running === undefined && owner.running.size >= limits.inFlight) {
          for (const other of Array.from(owner.running.keys())) this.handle(other, true)
        }
        this.handle(key, true)
      }
    }
    for (const process of this.processes.slice()) this.stopped(process)
  }

  private facts(): void {
    for (const row of this.ledger) this.say(row)
    for (const { attempts, draw, message, redriven, state } of this.deadLetters.values()) {
      const reason = reasonOf(attempts)
      const { id, key } = message
      const parked = this.order === "park"
      this.say({
        _tag: "DeadLettered",
        consumer: "books",
        id,
        key: key.key,
        reason,
        state,
        parked,
        redriven,
        attempts,
        draw
      })
    }
    for (const { attempts, id, key } of this.conflicts) {
      const fixed = { reason: "rejected", state: "open", parked: false, redriven: 0 } as const
      this.say({ _tag: "DeadLettered", consumer: "books", id, key: key.key, ...fixed, attempts })
    }
    for (const { key, queue } of this.keys) {
      for (const { id } of queue) this.say({ _tag: "Waiting", consumer: "books", id, key, state: "parked" })
    }
    for (const { emits, id, key } of this.ledger) {
      for (const one of emits ?? []) {
        const times = this.chance(0.02) ? 2 : 1
        for (let i = 0; i < times; i++) this.say({ _tag: "Outgoing", id: one, key, consumer: "books", source: id })
      }
    }
  }
}

const reasonOf = (attempts: ReadonlyArray<Attempt>): History.DeadLettered["reason"] =>
  attempts[attempts.length - 1]!.tag as History.DeadLettered["reason"]
