/** A TCP proxy in front of a database that can stop passing on, at a moment chosen by what goes through it. */
import { Effect } from "effect"
import { connect, createServer, type Server, type Socket } from "node:net"

export interface Proxy {
  readonly url: string
  /**
   * From the first chunk of a client that this accepts, nothing of that connection is passed on in either direction.
   * If undefined, everything is.
   */
  swallow: ((chunk: Buffer) => boolean) | undefined
  /** As `swallow`, but the chunk still reaches the server: only the answer is lost. */
  dropResponses: ((chunk: Buffer) => boolean) | undefined
  /**
   * On the connections that have sent this text, nothing is passed on from now on, and both ends stay open. Returns
   * how many there are.
   */
  readonly silence: (text: string) => number
  /** Resets the connections that have sent this text. */
  readonly reset: (text: string) => void
}

export const proxy = (target: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly proxy: Proxy; readonly server: Server; readonly sockets: Set<Socket> }>((resume) => {
        const { hostname, port } = new URL(target)
        const sockets = new Set<Socket>()
        const connections = new Set<{ sent: string; open: boolean; readonly client: Socket }>()
        const silence = (text: string) => {
          const those = [...connections].filter(({ open, sent }) => open && sent.includes(text))
          for (const each of those) each.open = false
          return those.length
        }
        const reset = (text: string) => {
          for (const { client, sent } of connections) if (sent.includes(text)) client.resetAndDestroy()
        }
        const proxy: Proxy = { url: "", swallow: undefined, dropResponses: undefined, silence, reset }
        const server = createServer((client) => {
          const upstream = connect(Number(port), hostname)
          const connection = { sent: "", open: true, client }
          connections.add(connection)
          for (const socket of [client, upstream]) {
            sockets.add(socket)
            socket.on("error", () => {})
            socket.on("close", () => sockets.delete(socket))
          }
          client.on("data", (chunk: Buffer) => {
            connection.sent += chunk.toString("latin1")
            if (connection.open && proxy.swallow?.(chunk) === true) connection.open = false
            if (connection.open) upstream.write(chunk)
            if (connection.open && proxy.dropResponses?.(chunk) === true) connection.open = false
          })
          upstream.on("data", (chunk: Buffer) => connection.open && client.write(chunk))
          client.on("close", () => {
            connections.delete(connection)
            upstream.destroy()
          })
          upstream.on("close", () => connection.open && client.destroy())
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const url = new URL(target)
          url.port = String(typeof address === "object" ? address?.port : "")
          Object.assign(proxy, { url: url.toString() })
          resume(Effect.succeed({ proxy, server, sockets }))
        })
      }),
      ({ server, sockets }) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    ),
    ({ proxy }) => proxy
  )
