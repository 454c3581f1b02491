/**
 * A TCP proxy in front of Postgres that reads what clients send, so that it can strike at a COMMIT: the server gets it, and the
 * client is reset, hears nothing any more, or hears late.
 *
 * COMMIT is a prepared statement here: its text is sent once a connection, later a name stands for it. So the proxy reads the
 * messages of the wire protocol (Parse, Bind, Query) and knows which statement each one runs. Only a COMMIT of a
 * transaction that has written what `marks` matches is struck: others are publishers', or the worker's own machinery.
 */
import { Effect } from "effect"
import { connect, createServer, type Server, type Socket } from "node:net"

/**
 * `reset`: the connection is reset when COMMIT was sent. `late reset`: when the server had answered it. `black hole`: nothing
 * reaches the client any more. `delay`: the answer comes late. `kill`: nothing but the note, which kills the client.
 */
export type CommitFault = { readonly kind: "reset" | "late reset" | "black hole" | "kill" } | {
  readonly kind: "delay"
  readonly millis: number
}

/** What a client runs, from the bytes that it sends. */
class Reader {
  private buffer: Buffer = Buffer.alloc(0)
  private started = false
  private readonly statements = new Map<string, string>()

  /** The statements that begin to run with this chunk. */
  read(chunk: Buffer): ReadonlyArray<string> {
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk])
    const found: Array<string> = []
    while (true) {
      // A start-up message has no type, only its length; every later one has both.
      const head = this.started ? 1 : 0
      if (this.buffer.length < head + 4) return found
      const length = this.buffer.readUInt32BE(head)
      if (this.buffer.length < head + length) return found
      const body = this.buffer.subarray(head + 4, head + length)
      const type = this.started ? String.fromCharCode(this.buffer[0]!) : ""
      // 3.x is the protocol; anything else asks for TLS, and is asked again without.
      if (!this.started) this.started = body.length >= 4 && body.readUInt16BE(0) === 3
      else this.message(type, body, found)
      this.buffer = this.buffer.subarray(head + length)
    }
  }

  private message(type: string, body: Buffer, found: Array<string>): void {
    if (type === "Q") found.push(text(body, 0))
    if (type === "P") {
      const name = text(body, 0)
      this.statements.set(name, text(body, Buffer.byteLength(name) + 1))
    }
    if (type === "B") {
      const portal = text(body, 0)
      found.push(this.statements.get(text(body, Buffer.byteLength(portal) + 1)) ?? "")
    }
  }
}

const text = (body: Buffer, from: number): string => body.toString("utf8", from, body.indexOf(0, from))

export class Proxy {
  /** The database's address, through this proxy. */
  url = ""
  /** Where the database is; connections that are open stay where they are. */
  target = ""
  /** Whether it lets nobody in: who comes is reset. */
  shut = false
  /** What happens to the next COMMITs, one fault each. */
  readonly commits: Array<CommitFault> = []
  /** A statement was passed on to the server, which knows the session by this port (`inet_client_port()`). */
  sent: (statement: string, port: number) => void = () => {}
  /** A fault has struck. */
  struck: (fault: CommitFault) => void = () => {}

  private readonly marks: RegExp
  private readonly pairs = new Set<{ readonly client: Socket; readonly upstream: Socket }>()
  private server: Server | undefined

  constructor(marks: RegExp) {
    this.marks = marks
  }

  /** Listens on a free port of the loopback interface. */
  listen(target: string, done: (proxy: Proxy) => void): void {
    this.target = target
    this.server = createServer((client) => {
      const { hostname, port } = new URL(this.target)
      if (this.shut) client.resetAndDestroy()
      else this.pass(client, connect(Number(port), hostname))
    })
    this.server.listen(0, "127.0.0.1", () => {
      const address = this.server?.address()
      const url = new URL(target)
      url.hostname = "127.0.0.1"
      url.port = String(typeof address === "object" ? address?.port : "")
      this.url = url.toString()
      done(this)
    })
  }

  /** Resets every connection that is open now. Answers how many. */
  cut(): number {
    const open = [...this.pairs]
    for (const { client, upstream } of open) {
      client.resetAndDestroy()
      upstream.destroy()
    }
    return open.length
  }

  close(): void {
    this.server?.close()
    this.cut()
  }

  private pass(client: Socket, upstream: Socket): void {
    const pair = { client, upstream }
    this.pairs.add(pair)
    const reader = new Reader()
    let wrote = false
    let answer: "pass" | "drop" | "reset" | "hold" = "pass"
    const held: Array<Buffer> = []
    const end = () => {
      this.pairs.delete(pair)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on("error", () => {})
    }
    client.on("close", end)
    // In a black hole the client does not even hear that the server has gone.
    upstream.on("close", () => answer === "drop" ? undefined : end())
    upstream.on("data", (chunk: Buffer) => {
      if (answer === "pass") client.write(chunk)
      if (answer === "hold") held.push(chunk)
      if (answer === "reset") client.resetAndDestroy()
    })
    client.on("data", (chunk: Buffer) => {
      upstream.write(chunk)
      for (const statement of reader.read(chunk)) {
        this.sent(statement, upstream.localPort ?? 0)
        wrote ||= this.marks.test(statement)
        if (/^(commit|rollback)\b/i.test(statement)) {
          const fault = wrote && /^commit/i.test(statement) ? this.commits.shift() : undefined
          wrote = false
          if (fault === undefined) continue
          answer = fault.kind === "black hole" || fault.kind === "kill"
            ? "drop"
            : fault.kind === "delay"
            ? "hold"
            : "reset"
          if (fault.kind === "reset") client.resetAndDestroy()
          if (fault.kind === "delay") {
            setTimeout(() => {
              answer = "pass"
              for (const chunk of held.splice(0)) client.write(chunk)
            }, fault.millis)
          }
          this.struck(fault)
        }
      }
    })
  }
}

/** A proxy that ends with the scope. */
export const proxy = (target: string, marks: RegExp) =>
  Effect.acquireRelease(
    Effect.callback<Proxy>((resume) => new Proxy(marks).listen(target, (proxy) => resume(Effect.succeed(proxy)))),
    (proxy) => Effect.sync(() => proxy.close())
  )
