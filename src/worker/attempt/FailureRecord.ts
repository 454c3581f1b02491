/**
 * Makes the record of a failed attempt. It is stored with the message, and later with the dead letter.
 *
 * A record has bounds: 4 KiB for the stack, 8 KiB of JSON for the error. The first and the newest failures of a message
 * are kept whole. Of the failures between, only what a retry schedule reads is kept. So a message that fails for weeks
 * stays small enough to be read.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as DeadLetter from "../../DeadLetter.ts"
import type { Failure } from "../../Delivery.ts"
import * as Errors from "../../Errors.ts"
import { contained } from "../../internal/HandlerResult.ts"
import { isError, nameOf, plain, read, tagOf } from "../../internal/Tracing.ts"

/**
 * Returns the error that a cause is recorded as: its typed error, or else its defect as `Defect`. If that error was
 * caused by a `StatementRefused`, returns the `StatementRefused`.
 */
export const errorOf = (cause: Cause.Cause<unknown>): unknown => {
  for (const reason of cause.reasons) if (Cause.isFailReason(reason)) return refusalIn(reason.error) ?? reason.error
  for (const reason of cause.reasons) {
    if (Cause.isDieReason(reason)) {
      const refusal = refusalIn(reason.defect)
      if (refusal !== undefined) return refusal
      const said = text(reason.defect)
      const defect = new Errors.Defect({ detail: `${said}${hintFor(said)}`.slice(0, 500) })
      const stack = isError(reason.defect) ? read(reason.defect, "stack") : undefined
      if (typeof stack === "string") defect.stack = stack
      return defect
    }
  }
  return new Errors.Defect({ detail: "interrupted" })
}

/** The defect of a handler that asks for a `SqlClient` where there is none. */
const noSql = "Service not found: effect/sql/SqlClient"

const hintFor = (said: string): string =>
  said.endsWith(noSql)
    ? " (memory has no SQL, so use Embedded.layer or Postgres.layer, and provide it around the worker, too)"
    : ""

/**
 * Returns the `StatementRefused` among an error and its causes, if there is one. The driver's errors have their cause
 * below the field `reason`.
 */
const refusalIn = (error: unknown): Errors.StatementRefused | undefined => {
  let at = error
  for (let depth = 0; depth < 10 && at !== undefined; depth++) {
    if (isError(at) && at instanceof Errors.StatementRefused) return at
    at = read(at, "reason") ?? read(at, "cause")
  }
  return undefined
}

interface Attempted {
  readonly attempt: number
  readonly at: number
  readonly error: unknown
  readonly step: string
  readonly failedStep?: Failure["failedStep"]
  readonly worker: string
  readonly codeVersion: string
  /** The error as the pipeline's own Schema encoded it, if the pipeline has a Schema that could. */
  readonly encoded?: { readonly json: unknown } | undefined
}

/**
 * Makes the record of an attempt. Never fails, for any error: an attempt without a record would be repeated
 * indefinitely, and never counted.
 */
export const make = (attempted: Attempted): Failure => {
  try {
    return full(attempted)
  } catch {
    return without(attempted, "The failure of this attempt cannot be read.")
  }
}

const full = (attempted: Attempted): Failure => {
  const { at, attempt, codeVersion, encoded, error, failedStep, step, worker } = attempted
  const stack = isError(error) ? stackOf(error) : ""
  const reason = reasonOf(error)
  const message = isError(error) ? messageOf(error) : text(error)
  return {
    attempt,
    at,
    tag: tagOf(error),
    ...(encoded === undefined ? { error: json(error) } : { error: encoded.json, encoded: true }),
    message: (reason?.said ?? message).slice(0, 2000),
    stack: stack.slice(0, 4096),
    step,
    ...(failedStep === undefined ? undefined : { failedStep }),
    frame: plain(
      error instanceof Errors.DecodeFailed
        ? error.where
        : isError(error)
        ? [reason?.wrong ?? "", frameOf(stack, message)].join(" ").trim()
        : "",
      300
    ),
    worker,
    codeVersion
  }
}

/** Tags of errors that the runtime or a library words. Their messages may quote data. */
const notOurs = new Set(["SchemaError", "SqlError", "UnknownError", "Unrecordable"])

/** Defects whose text is made from the program only: from a step's name, or from the key of a service. */
const ofTheProgram = ["WrongReturn: The function of ", "Error: Service not found: "]

/**
 * Returns a failure as a log line shows it: its tag, its message and its step. The message is that of a tagged error
 * that a user's code failed with. Others may quote the payload, as that of a decoding does, so they stay with the dead
 * letter.
 */
export const shown = (failure: Failure): string => {
  const { failedStep, tag } = failure
  const said = quotable(failure)
  const where = failedStep === undefined ? "" : ` (step ${failedStep.position}, ${failedStep.name})`
  return `${said === "" ? tag : `${tag}: ${plain(said, 300)}`}${where}`
}

