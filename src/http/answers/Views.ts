/**
 * Makes the JSON of dead letters and failures. Every dead letter and failure passes here, so that no answer contains a
 * hidden value.
 */
import type { DeadLetter as DeadLetterFact } from "../../DeadLetter.ts"
import type { Failure } from "../../Delivery.ts"
import * as MessageId from "../../MessageId.ts"
import type { Blocker, Session, SnapshotOwner } from "../../ops/DatabaseFacts.ts"
import type { StuckKey } from "../../ops/KeyFacts.ts"
import type { Found, FoundAt, StoredMessage } from "../../ops/MessageFacts.ts"
import type { RedrivePreview, RedriveRun } from "../../ops/RedriveRun.ts"
import * as TraceLink from "../../ops/TraceLink.ts"
import type { DeadLetter, DeadLetterItem } from "../schema/DeadLetterSchema.ts"
import type { Found as FoundJson, StoredMessage as StoredMessageJson } from "../schema/MessageSchema.ts"
import type { Preview, Run } from "../schema/RunSchema.ts"
import type { Hidden } from "../security/Redaction.ts"
import type { Settings } from "../security/ServerSettings.ts"

/** Returns the ETag of a dead letter without its quotes. Every decision and every death changes it. */
export const versionOf = ({ attempts, changedAt, parked, redriven, state }: DeadLetterFact): string =>
  MessageId.ofPayload(JSON.stringify([state, parked, redriven, attempts.length, changedAt])).slice(0, 16)

/** Returns the ETag of a redrive run without its quotes. */
export const revisionOf = ({ revision }: Pick<RedriveRun, "revision">): string => `r${revision}`

const quoted = (version: string): string => `"${version}"`

/** Hides values within JSON. */
const maskDeep = (value: unknown, mask: Hidden["mask"]): unknown =>
  typeof value === "string"
    ? mask(value)
    : typeof value === "number"
    ? mask(String(value)) === String(value) ? value : mask(String(value))
    : Array.isArray(value)
    ? value.map((one) => maskDeep(one, mask))
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([name, one]) => [mask(name), maskDeep(one, mask)]))
    : value

const masked = (failure: Failure, mask: Hidden["mask"]): Failure => ({
  ...failure,
  error: maskDeep(failure.error, mask),
  message: mask(failure.message),
  stack: mask(failure.stack)
})

/** Returns the failure of a message whose payload was not read. Hides every text of it that may quote the payload. */
const withoutQuotes = (failure: Failure): Failure => masked(failure, (text) => text === "" ? "" : "[hidden]")

const headersOf = (headers: Readonly<Record<string, string>>, mask: Hidden["mask"]) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, mask(value)]))

/** Makes the views of a server with these settings. */
export const make = ({ payloads, redaction, traceLink }: Settings["Service"]) => {
  const hideOne = ({ message, original }: DeadLetterFact) => {
    const present = redaction.hide(message.payload)
    const published = original === undefined ? undefined : redaction.hide(original)
    return {
      present,
      published,
      mask: (text: string) => published === undefined ? present.mask(text) : published.mask(present.mask(text))
    }
  }

  const item = (one: DeadLetterFact): typeof DeadLetterItem.Type => {
    const { attempts, message, original: _original, ...fields } = one
    const { payload: _payload, headers, ...envelope } = message
    const { mask } = redaction.active ? hideOne(one) : { mask: (text: string) => text }
    return {
      ...fields,
      message: { ...envelope, headers: headersOf(headers, mask) },
      attempts: attempts.length,
      error: mask(attempts.at(-1)?.message ?? "").split("\n")[0]!.slice(0, 500),
      etag: quoted(versionOf(one))
    }
  }

  const whole = (one: DeadLetterFact, withPayload = payloads === "shown"): typeof DeadLetter.Type => {
    const { attempts, message, original: _, ...fields } = one
    const { mask, present, published } = hideOne(one)
    const headers = headersOf(message.headers, mask)
    return {
      ...fields,
      trace: TraceLink.of({ ...message, headers }, traceLink),
      message: {
        ...message,
        headers,
        payload: withPayload ? present.text : undefined
      },
      original: withPayload ? published?.text : undefined,
      attempts: attempts.map((failure) => masked(failure, mask)),
      hidden: present.paths,
      etag: quoted(versionOf(one))
    }
  }

  const failureOf = (failure: Failure | undefined): Failure | undefined =>
    failure === undefined || !redaction.active ? failure : withoutQuotes(failure)

  const stuckKey = (key: StuckKey): StuckKey => ({ ...key, lastFailure: failureOf(key.lastFailure) })

  const holdOf = (hold: FoundAt["hold"]) =>
    hold === undefined ? undefined : {
      ...hold,
      retried: hold.retried === undefined
        ? undefined
        : { ...hold.retried, lastFailure: failureOf(hold.retried.lastFailure) }
    }

  const foundAt = ({ deadLetters, hold, ...rest }: FoundAt) => ({
    ...rest,
    deadLetters: deadLetters.map(item),
    hold: holdOf(hold)
  })

  const stored = (
    { attempts, hold, message, ...rest }: StoredMessage,
    asked: boolean
  ): typeof StoredMessageJson.Type => {
    const { mask, paths, text } = redaction.hide(message.payload)
    const headers = headersOf(message.headers, mask)
    return {
      ...rest,
      hold: holdOf(hold),
      trace: TraceLink.of({ ...message, headers }, traceLink),
      message: {
        ...message,
        headers,
        payload: asked || payloads === "shown" ? text : undefined
      },
      attempts: attempts.map((failure) => masked(failure, mask)),
      hidden: paths
    }
  }

  /** Hides the statement of a session, because it may contain a value of a payload. */
  const session = (one: Session): Session =>
    redaction.active && one.query._tag === "Visible"
      ? {
        ...one,
        query: { _tag: "NotVisible", reason: "This server hides values of payloads, which a statement may contain." }
      }
      : one

  return {
    item,
    whole,
    stored,
    stuckKey,
    blocker: (one: Blocker): Blocker => ({ ...one, waits: session(one.waits), by: session(one.by) }),
    snapshot: (one: SnapshotOwner): SnapshotOwner => ({
      ...one,
      session: one.session === undefined ? undefined : session(one.session)
    }),
    found: ({ consumers, ...rest }: Found): typeof FoundJson.Type => ({ ...rest, consumers: consumers.map(foundAt) }),
    run: (run: RedriveRun): typeof Run.Type => ({ ...run, etag: quoted(revisionOf(run)) }),
    preview: (
      { set, ...preview }: RedrivePreview,
      kept: { readonly id: string; readonly expiresAt: number }
    ): typeof Preview.Type => ({ ...preview, filter: set.filter, preview: kept.id, expiresAt: kept.expiresAt })
  }
}
