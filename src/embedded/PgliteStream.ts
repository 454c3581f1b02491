/**
 * A connection to PGlite as the driver wants one: a stream of the wire protocol.
 *
 * PGlite has one session, whoever connects. So each new stream begins by ending whatever the one before left behind (an
 * open transaction, named statements), and streams take turns: what is written goes in, whole messages at a time, and the
 * answer comes out.
 *
 * @since 0.1.0
 */
import type { PGlite } from "@electric-sql/pglite"
import { Duplex } from "node:stream"

/** Codes in the place of a version, at the beginning of a stream. */
const cancelRequest = 80877102
const terminate = 0x58
const sync = 0x53

/** `Q` with a statement: the simple protocol. */
const simpleQuery = (sql: string): Uint8Array => {
  const text = Buffer.from(`${sql}\0`)
  const frame = Buffer.alloc(5 + text.length)
  frame[0] = 0x51
  frame.writeInt32BE(4 + text.length, 1)
  text.copy(frame, 5)
  return frame
}

/** Ends an open transaction, names, settings. Each statement by itself: the second must not run in a transaction. */
const clean = ["ROLLBACK", "DISCARD ALL"].map(simpleQuery)

/** What is answered to a start: the session is there already, and asks for no password. */
const welcome = (): Uint8Array => {
  const authenticated = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
  const key = Buffer.from([0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1])
  const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
  return Buffer.concat([authenticated, key, ready])
}

/** Makes the streams of one PGlite. */
export const streams = (pglite: PGlite): () => Duplex => {
  let turn: Promise<unknown> = Promise.resolve()
  const next = <A>(run: () => Promise<A>): Promise<A> => {
    const result = turn.then(run, run)
    turn = result.catch(() => undefined)
    return result
  }
  return () => new PgliteStream(pglite, next)
}

class PgliteStream extends Duplex {
  readonly #pglite: PGlite
  readonly #next: <A>(run: () => Promise<A>) => Promise<A>
  #started = false
  #rest: Buffer = Buffer.alloc(0)

  constructor(pglite: PGlite, next: <A>(run: () => Promise<A>) => Promise<A>) {
    super()
    this.#pglite = pglite
    this.#next = next
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    this.#next(() => this.#serve()).then(() => done(), (error: unknown) => done(error as Error))
  }

  async #serve(): Promise<void> {
    if (this.destroyed) return
    if (!this.#started && !await this.#start()) return
    const end = this.#wholeMessages()
    if (end === 0) return
    const messages = this.#rest.subarray(0, end)
    this.#rest = this.#rest.subarray(end)
    const answer = await this.#pglite.execProtocolRaw(messages)
    if (!this.destroyed && answer.length > 0) this.push(answer)
  }

  /** The first message has no type: a version with settings, or a cancel request, which there is nobody to receive. */
  async #start(): Promise<boolean> {
    if (this.#rest.length < 8 || this.#rest.length < this.#rest.readInt32BE(0)) return false
    const length = this.#rest.readInt32BE(0)
    if (this.#rest.readInt32BE(4) === cancelRequest) {
      this.destroy()
      return false
    }
    this.#rest = this.#rest.subarray(length)
    this.#started = true
    for (const statement of clean) await this.#pglite.execProtocolRaw(statement)
    this.push(welcome())
    return true
  }

  /**
   * Where the last message that ends a cycle ends (Sync, a simple query): a session given half a cycle would keep it. A
   * farewell is not passed on, since the session goes on for the next stream.
   */
  #wholeMessages(): number {
    let at = 0
    let end = 0
    while (at + 5 <= this.#rest.length) {
      const type = this.#rest[at]
      const to = at + 1 + this.#rest.readInt32BE(at + 1)
      if (to > this.#rest.length || type === terminate) break
      at = to
      if (type === sync || type === 0x51) end = at
    }
    return end
  }
}