/** Returns the message of a failure if it is safe to log, else an empty text. */
const quotable = ({ error, message, stack, step, tag }: Failure): string => {
  if (tag === "Defect") {
    const detail = read(error, "detail")
    return typeof detail === "string" && ofTheProgram.some((begin) => detail.startsWith(begin)) ? detail : ""
  }
  // A value that is no Error has no stack. Its message is its JSON, which may quote the payload, so it is not shown.
  const tagged = stack !== "" && typeof error === "object" && error !== null && "_tag" in error && error._tag === tag
  return step === "decode" || !tagged || notOurs.has(tag) ? "" : message
}

/** How many failures are kept whole: this many of the first, and this many of the newest. */
const firstWhole = 10
const newestWhole = 30

/**
 * Returns the failures of a message with one more. Older failures may lose their details, but keep their time and tag.
 * So a retry schedule that is replayed over them decides the same.
 */
export const append = (recorded: ReadonlyArray<Failure>, failure: Failure): ReadonlyArray<Failure> => {
  const whole = recorded.length + 1 - newestWhole
  const kept = whole <= firstWhole
    ? recorded
    : recorded.map((earlier, i) => i < firstWhole || i >= whole ? earlier : outline(earlier))
  return [...kept, failure]
}

/** Returns a failure with only the fields that a retry schedule reads. */
const outline = ({ at, attempt, step, tag }: Failure): Failure => ({
  attempt,
  at,
  tag,
  error: { _tag: tag },
  message: "",
  stack: "",
  step,
  frame: "",
  worker: "",
  codeVersion: ""
})

/** Returns about how many bytes of memory the failures of a message take. */
export const weight = (failures: ReadonlyArray<Failure>): number => {
  let bytes = 0
  for (const { message, stack } of failures) bytes += 300 + message.length + stack.length
  return bytes
}

/**
 * Makes a record without any text of the error, for a store that refuses the full record. Otherwise the message could
 * never become a dead letter.
 */
export const bare = (failure: Failure): Failure =>
  without(failure, "The store refused to keep what this attempt failed with.")

const without = (
  { at, attempt, codeVersion, step, worker }: Omit<Attempted, "error" | "encoded">,
  message: string
): Failure => ({
  attempt,
  at,
  tag: "Unrecordable",
  error: {},
  message,
  stack: "",
  step,
  frame: "",
  worker,
  codeVersion
})

/** How long a Schema may take to encode an error. After that the failure is recorded without the encoded error. */
const encodeTimeout = "1 second"

const mostJson = 8192

/**
 * Encodes a pipeline's errors with the Schema of its `deadLetter`. Returns undefined where that is not possible, and
 * never fails. Examples are a failure of the runtime, an error that does not fit, and a Schema that throws, waits or
 * writes too much.
 */
export const encoder = (
  errors: Schema.Constraint | undefined
): (error: unknown) => Effect.Effect<{ readonly json: unknown } | undefined> => {
  if (errors === undefined) return () => Effect.succeed(undefined)
  const encode = Schema.encodeUnknownEffect(Schema.toCodecJson(errors))
  return (error) => {
    // The Schema may need services. The pipeline's type requires them, so the worker's context has them.
    const encoded = Effect.suspend(() => isRuntimes(error) ? Effect.undefined : encode(error)) as Effect.Effect<
      unknown,
      unknown
    >
    return encoded.pipe(
      Effect.map((json) => {
        const text = JSON.stringify(json)
        return text === undefined || text.length > mostJson ? undefined : { json: JSON.parse(text) as unknown }
      }),
      Effect.timeoutOrElse({ duration: encodeTimeout, orElse: () => Effect.succeed(undefined) }),
      Effect.catchCause(() => Effect.succeed(undefined))
    )
  }
}

/**
 * Returns recorded failures as a retry schedule reads them. Each error that the Schema can decode is the typed error
 * again.
 */
export const typed = (
  errors: Schema.Constraint | undefined,
  recorded: ReadonlyArray<Failure>
): Effect.Effect<ReadonlyArray<Failure>> =>
  errors === undefined || recorded.length === 0 ?
    Effect.succeed(recorded) :
    Effect.forEach(recorded, (failure) =>
      contained(
        DeadLetter.decodeError(failure, errors) as Effect.Effect<Option.Option<unknown>, Schema.SchemaError>
      ).pipe(
        Effect.map(Option.match({
          onNone: () => failure,
          onSome: (error): Failure => ({ ...failure, error })
        })),
        Effect.catchCause(() => Effect.succeed(failure))
      ))

