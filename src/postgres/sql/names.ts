/**
 * The quoted names of the schema, which is a setting, and of its tables. The texts of statements contain these names,
 * and take all other values as parameters.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { InvalidName } from "../../Errors.ts"

/** Quoted names, ready for a statement. */
export interface Names {
  /** The name as the operator wrote it. */
  readonly raw: string
  readonly schema: string
  readonly messages: string
  readonly messageSeq: string
  readonly lanes: string
  readonly holds: string
  readonly inbox: string
  readonly deadLetters: string
  readonly deadLetterSeq: string
  readonly consumers: string
  readonly subscriptions: string
  /** A sequence whose value is the id of the transaction that changed the subscriptions last. */
  readonly subscriptionsChanged: string
  readonly unrouted: string
  readonly delayed: string
  readonly workers: string
  readonly leases: string
  readonly unsettled: string
  readonly logs: string
  readonly serverLife: string
  readonly audit: string
  readonly redriveRuns: string
  readonly redriveOutcomes: string
  readonly series: string
  readonly settings: string
  /** The name of a view in the database, as are the next three. */
  readonly vConsumers: string
  readonly vStuckKeys: string
  readonly vFailures: string
  readonly vUnrouted: string
  readonly vRedriveRuns: string
  /** The name of a function in the database, as are the next nine. */
  readonly keyHash: string
  readonly seesSubscriptions: string
  readonly requireAll: string
  readonly publish: string
  readonly cancel: string
  readonly decide: string
  readonly setPaused: string
  readonly redrive: string
  readonly release: string
  readonly pause: string
  readonly resume: string
  /** The table of migrations, without quotes: Effect's migrator adds them. */
  readonly migrations: string
  /** The channel of wake-ups: at most 63 bytes, as Postgres requires. */
  readonly channel: string
}

// At most 50 characters, because Postgres cuts identifiers at 63 bytes and the channel's name has a prefix. There is no
// dot, because the migrator would read the name as schema.table.
const usable = /^[A-Za-z_][A-Za-z0-9_-]{0,49}$/

/** Returns what is wrong with a schema's name, or undefined if it is usable. */
export const problem = (schema: string): string | undefined => {
  if (schema.startsWith("pg_")) return "begins with pg_, which Postgres keeps for itself"
  if (usable.test(schema)) return undefined
  if (schema === "") return "is empty"
  if (schema.length > 50) return "has more than 50 characters"
  return /^[A-Za-z_]/.test(schema) ? "has other characters" : "begins with another character"
}

/** Returns the quoted names for a schema. Fails if the schema's name is not usable. */
export const make = (schema: string): Result.Result<Names, InvalidName> => {
  const bad = problem(schema)
  if (bad !== undefined) return Result.fail(new InvalidName({ kind: "schema", got: schema, problem: bad }))
  const quoted = `"${schema}"`
  const table = (name: string) => `${quoted}."${name}"`
  return Result.succeed({
    raw: schema,
    schema: quoted,
    messages: table("messages"),
    messageSeq: table("message_seq"),
    lanes: table("lanes"),
    holds: table("holds"),
    inbox: table("inbox"),
    deadLetters: table("dead_letters"),
    deadLetterSeq: table("dead_letter_seq"),
    consumers: table("consumers"),
    subscriptions: table("subscriptions"),
    subscriptionsChanged: table("subscriptions_changed"),
    unrouted: table("unrouted"),
    delayed: table("delayed"),
    workers: table("workers"),
    leases: table("leases"),
    unsettled: table("unsettled"),
    logs: table("logs"),
    serverLife: table("server_life"),
    audit: table("audit"),
    redriveRuns: table("redrive_runs"),
    redriveOutcomes: table("redrive_outcomes"),
    series: table("series"),
    settings: table("settings"),
    vConsumers: table("v_consumers"),
    vStuckKeys: table("v_stuck_keys"),
    vFailures: table("v_failures"),
    vUnrouted: table("v_unrouted"),
    vRedriveRuns: table("v_redrive_runs"),
    keyHash: table("key_hash"),
    seesSubscriptions: table("sees_subscriptions"),
    requireAll: table("require_all"),
    publish: table("publish"),
    cancel: table("cancel"),
    decide: table("decide"),
    setPaused: table("set_paused"),
    redrive: table("redrive"),
    release: table("release"),
    pause: table("pause"),
    resume: table("resume"),
    migrations: `${schema}.migrations`,
    channel: `millrace_${schema}`
  })
}
