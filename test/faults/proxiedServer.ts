/**
 * A Postgres server that a fault run can harm, behind a proxy. Clients keep one address through crashes and failovers,
 * and the proxy can refuse connections.
 */
import { Effect, type Scope } from "effect"
import { type Proxy, proxy } from "../harness/proxy.ts"
import { start } from "../setup/server.ts"

/** What clients know. */
export interface Server {
  readonly url: string
  /** Undefined where the server is shared with other runs. */
  readonly own: Own | undefined
}

export interface Own {
  readonly proxy: Proxy
  /** A command of `server-process.ts`. Ends when it is done; from then on the proxy leads to where the server is. */
  readonly tell: (command: string) => Effect.Effect<void>
}

// Only processes die here, so what is written to a file is as safe as on the disk.
const harmless = ["fsync=off", "wal_keep_size=256MB", "shared_buffers=128MB", "max_wal_size=1GB"]

/** Started with some settings, as `postgres -c` takes them; lives until the scope closes. */
export const server = (settings: ReadonlyArray<string>): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function*() {
    const owned = yield* Effect.acquireRelease(
      Effect.promise(() => start({ settings: [...harmless, ...settings] })),
      ({ stop }) => Effect.promise(stop)
    )
    const front = yield* proxy(owned.url)
    const tell = (command: string) =>
      Effect.promise(async () => {
        front.target = await owned.tell(command)
      })
    return { url: front.url, own: { proxy: front, tell } }
  })