/**
 * Returns whether the error is one of the runtime's. These errors are not in the pipeline's Schema, which could only
 * garble them.
 */
const isRuntimes = (error: unknown): boolean => runtimes.some((made) => error instanceof made)

const runtimes = [
  Errors.Defect,
  Errors.StatementRefused,
  Errors.StepTimeout,
  Errors.TransactionAborted,
  Errors.CommitRejected,
  Errors.TransientFailure,
  Errors.DecodeFailed,
  Errors.EncodeFailed,
  Errors.InvalidMessage,
  Errors.WorkerCrashed
]

export { tagOf }

const text = (value: unknown): string =>
  isError(value)
    ? `${nameOf(value)}: ${messageOf(value)}`
    : typeof value === "string"
    ? value
    : (JSON.stringify(json(value)) ?? String(value))

/** Returns an error's message. Errors with fields (`Data.Error`, Schema's) may have a field `message` of any type. */
const messageOf = (error: Error): string => {
  const said = read(error, "message")
  if (typeof said === "string") return said
  try {
    return said === undefined ? "" : (JSON.stringify(said) ?? typeof said)
  } catch {
    return ""
  }
}

/**
 * Returns the reason of an error of Effect. These errors have one message for every cause, so other fields distinguish
 * two failures. For `SqlError`, `HttpClientError` and `PlatformError` these are the `reason` and its cause: kind, code
 * and constraint. For `UnknownError` (`Effect.tryPromise` without a `catch`) it is the cause.
 */
const reasonOf = (error: unknown): { readonly said: string | undefined; readonly wrong: string } | undefined => {
  if (read(error, "_tag") === "UnknownError") return thrown(causesOf(error))
  const reason = read(error, "reason")
  if (typeof read(reason, "_tag") !== "string") return undefined
  const cause = read(reason, "cause")
  const said = isError(cause) ? messageOf(cause) : ""
  return {
    said: said === "" ? undefined : said,
    wrong: words([read(reason, "_tag"), read(cause, "code"), read(cause, "constraint")])
  }
}

const thrown = (causes: ReadonlyArray<unknown>) =>
  causes.length === 0 ? undefined : {
    said: causes.map(text).join(", caused by "),
    wrong: words([tagOf(causes[0]), ...causes.map((cause) => read(cause, "code"))])
  }

const words = (parts: ReadonlyArray<unknown>): string =>
  parts.filter((part) => typeof part === "string" && part !== "").join(" ")

/** Returns the chain of causes of an error, at most five. */
const causesOf = (error: unknown): ReadonlyArray<unknown> => {
  const causes: Array<unknown> = []
  for (let cause = read(error, "cause"); cause !== undefined && causes.length < 5; cause = read(cause, "cause")) {
    causes.push(cause)
  }
  return causes
}

const stackOf = (error: Error): string =>
  [error, ...causesOf(error).filter(isError)].map((one) => {
    const stack = read(one, "stack")
    return typeof stack === "string" && stack !== "" ? stack : one === error ? "" : messageOf(one)
  }).join("\nCaused by: ")

/** The folder of this library, as sources or as a package. A frame in this folder is not the user's. */
const here = new URL("..", import.meta.url).pathname

/**
 * Returns the first frame of the user's own code, as function and file: `Ledger.post ledger.ts`. Line and column are
 * left out, so a deploy that moves lines does not change the fingerprint. The stack is read by position and not by a
 * regular expression, since the text of an error may be long and hostile.
 */
const frameOf = (stack: string, message: string): string => {
  // The stack contains the message before the frames, so the search begins behind it.
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

/**
 * Parses a line of a stack, such as `at async Ledger.post (file:///app/ledger.ts:88:13)` or `at /app/ledger.ts:88:13`.
 */
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

/** Returns an inner error as a plain object. `JSON.stringify` alone would leave out its name, message and cause. */
const nested = (error: Error): object =>
  Object.assign(
    { name: nameOf(error), message: messageOf(error).slice(0, 500) },
    error,
    error.cause === undefined ? undefined : { cause: error.cause }
  )

/**
 * Returns a value as bounded JSON data. If the value cannot be written or is too large, returns its tag and message
 * only.
 */
const json = (value: unknown): unknown => {
  const small = { _tag: tagOf(value), message: isError(value) ? messageOf(value).slice(0, 500) : "" }
  try {
    const encoded = JSON.stringify(
      value,
      (name, inner: unknown) =>
        typeof inner === "bigint" ? String(inner) : name !== "" && isError(inner) ? nested(inner) : inner
    )
    if (encoded === undefined || encoded.length > mostJson) return small
    const decoded = JSON.parse(encoded) as unknown
    return typeof decoded === "object" && decoded !== null && isError(value)
      ? { ...small, ...decoded }
      : decoded
  } catch {
    return small
  }
}
