/**
 * A failed attempt as data: what goes into the message's record and later into its dead letter. Pure but for the clock.
 *
 * Everything is bounded, since a record is stored with its message: a stack of 4 KiB, an error of 8 KiB of JSON.
 */
import * as Cause from "effect/Cause"
import type { Failure } from "../Delivery.ts"
import { Defect } from "../Errors.ts"
import { tagOf } from "../Tracing.ts"

/** The error that a cause stands for: the typed one if there is one, else the defect. */
export const errorOf = (cause: Cause.Cause<unknown>): unknown => {
  for (const reason of cause.reasons) if (Cause.isFailReason(reason)) return reason.error
  for (const reason of cause.reasons) {
    if (Cause.isDieReason(reason)) {
      const defect = new Defect({ detail: text(reason.defect).slice(0, 500) })
      if (reason.defect instanceof Error && reason.defect.stack !== undefined) defect.stack = reason.defect.stack
      return defect
    }
  }
  return new Defect({ detail: "interrupted" })
}

export const make = (options: {
  readonly attempt: number
  readonly at: number
  readonly error: unknown
  readonly step: string
  readonly worker: string
  readonly codeVersion: string
}): Failure => {
  const stack = options.error instanceof Error ? stackOf(options.error) : ""
  return {
    attempt: options.attempt,
    at: options.at,
    tag: tagOf(options.error),
    error: json(options.error),
    message: (options.error instanceof Error ? options.error.message : text(options.error)).slice(0, 2000),
    stack: stack.slice(0, 4096),
    step: options.step,
    frame: frameOf(stack),
    worker: options.worker,
    codeVersion: options.codeVersion
  }
}

export { tagOf }

const text = (value: unknown): string =>
  value instanceof Error
    ? `${value.name}: ${value.message}`
    : typeof value === "string"
    ? value
    : (JSON.stringify(json(value)) ?? String(value))

const stackOf = (error: Error): string => {
  const cause = error.cause instanceof Error ? `\nCaused by: ${error.cause.stack ?? error.cause.message}` : ""
  return (error.stack ?? "") + cause
}

/** Where this library stands, in its sources or as a package: frames of it are not the user's. */
const here = new URL("..", import.meta.url).pathname

/** The first frame of the user's own code, without line numbers of other deploys' paths: `ledger.ts:88`. */
const frameOf = (stack: string): string => {
  // The message stands in the stack, too, and may be long: frames begin behind it, and only short lines are looked at.
  const frames = stack.search(/^\s*at /m)
  if (frames === -1) return ""
  for (const raw of stack.slice(frames).split("\n", 60)) {
    if (raw.length > 500) continue
    const match = /^\s*at .*?\(?((?:file:\/\/)?[^\s()]+):(\d+):\d+\)?$/.exec(raw)
    if (match === null || /node_modules|node:/.test(match[1]!) || match[1]!.includes(here)) continue
    return `${match[1]!.split("/").at(-1)}:${match[2]}`
  }
  return ""
}

/** What JSON can keep, bounded: an error that cannot be written, or is too large, leaves its tag and message. */
const json = (value: unknown): unknown => {
  const small = { _tag: tagOf(value), message: value instanceof Error ? value.message.slice(0, 500) : "" }
  try {
    const encoded = JSON.stringify(value, (_, inner: unknown) => typeof inner === "bigint" ? String(inner) : inner)
    if (encoded === undefined || encoded.length > 8192) return small
    const decoded = JSON.parse(encoded) as unknown
    return typeof decoded === "object" && decoded !== null && value instanceof Error
      ? { ...small, ...decoded }
      : decoded
  } catch {
    return small
  }
}
