/**
 * A TCP proxy in front of Postgres. When a test says so, it stops passing bytes on, delays them, cuts connections, or
 * strikes at a COMMIT. In front of another server it reads no statements.
 *
 * COMMIT is a prepared statement here: its text is sent once a connection, later a name stands for it. So the proxy
 * reads the messages of the wire protocol (Parse, Bind, Query) and knows which statement each one runs. It strikes only
 * a COMMIT of a transaction that has written what `marks` matches. Other COMMITs come from publishers, or from the
 * worker itself.
 */
import { Effect } from "effect"
import { connect, createServer, type Server, type Socket } from "node:net"

/**
 * `reset`: the connection is reset when COMMIT was sent. `late reset`: it is reset when the server has answered. `black
 * hole`: nothing reaches the client any more. `delay`: the answer comes late. `kill`: only `struck` is called, which
 * kills the client.
 */
export type CommitFault = { readonly kind: "reset" | "late reset" | "black hole" | "kill" } | {
  readonly kind: "delay"
  readonly millis: number
}

/** The most bytes of a start-up message that Postgres accepts. */
const longestStart = 10_000

/** Finds the statements that a client runs in the bytes that it sends. */
class Reader {
  private buffer: Buffer = Buffer.alloc(0)
  private started = false
  private foreign = false
  private readonly statements = new Map<string, string>()

  /** The statements that begin to run with this chunk. */
  read(chunk: Buffer): ReadonlyArray<string> {
    if (this.foreign) return []
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk])
    const found: Array<string> = []
    while (true) {
      // A start-up message has no type, only its length; every later one has both.
      const head = this.started ? 1 : 0
      if (this.buffer.length < head + 4) return found
      const length = this.buffer.readUInt32BE(head)
      // No start-up message is so long: this is another protocol.
      if (!this.started && length > longestStart) {
        this.foreign = true
        this.buffer = Buffer.alloc(0)
        return []
      }
      if (this.buffer.length < head + length) return found
      const body = this.buffer.subarray(head + 4, head + length)
      const type = this.started ? String.fromCharCode(this.buffer[0]!) : ""
      // 3.x is the protocol; anything else asks for TLS, and the client asks again without.
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

interface Connection {
  readonly client: Socket
  readonly upstream: Socket
  /** The beginning of what the client has sent. */
  sent: string
  /** Whether bytes pass; both ends stay open where they do not. */
  passes: boolean
}

const remembered = 1_000_000

export class Proxy {
  /** The database's address, through this proxy. */
  url = ""
  /** Where the database is; connections that are open stay where they are. */
  target = ""
  /** Whether new connections are reset at once. */
  shut = false
  /** How many milliseconds bytes take from one end to the other, in each direction. */
  wayMillis = 0
  /** Faults for the next COMMITs, one each. */
  readonly commits: Array<CommitFault> = []
  /** From a client's chunk on that this accepts, nothing of its connection passes in either direction. */
  swallow: ((chunk: Buffer) => boolean) | undefined
  /** As `swallow`, but the chunk still reaches the server: only the answer is lost. */
  dropResponses: ((chunk: Buffer) => boolean) | undefined
  /** A statement was passed on to the server, which knows the session by this port (`inet_client_port()`). */
  sent: (statement: string, port: number) => void = () => {}
  /** A fault has struck. */
  struck: (fault: CommitFault) => void = () => {}

  private readonly marks: RegExp
  private readonly connections = new Set<Connection>()
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
      else this.pass({ client, upstream: connect(Number(port), hostname), sent: "", passes: true })
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

  /** From now on nothing passes on the connections that have sent this text. Returns their number. */
  silence(text: string): number {
    const those = [...this.connections].filter(({ passes, sent }) => passes && sent.includes(text))
    for (const each of those) each.passes = false
    return those.length
  }

  /** Resets the connections that have sent this text. */
  reset(text: string): void {
    for (const { client, sent } of this.connections) if (sent.includes(text)) client.resetAndDestroy()
  }

  /** Resets every connection that is open now. Returns their number. */
  cut(): number {
    const open = [...this.connections]
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

  /** One direction of a connection: it takes each step after the time of the way, and keeps their order. */
  private way(): (step: () => void) => void {
    const steps: Array<() => void> = []
    return (step) => {
      if (this.wayMillis === 0) return step()
      steps.push(step)
      setTimeout(() => steps.shift()?.(), this.wayMillis)
    }
  }

  private pass(connection: Connection): void {
    const { client, upstream } = connection
    this.connections.add(connection)
    const reader = new Reader()
    let wrote = false
    let answer: "pass" | "drop" | "reset" | "hold" = "pass"
    const held: Array<Buffer> = []
    const end = () => {
      this.connections.delete(connection)
      client.destroy()
      upstream.destroy()
    }
    const there = this.way()
    const back = this.way()
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on("error", () => {})
    }
    client.on("close", end)
    // In a black hole the client does not notice that the server has gone, either.
    upstream.on("close", () => answer === "drop" || !connection.passes ? undefined : back(end))
    upstream.on("data", (chunk: Buffer) => {
      if (!connection.passes) return
      if (answer === "pass") back(() => client.write(chunk))
      if (answer === "hold") held.push(chunk)
      if (answer === "reset") client.resetAndDestroy()
    })
    client.on("data", (chunk: Buffer) => {
      if (connection.sent.length < remembered) connection.sent += chunk.toString("latin1")
      if (connection.passes && this.swallow?.(chunk) === true) connection.passes = false
      if (!connection.passes) return
      there(() => upstream.write(chunk))
      if (this.dropResponses?.(chunk) === true) connection.passes = false
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

/** A proxy that ends with the scope. It strikes no COMMIT without `marks`. */
export const proxy = (target: string, marks = /(?!)/) =>
  Effect.acquireRelease(
    Effect.callback<Proxy>((resume) => new Proxy(marks).listen(target, (proxy) => resume(Effect.succeed(proxy)))),
    (proxy) => Effect.sync(() => proxy.close())
  )
