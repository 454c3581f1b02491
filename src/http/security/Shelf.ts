/**
 * Keeps values under random ids for a limited time, in this process: sessions and previews. The oldest value
 * is dropped when too many are kept.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { createHash, randomBytes } from "node:crypto"

export interface Shelf<A> {
  /** Keeps a value, and returns its id: 256 random bits as text. */
  readonly put: (value: A) => Effect.Effect<{ readonly id: string; readonly expiresAt: number }>
  /** Returns the value, or undefined if it has expired or never existed. */
  readonly get: (id: string) => Effect.Effect<A | undefined>
  /** Returns the value and drops it, so that a second call returns undefined. */
  readonly take: (id: string) => Effect.Effect<A | undefined>
}

/** Returns the hash of an id as the key of the map. So the time of a look-up says nothing about the ids that exist. */
const hashed = (id: string): string => createHash("sha256").update(id).digest("base64url")

/** Makes an empty shelf for at most so many values, each for so long. */
export const make = <A>(options: { readonly ttl: Duration.Duration; readonly most: number }): Shelf<A> => {
  const ttl = Duration.toMillis(options.ttl)
  const kept = new Map<string, { readonly value: A; readonly expiresAt: number }>()
  const get = (id: string): Effect.Effect<A | undefined> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const found = kept.get(hashed(id))
      return found !== undefined && found.expiresAt > now ? found.value : undefined
    })
  return {
    put: (value) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        for (const [key, { expiresAt }] of kept) {
          if (expiresAt > now && kept.size < options.most) break
          kept.delete(key)
        }
        const id = randomBytes(32).toString("base64url")
        const expiresAt = now + ttl
        kept.set(hashed(id), { value, expiresAt })
        return { id, expiresAt }
      }),
    get,
    take: (id) => Effect.tap(get(id), () => Effect.sync(() => kept.delete(hashed(id))))
  }
}
