/**
 * Chooses the database of a run: in memory, in a folder, or on a Postgres server.
 *
 * The program uses each of them as Postgres. They differ only in what remains when the process ends.
 */
import { Config, Effect, Option, Redacted } from "effect"
import { Embedded } from "millrace/embedded"
import { Postgres } from "millrace/postgres"

export type Place =
  | { readonly _tag: "Memory" }
  | { readonly _tag: "Folder"; readonly folder: string }
  | { readonly _tag: "Server"; readonly url: Redacted.Redacted }

/** `DATABASE_URL`, if it is set. */
export const server: Effect.Effect<Option.Option<Place>, Config.ConfigError> = Effect.gen(function*() {
  const url = yield* Config.option(Config.Redacted("DATABASE_URL"))
  return Option.map(url, (url): Place => ({ _tag: "Server", url }))
})

/** The library's store and transport, and the SqlClient that joins their transactions. */
export const layer = (place: Place, schema: string) => {
  switch (place._tag) {
    case "Memory":
      return Embedded.layer({ schema })
    case "Folder":
      return Embedded.layer({ dataDir: place.folder, schema })
    case "Server":
      return Postgres.layer({ url: place.url, schema })
  }
}

/** Describes the database, without a server's password. */
export const describe = (place: Place): string => {
  switch (place._tag) {
    case "Memory":
      return "PGlite in memory"
    case "Folder":
      return `PGlite in ${place.folder}`
    case "Server": {
      const url = URL.parse(Redacted.value(place.url))
      return url === null ? "Postgres" : `Postgres at ${url.host}${url.pathname}`
    }
  }
}
