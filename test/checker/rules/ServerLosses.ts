/**
 * Tells what was lost *with* a database server: the run had seen it, and the next server did not have it when it came
 * up.
 *
 * Such a loss is the database's. It is accepted where the history does not say that it was safe from a crash. A loss
 * *after* that is the library's, and the rules look for it.
 *
 * @since 0.1.0
 */
import type { PublishAnswered, ServerHolds, ServerReturned } from "../History.ts"
import type { Life, MessageFacts } from "./Facts.ts"

/** Something that a server did not have, although it was safe from the crash of the one before. */
export interface Broken {
  readonly server: number
  readonly message: MessageFacts
  /** The message whose effect it is. Undefined: the message itself. */
  readonly effect: Life | undefined
}

/** Facts of an effect that the run saw in a ledger. */
interface Seen {
  durable: boolean
  /** The last server that was seen to have it. */
  server: number
}

export class Servers {
  /** How many messages were acknowledged and lost with a server, as happens. */
  messagesLost = 0
  /** How many effects were seen in a ledger and lost with its server, as happens. */
  effectsLost = 0
  readonly broken: Array<Broken> = []
  /** Messages that were lost with a server, and how often they had been published by then. */
  readonly lost = new Map<MessageFacts, { readonly server: number; readonly tries: number }>()
  /** First draws of the servers after the first. */
  private readonly draws: Array<number> = []
  private readonly effects = new Map<Life, Seen>()
  private loose: Array<MessageFacts> = []

  /** How many servers came after the first. */
  get returned(): number {
    return this.draws.length
  }

  /** Lives whose effect the last server had, when it was read. */
  get seen(): Iterable<Life> {
    return this.effects.keys()
  }

  acknowledged(message: MessageFacts, { durable }: PublishAnswered): void {
    this.told(message, durable !== false)
  }

  /** Everything that the run has seen so far is safe. */
  durable(): void {
    for (const message of this.loose) message.loose = false
    this.loose = []
    for (const seen of this.effects.values()) seen.durable = true
  }

  holds(life: Life, { as, durable, server }: ServerHolds): void {
    this.told(life.message, durable !== false)
    life.message.server = server
    if (as !== "committed") return
    const seen = this.effects.get(life)
    if (seen === undefined) this.effects.set(life, { server, durable: durable !== false })
    else {
      seen.server = server
      seen.durable ||= durable !== false
    }
  }

  /**
   * Ends the list of what a new server holds. Everything else that the run had seen was lost with the server before.
   */
  returns({ draw, server }: ServerReturned, messages: Iterable<MessageFacts>): void {
    this.draws.push(draw)
    for (const message of messages) {
      if (!message.told || message.server === server) continue
      message.told = false
      message.acknowledged = 0
      // The messages of a lost effect are lost with it.
      if (message.tries === 0) continue
      this.lost.set(message, { server, tries: message.tries })
      if (message.loose) this.messagesLost++
      else this.broken.push({ server, message, effect: undefined })
    }
    for (const [life, seen] of this.effects) {
      if (seen.server === server) continue
      this.effects.delete(life)
      if (seen.durable) this.broken.push({ server, message: life.message, effect: life })
      else this.effectsLost++
    }
  }

  /** The number of the server that gave a draw; one that is infinite is the last one's. */
  of(draw: number): number {
    let server = 1
    for (const first of this.draws) if (draw >= first) server++
    return server
  }

  /** Whether two draws were given by different servers, as far as a run of several can know. */
  apart(one: number, other: number): boolean {
    if (this.draws.length === 0) return false
    return !Number.isFinite(one) || !Number.isFinite(other) || this.of(one) !== this.of(other)
  }

  private told(message: MessageFacts, durable: boolean): void {
    if (durable) message.loose = false
    else if (!message.told) {
      message.loose = true
      this.loose.push(message)
    }
    message.told = true
  }
}
