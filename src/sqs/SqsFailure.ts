/**
 * Classifies failures of SQS: which ones pass by themselves, which entries are refused permanently, and which requests
 * have done nothing.
 *
 * The codes are those of the API reference of Amazon SQS: the errors of `SendMessageBatch`,
 * `ChangeMessageVisibilityBatch` and `DeleteMessageBatch`, and the section "Common Error Types".
 *
 * @since 0.1.0
 */
import { TransportError } from "../Errors.ts"
import type { EntryFailure } from "../internal/broker/BrokerQueue.ts"

/** Codes of errors that no later request can undo. */
const permanent = /QueueDoesNotExist|NonExistentQueue|InvalidAddress|UnsupportedOperation/

/**
 * Codes of requests that are too many, or whose key AWS KMS refuses for now (`RequestThrottled`, `KmsThrottled`,
 * `KMS.DisabledException`). SQS has status 400 for them and calls them a fault of the sender.
 */
const throttled = /Throttl|OverLimit|LimitExceeded|TooManyRequests|SlowDown|Kms/i

/** Codes of a sender without the right to do this. An operator may correct the rights while the worker runs. */
const denied =
  /AccessDenied|NotAuthorized|InvalidClientTokenId|InvalidSecurity|SignatureDoesNotMatch|IncompleteSignature|UnrecognizedClient|OptInRequired|Expired|MissingAuthenticationToken/i

/** Codes of a service that has failed. It may have done the request. */
const failing = /InternalError|InternalFailure|Unavailable|Timeout|RequestAborted/i

/** Codes of a connection that was never open, so SQS got nothing. */
const unconnected = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/

/** Codes with which SQS refuses a whole request because of one of its entries. */
const ofEntry =
  /^(?:Invalid(?:ParameterValue|ParameterCombination|MessageContents|AttributeName|AttributeValue|IdFormat)|MissingParameter|BatchRequestTooLong|ReceiptHandleIsInvalid|MessageNotInflight|Validation(?:Error|Exception)|SerializationException)/

interface Thrown {
  readonly name?: unknown
  readonly Code?: unknown
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
}

/** A failed request. */
export interface Failed {
  readonly error: TransportError
  /** The outcome of each entry of the request. */
  readonly outcome: EntryFailure
  /** Whether SQS has refused the request because of one of its entries. */
  readonly ofEntry: boolean
}

/**
 * Returns the failure of a request. It has names and codes only, since the text of the client may quote a credential.
 *
 * The client sends a request up to three times. After a second one, the last failure does not say what became of
 * the first one.
 */
export const failed = (engine: string, operation: string) => (thrown: unknown): Failed => {
  const { $metadata, code, Code, name } = Object(thrown) as Thrown
  const words = [name, Code, code].filter((word, i, all): word is string =>
    typeof word === "string" && word !== "Error" && all.indexOf(word) === i
  )
  const matches = (pattern: RegExp) => words.some((word) => pattern.test(word))
  const status = $metadata?.httpStatusCode
  const said = words.length === 0 ? "it did not answer" : words.join(" ")
  const error = new TransportError({
    engine,
    operation,
    kind: matches(permanent) ? "permanent" : "temporary",
    detail: matches(permanent)
      ? `${said}: the queue does not exist at this address, or was deleted`
      : status === undefined
      ? said
      : `${said} (HTTP ${status})`
  })
  const nothing = ($metadata?.attempts ?? 1) <= 1 && (matches(throttled) || matches(denied) || matches(unconnected))
  return {
    error,
    outcome: { outcome: nothing ? "notDone" : "unknown", detail: error.detail },
    ofEntry: matches(ofEntry) && !matches(throttled)
  }
}

/** An entry that SQS lists as failed. */
export interface FailedEntry {
  readonly Id?: string | undefined
  readonly Code?: string | undefined
  readonly SenderFault?: boolean | undefined
}

/** Returns the outcome of an entry. A fault of the sender that passes is not refused permanently. */
export const entryOutcome = ({ Code = "no code", SenderFault }: FailedEntry): EntryFailure => {
  const passes = throttled.test(Code) || denied.test(Code) || failing.test(Code)
  return { outcome: SenderFault === true && !passes ? "refused" : "notDone", detail: Code }
}
