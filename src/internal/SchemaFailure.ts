/**
 * Describes why a value did not encode or decode, without quoting more of the value than an error may show.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"

/** Returns the first issue, cut to 500 characters, because messages of schema issues may quote values. */
export const firstLine = (cause: { readonly reasons: ReadonlyArray<object> }): string => {
  const reason = cause.reasons[0]
  const error = reason !== undefined && "error" in reason
    ? reason.error
    : reason !== undefined && "defect" in reason
    ? reason.defect
    : "interrupted"
  return (error instanceof Error ? error.message : String(error)).slice(0, 500)
}

/**
 * Returns the path and kind of a decoding issue. Positions in arrays are left out, so that the same cause has the
 * same text.
 */
export const whereOf = (cause: Cause.Cause<unknown>): string => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  // A cause that is no schema error means that the payload is no JSON, or is nested too deeply for the decoder.
  if (!Schema.isSchemaError(error)) return "$ NotJson"
  let path = "$"
  let issue: SchemaIssue.Issue = error.issue
  while (true) {
    if (issue._tag === "Pointer") {
      for (const step of issue.path) path += typeof step === "number" ? "[*]" : `.${String(step).slice(0, 60)}`
      issue = issue.issue
    } else if (issue._tag === "Filter" || issue._tag === "Encoding") {
      issue = issue.issue
    } else if (issue._tag === "Composite") {
      issue = issue.issues[0]
    } else {
      return `${path.slice(0, 200)} ${issue._tag}`
    }
  }
}
