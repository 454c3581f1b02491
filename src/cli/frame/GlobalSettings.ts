/**
 * The settings that every command has.
 */
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { usage } from "./CliFailure.ts"

const text = (name: string, metavar: string, description: string) => ({
  flag: Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)
})

const toggle = (name: string, description: string) => ({
  flag: Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withoutNegation, Flag.withDefault(false))
})

export const DatabaseUrl = GlobalFlag.Setting("database-url")(
  text("database-url", "url", "postgres://user:password@host:port/database. Default: DATABASE_URL")
)
export const DataDir = GlobalFlag.Setting("data-dir")(
  text("data-dir", "directory", "The directory of an embedded database (PGlite), in place of a server")
)
export const Url = GlobalFlag.Setting("url")(
  text("url", "url", "A server of the HTTP API in place of a database, with MILLRACE_TOKEN. Default: MILLRACE_URL")
)
export const Schema = GlobalFlag.Setting("schema")(
  text("schema", "name", "The schema of Millrace's tables. Default: MILLRACE_SCHEMA, then millrace")
)
export const Json = GlobalFlag.Setting("json")(toggle("json", "Print one JSON document"))
export const NdJson = GlobalFlag.Setting("ndjson")(toggle("ndjson", "Print one JSON line for each row"))
export const Color = GlobalFlag.Setting("color")({
  flag: Flag.Boolean("color").pipe(
    Flag.withDescription(
      "--no-color turns colors off. They are on if the output is a terminal and NO_COLOR is not set"
    ),
    Flag.withDefault(true)
  )
})
export const Quiet = GlobalFlag.Setting("quiet")(toggle("quiet", "Print no progress and no hints"))
export const Yes = GlobalFlag.Setting("yes")(toggle("yes", "Do not ask before an action on several things"))
export const Note = GlobalFlag.Setting("note")(text("note", "text", "The reason of an action, for the audit"))
export const By = GlobalFlag.Setting("by")(
  text("by", "name", "The operator of an action, for the audit. Default: MILLRACE_BY, then the user of this shell")
)

export const all = [DatabaseUrl, DataDir, Url, Schema, Json, NdJson, Color, Quiet, Yes, Note, By] as const

/** Returns the value of a variable of the environment, or undefined if it is not set or empty. */
export const variable = (name: string): Effect.Effect<string | undefined> =>
  Config.String(name).pipe(
    Effect.map((value) => value === "" ? undefined : value),
    Effect.orElseSucceed(() => undefined)
  )

/** Returns the operator of an action, and the reason for it. */
export const operator = Effect.gen(function*() {
  const given = Option.getOrUndefined(yield* By)
  const by = given
    ?? (yield* variable("MILLRACE_BY"))
    ?? (yield* variable("USER"))
    ?? (yield* variable("LOGNAME"))
    ?? (yield* variable("USERNAME"))
  if (by === undefined) {
    return yield* usage("The audit needs the name of the operator, and the environment has none. Pass it by --by.")
  }
  return { by, note: Option.getOrUndefined(yield* Note) }
})
