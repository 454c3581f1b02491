/**
 * A failed attempt as data: what goes into the message's record and later into its dead letter. Pure but for the clock.
 *
 * Everything is bounded, since a record is stored with its message: a stack of 4 KiB, an error of 8 KiB of JSON.
 */
import * as Cause from "effect/Cause"
import type { Failure } from "../Delivery.ts"
import { DecodeFailed, Defect } from "../Errors.ts"

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
    frame: options.error instanceof DecodeFailed
      ? options.error.where
      : options.error instanceof Error
      ? frameOf(stack, options.error.message)
      : "",
    worker: options.worker,
    codeVersion: options.codeVersion
  }
}

export const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error && typeof error._tag === "string"
    ? error._tag
    : error instanceof Error
    ? error.name
    : typeof error

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

/**
 * The first frame of the user's own code, as function and file, without line and column: `Ledger.post ledger.ts`. A deploy that
 * moves lines does not make another failure of it. Read by position, not by pattern: what an error says may be long and hostile.
 */
const frameOf = (stack: string, message: string): string => {
  // The message stands in the stack, too, before the frames.
  const said = stack.indexOf(message)
  let at = said === -1 ? 0 : said + message.length
  for (let lines = 0; lines < 60 && at < stack.length; lines++) {
    const end = stack.indexOf("\n", at)
    const line = stack.slice(at, Math.min(end === -1 ? stack.length : end, at + 500))
    at = end === -1 ? stack.length : end + 1
    const frame = parsed(line.trim())
    if (frame === undefined || frame.file.includes("node_modules") || frame.file.startsWith("node:")) continue
    if (frame.file.includes(here)) continue
    const file = frame.file.slice(Math.max(frame.file.lastIndexOf("/"), frame.file.lastIndexOf("\\")) + 1)
    return frame.name === "" ? file : `${frame.name} ${file}`
  }
  return ""
}

/** `at async Ledger.post (file:///app/ledger.ts:88:13)`, `at /app/ledger.ts:88:13`. */
const parsed = (line: string): { readonly name: string; readonly file: string } | undefined => {
  if (!line.startsWith("at ")) return undefined
  const open = line.endsWith(")") ? line.lastIndexOf("(") : -1
  const name = open === -1 ? "" : line.slice(3, open).trim()
  let file = open === -1 ? line.slice(3) : line.slice(open + 1, -1)
  for (let colons = 0; colons < 2; colons++) {
    const colon = file.lastIndexOf(":")
    if (colon === -1 || colon === file.length - 1 || !Number.isInteger(Number(file.slice(colon + 1)))) return undefined
    file = file.slice(0, colon)
  }
  if (file.startsWith("async ")) file = file.slice("async ".length)
  return { name: name.startsWith("async ") ? name.slice("async ".length) : name, file }
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
