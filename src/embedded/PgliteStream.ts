/**
 * A connection to PGlite in the form that the driver needs: a stream of the wire protocol.
 *
 * PGlite has one session for all connections. So each new stream first ends what the one before left behind (an open
 * transaction, named statements). Streams take turns: whole messages go in, and the response comes out.
 *
 * @since 0.1.0
 */
import type { PGlite } from "@electric-sql/pglite"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
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

/**
 * Ends an open transaction, names, settings. Each statement goes by itself: the second must not run in a transaction.
 */
const clean = ["ROLLBACK", "DISCARD ALL"].map(simpleQuery)

/** The response to a start: the session exists already, and needs no password. */
const welcome = (): Uint8Array => {
  const authenticated = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
  const key = Buffer.from([0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1])
  const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
  return Buffer.concat([authenticated, key, ready])
}

/** Bytes that were written, to be served in their turn. */
interface Turn {
  readonly stream: PgliteStream
  readonly done: (error?: Error) => void
}

/** Makes the streams of one PGlite. One fiber serves them, turn by turn, while the scope is open. */
export const streams = (pglite: PGlite): Effect.Effect<() => Duplex, never, Scope.Scope> =>
  Effect.gen(function*() {
    const turns = yield* Queue.unbounded<Turn>()
    const exec: Exec = (bytes) => Effect.tryPromise(() => pglite.execProtocolRaw(bytes))
    const serve = ({ done, stream }: Turn) =>
      Effect.match(stream.serve(exec), { onFailure: done, onSuccess: () => done() })
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(turns), serve)))
    return () => new PgliteStream(turns)
  })

type Exec = (bytes: Uint8Array) => Effect.Effect<Uint8Array, Cause.UnknownError>

class PgliteStream extends Duplex {
  readonly #turns: Queue.Queue<Turn>
  #started = false
  #rest: Buffer = Buffer.alloc(0)

  constructor(turns: Queue.Queue<Turn>) {
    super()
    this.#turns = turns
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    Queue.offerUnsafe(this.#turns, { stream: this, done })
  }

  /** Passes on the whole messages, and returns the response. */
  serve(exec: Exec): Effect.Effect<void, Cause.UnknownError> {
    return Effect.suspend(() => {
      if (this.destroyed) return Effect.void
      return Effect.flatMap(this.#started ? Effect.succeed(true) : this.#start(exec), (started) => {
        const end = started ? this.#wholeMessages() : 0
        if (end === 0) return Effect.void
        const messages = this.#rest.subarray(0, end)
        this.#rest = this.#rest.subarray(end)
        return Effect.map(exec(messages), (answer) => {
          if (!this.destroyed && answer.length > 0) this.push(answer)
        })
      })
    })
  }

  /**
   * Reads the first message, which has no type: a version with settings, or a cancel request. There is no other
   * session to cancel.
   */
  #start(exec: Exec): Effect.Effect<boolean, Cause.UnknownError> {
    const length = this.#rest.length < 8 ? Infinity : this.#rest.readInt32BE(0)
    if (this.#rest.length < length) return Effect.succeed(false)
    if (this.#rest.readInt32BE(4) === cancelRequest) {
      this.destroy()
      return Effect.succeed(false)
    }
    this.#rest = this.#rest.subarray(length)
    this.#started = true
    return Effect.map(Effect.forEach(clean, exec, { discard: true }), () => {
      this.push(welcome())
      return true
    })
  }

  /**
   * Where the last message that ends a cycle ends (Sync, a simple query): a session given half a cycle would keep it.
   * A Terminate message is not passed on, since the session continues for the next stream.
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
