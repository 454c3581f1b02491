/**
 * Pure functions from a webhook's payload to the change that it makes in the projection.
 *
 * The sender's record and the pipeline both name the subject of a payload. Neither reads the other's tables.
 */
import { Option, Schema } from "effect"
import type { Webhook } from "./topics.ts"

/** The part of a payload that the projection reads; GitHub sends far more. */
const Subject = Schema.Struct({ number: Schema.Int })
const Read = Schema.Struct({
  action: Schema.optionalKey(Schema.NullOr(Schema.String)),
  issue: Schema.optionalKey(Subject),
  pull_request: Schema.optionalKey(Subject)
})
const read = Schema.decodeUnknownOption(Read)

/** An issue or pull request of a source, and the state that a payload's action puts it into. */
export interface StateChange {
  /** `issue 1`, `pull request 2`. */
  readonly subject: string
  readonly state: "open" | "closed" | "gone"
}

const states: Readonly<Record<string, StateChange["state"]>> = {
  opened: "open",
  reopened: "open",
  closed: "closed",
  merged: "closed",
  deleted: "gone",
  transferred: "gone"
}

/** The action that a payload names, if any. */
export const action = (payload: Schema.JsonObject): string | undefined =>
  Option.match(read(payload), { onNone: () => undefined, onSome: (read) => read.action ?? undefined })

/** The change that a payload makes to an issue or pull request. Undefined: it changes none. */
export const stateChange = (kind: string, payload: Schema.JsonObject): StateChange | undefined => {
  if (kind !== "issues" && kind !== "pull_request") return undefined
  const parts = Option.getOrUndefined(read(payload))
  const state = states[parts?.action ?? ""]
  const number = kind === "issues" ? parts?.issue?.number : parts?.pull_request?.number
  return state === undefined || number === undefined
    ? undefined
    : { subject: `${kind === "issues" ? "issue" : "pull request"} ${number}`, state }
}

/** Describes a webhook in one line: `issues opened in octo-org-1/hello-world-1`. */
export const describe = (webhook: Webhook): string =>
  `${webhook.kind} ${action(webhook.payload) ?? "received"} in ${webhook.source}`
