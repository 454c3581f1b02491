/**
 * A connection to PGlite in the form that the driver needs: a stream of the wire protocol.
 *
 * PGlite has one session for all connections. So each new stream first clears what the stream before it left in the
 * session (an open transaction, named statements). The streams take turns. In its turn, a stream sends whole protocol
 * messages to PGlite, and gets the response.
 *
 * @since 0.1.0
 */
import type { PGlite } from "@electric-sql/pglite"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import { Duplex } from "node:stream"

/** The code that a cancel request has in the place of a protocol version, at the beginning of a stream. */
const cancelRequest = 80877102
/** The types of the protocol messages Terminate and Sync. */
const terminate = 0x58
const sync = 0x53

/** Returns the protocol message `Q` with a statement, as the simple protocol sends it. */
const simpleQuery = (sql: string): Uint8Array => {
  const text = Buffer.from(`${sql}\0`)
  const frame = Buffer.alloc(5 + text.length)
  frame[0] = 0x51
  frame.writeInt32BE(4 + text.length, 1)
  text.copy(frame, 5)
  return frame
}

/**
 * The messages that end an open transaction, and drop named statements and session settings. They are sent one by one,
 * because DISCARD ALL must not run in a transaction.
 */
const clean = ["ROLLBACK", "DISCARD ALL"].map(simpleQuery)

/**
 * Returns the response to the start of a stream. The session exists already, so it says "authenticated" and "ready".
 */
const welcome = (): Uint8Array => {
  const authenticated = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
  const key = Buffer.from([0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1])
  const ready = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
  return Buffer.concat([authenticated, key, ready])
}

/** A write to a stream that waits for its turn. */
interface Turn {
  readonly stream: PgliteStream
  readonly done: (error?: Error) => void
}

/**
 * Returns a function that makes streams to one PGlite. One fiber serves them, turn by turn, while the scope is open.
 */
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

  /** Sends the whole protocol messages that were written to PGlite, and pushes the response to the stream's reader. */
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
   * Reads the first message of the stream, which has no type: a version with settings, or a cancel request. Returns
   * whether the stream has started. A cancel request ends the stream, since PGlite has no other session to cancel.
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
   * Returns the end of the last message that completes a request (Sync, a simple query). PGlite must not get half of a
   * request, because it would keep that half for the next stream. A Terminate message is not passed on either, since
   * the session continues for the next stream.
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
