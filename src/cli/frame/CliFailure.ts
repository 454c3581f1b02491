/**
 * The failure of a command: its exit code, a type that programs branch on, and a text for the operator.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** The meaning of each exit code. `README.md` documents them. */
export const exitCodes = {
  unexpected: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  conflict: 5,
  refused: 6,
  failedAgain: 7,
  checkFailed: 8,
  unreachable: 75,
  interrupted: 130
} as const

export type ExitReason = keyof typeof exitCodes

export class CliFailure extends Data.TaggedError("CliFailure")<{
  readonly reason: ExitReason
  /** The tag of the error in kebab case: `dead-letter-not-found`. */
  readonly type: string
  /** The text for the operator. A line break separates the text from hints. */
  readonly message: string
  /** Further fields of the error as JSON. */
  readonly fields?: Readonly<Record<string, unknown>> | undefined
}> {}

/** Fails since the command was not used as it must be. */
export const usage = (message: string): Effect.Effect<never, CliFailure> =>
  Effect.fail(new CliFailure({ reason: "usage", type: "usage", message }))

/** Fails since a guard forbids the action. */
export const refused = (type: string, message: string): Effect.Effect<never, CliFailure> =>
  Effect.fail(new CliFailure({ reason: "refused", type, message }))

/** Returns the failure for something that does not exist, with those that exist. */
export const notFound = (
  what: string,
  got: string,
  existing: ReadonlyArray<string>,
  hint: string
): CliFailure => {
  const shown = existing.slice(0, 10).map((name) => JSON.stringify(name)).join(", ")
  const more = existing.length > 10 ? ` and ${existing.length - 10} more` : ""
  return new CliFailure({
    reason: "notFound",
    type: `${what.replaceAll(" ", "-")}-not-found`,
    message: `There is no ${what} ${JSON.stringify(got)}. Nothing was changed.\n${
      existing.length === 0 ? `There is no ${what} at all.` : `There is: ${shown}${more}.`
    } ${hint}`,
    fields: { got, existing: existing.slice(0, 100) }
  })
}
