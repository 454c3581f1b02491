/** A TCP proxy in front of a database that can stop passing on, at a moment chosen by what goes through it. */
import { Effect } from "effect"
import { connect, createServer, type Server, type Socket } from "node:net"

export interface Proxy {
  readonly url: string
  /** From a client's chunk on that this accepts, nothing of that connection is passed on in either direction; undefined: all is. */
  swallow: ((chunk: Buffer) => boolean) | undefined
  /** As `swallow`, but the chunk still reaches the server: only the answer is lost. */
  deafen: ((chunk: Buffer) => boolean) | undefined
}

export const proxy = (target: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly proxy: Proxy; readonly server: Server; readonly sockets: Set<Socket> }>((resume) => {
        const { hostname, port } = new URL(target)
        const sockets = new Set<Socket>()
        const proxy: Proxy = { url: "", swallow: undefined, deafen: undefined }
        const server = createServer((client) => {
          const upstream = connect(Number(port), hostname)
          let open = true
          for (const socket of [client, upstream]) {
            sockets.add(socket)
            socket.on("error", () => {})
            socket.on("close", () => sockets.delete(socket))
          }
          client.on("data", (chunk: Buffer) => {
            if (open && proxy.swallow?.(chunk) === true) open = false
            if (open) upstream.write(chunk)
            if (open && proxy.deafen?.(chunk) === true) open = false
          })
          upstream.on("data", (chunk: Buffer) => open && client.write(chunk))
          client.on("close", () => upstream.destroy())
          upstream.on("close", () => open && client.destroy())
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
