/**
 * Turns any error into the failure of a command, by one table from the error's tag to the exit code.
 */
import * as CliError from "effect/cli/CliError"
import * as Predicate from "effect/Predicate"
import { CliFailure, type ExitReason } from "./CliFailure.ts"

const reasons: Readonly<Record<string, ExitReason>> = {
  ConsumerNotFound: "notFound",
  DeadLetterNotFound: "notFound",
  WorkerNotFound: "notFound",
  RedriveRunNotFound: "notFound",
  NothingToRedrive: "notFound",
  NothingToAdvance: "notFound",
  MessageNotWaiting: "notFound",
  DeadLetterConflict: "conflict",
  PauseConflict: "conflict",
  DataInUse: "conflict",
  RedriveRunning: "conflict",
  RedriveRunConflict: "conflict",
  QueueChanged: "conflict",
  DeadLetterExists: "conflict",
  SchemaOutdated: "refused",
  SchemaTooNew: "refused",
  InvalidConfig: "usage",
  InvalidSetting: "usage",
  InvalidName: "usage",
  InvalidMessage: "usage",
  EditUndecodable: "usage",
  InvalidOperatorAction: "usage"
}

/** Classes of SQLSTATE, whole ones, and answers of a server, that say that a right is missing. */
const notAllowed = ["28", "42501", "25006", "HTTP 401", "HTTP 403"]

const reasonOf = (error: Readonly<Record<string, unknown>>, tag: string): ExitReason => {
  if (tag !== "StoreFailure") return reasons[tag] ?? "unexpected"
  const code = String(error["code"])
  if (notAllowed.some((begin) => code.startsWith(begin))) return "notAllowed"
  return error["kind"] === "refused" ? "unexpected" : "unreachable"
}

const hints: Readonly<Record<string, string>> = {
  InvalidConfig: "Flags win over variables: --database-url, --schema. An embedded database needs --data-dir.",
  DeadLetterNotFound: "List them by `millrace dead list`. A message id is found by `millrace find`.",
  DeadLetterConflict: "Look at it by `millrace dead show`.",
  NothingToAdvance: "Held keys are listed by `millrace stuck`, and a key is paused by `millrace keys pause`.",
  MessageNotWaiting: "Look at it by `millrace find`.",
  PauseConflict: "Look at the actions by `millrace audit`.",
  RedriveRunNotFound: "List them by `millrace runs list`.",
  RedriveRunning: "Look at it by `millrace runs show`.",
  RedriveRunConflict: "Look at it by `millrace runs show`.",
  QueueChanged: "Look at it by `millrace purge --dry-run`. To pause the consumer: millrace consumers pause.",
  DataInUse: "A data directory has one process at a time. Look when that process is stopped."
}

const kebab = (tag: string): string => tag.replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase()

/** Returns the fields of an error that programs may branch on. */
const fieldsOf = (error: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(error).filter(([name, value]) =>
      !["_tag", "name", "message", "stack", "cause"].includes(name) && !name.startsWith("~") &&
      !Predicate.isFunction(value)
    )
  )

/** Returns the failure of a command for any error. */
export const of = (error: unknown): CliFailure => {
  if (error instanceof CliFailure) return error
  if (CliError.isCliError(error)) {
    const errors = error._tag === "ShowHelp" ? error.errors : [error]
    const path = error._tag === "ShowHelp" ? error.commandPath.join(" ") : "millrace"
    const texts = errors.map((one) => one.message)
    const message = texts.length === 0 ? "A command is missing." : texts.join("\n")
    return new CliFailure({ reason: "usage", type: "usage", message: `${message}\nLook at \`${path} --help\`.` })
  }
  if (!Predicate.isObject(error)) {
    return new CliFailure({ reason: "unexpected", type: "unexpected", message: String(error) })
  }
  const fields = error as Readonly<Record<string, unknown>>
  const tag = typeof fields["_tag"] === "string" ? fields["_tag"] : "Unexpected"
  const text = typeof fields["message"] === "string" ? fields["message"] : tag
  const hint = hints[tag]
  return new CliFailure({
    reason: reasonOf(fields, tag),
    type: kebab(tag),
    message: hint === undefined ? text : `${text}\n${hint}`,
    fields: fieldsOf(error)
  })
}
