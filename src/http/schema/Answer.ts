/**
 * The parts that all answers share: the document around the data, counts, pages, and fields that may be absent.
 *
 * A document is what `millrace --json` prints. So a program reads the API and the command line in the same way.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

/**
 * Makes a field that is absent in JSON while its value is undefined.
 *
 * @since 0.1.0
 */
export const maybe = <S extends Schema.Top>(schema: S) =>
  Schema.optionalKey(schema).pipe(
    Schema.decodeTo(Schema.optional(Schema.toType(schema)), {
      decode: SchemaGetter.passthrough<S["Type"] | undefined, S["Type"]>({ strict: false }),
      encode: SchemaGetter.transformOptional<S["Type"], S["Type"] | undefined>(
        Option.filter((value): value is S["Type"] => value !== undefined)
      )
    })
  )

/**
 * Milliseconds since the epoch, on the store's clock.
 *
 * @since 0.1.0
 */
export const Time = Schema.Finite.annotate({ description: "milliseconds since the epoch, on the store's clock" })

/**
 * A number, and how exact it is: `exact`, `atLeast` (counting ended there) or `estimate`.
 *
 * @since 0.1.0
 */
export const Count = Schema.Struct({
  value: Schema.Finite,
  kind: Schema.Literals(["exact", "atLeast", "estimate"])
})

/** The fields around the data of every document. */
const around = {
  /** The version of the form of documents. A change that programs can notice raises it. */
  schema: Schema.Literal(1),
  /** When the data was read: an ISO time. */
  asOf: Schema.String
}

/**
 * Makes the Schema of a document with one value.
 *
 * @since 0.1.0
 */
export const Answer = <S extends Schema.Top>(data: S) => Schema.Struct({ ...around, data })

/**
 * Makes the Schema of a document with a part of a list. `next` is the cursor of the part behind it, and is absent at
 * the end. `count` says how many elements match. `looked` says how many a search by text or value looked at; such a
 * search has no count.
 *
 * @since 0.1.0
 */
export const Page = <S extends Schema.Top>(item: S) =>
  Schema.Struct({
    ...around,
    data: Schema.Array(item),
    count: maybe(Count),
    looked: maybe(Schema.Finite),
    next: maybe(Schema.String)
  })

/**
 * Makes the Schema of the part of a list that a request asks for.
 *
 * @since 0.1.0
 */
export const pageQuery = (most = 200) => ({
  limit: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most })).annotate({
      description: `The most elements, 1 to ${most}. Default ${Math.min(50, most)}`
    })
  ),
  cursor: Schema.optionalKey(
    Schema.String.annotate({ description: "`next` of the page before, with the same filter" })
  )
})

/**
 * Whether a list is counted beyond 10,000.
 *
 * @since 0.1.0
 */
export const exact = {
  exact: Schema.optionalKey(
    Schema.Literals(["true", "false"]).annotate({
      description: "`true` counts all elements, for at most 10 seconds. PGlite ignores it. Default: up to 10,000"
    })
  )
}

/**
 * A time in a query: `2026-11-30T02:10:00Z`.
 *
 * @since 0.1.0
 */
export const Instant = Schema.String.check(Schema.isPattern(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/)).pipe(
  Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transform((text: string) => Date.parse(text)),
    encode: SchemaGetter.transform((millis: number) => new Date(millis).toISOString())
  })
)

/**
 * A text that the database takes.
 *
 * @since 0.1.0
 */
export const Text = Schema.String.check(
  Schema.isPattern(/^[^\0]*$/, { description: "a text without the character U+0000" })
)

/**
 * A name or text in a path or query.
 *
 * @since 0.1.0
 */
export const Name = Text.check(Schema.isMinLength(1), Schema.isMaxLength(512))

/**
 * The id of a dead letter, of a redrive run or of an audit entry: 1 to 16 digits. `7` is short for `0000000000000007`.
 *
 * @since 0.1.0
 */
export const Id = Schema.String.check(Schema.isPattern(/^\d{1,16}$/)).pipe(
  Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transform((digits: string) => digits.padStart(16, "0")),
    encode: SchemaGetter.transform((id: string) => id)
  })
)

/**
 * The operator's reason, which the audit keeps.
 *
 * @since 0.1.0
 */
export const note = { note: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(4096))) }

/**
 * A failed attempt.
 *
 * @since 0.1.0
 */
export const Failure = Schema.Struct({
  attempt: Schema.Finite,
  at: Schema.Finite,
  tag: Schema.String,
  error: Schema.Unknown,
  encoded: maybe(Schema.Literal(true)),
  message: Schema.String,
  stack: Schema.String,
  step: Schema.String,
  failedStep: maybe(Schema.Struct({ name: Schema.String, position: Schema.Finite })),
  frame: Schema.String,
  worker: Schema.String,
  codeVersion: Schema.String
})

/**
 * The reasons for a dead letter.
 *
 * @since 0.1.0
 */
export const Reason = Schema.Literals(["exhausted", "rejected", "undecodable", "crashed"])

/**
 * `If-Match`: the ETag that the operator saw. Without it the answer is 428, and with an older one 412.
 *
 * @since 0.1.0
 */
export const ifMatch = { "if-match": Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))) }

/**
 * `Idempotency-Key`: a text that is new for each intention of the operator. The same request with the same key has one
 * effect. For 24 hours the answer is that of the first one, with the header `Idempotency-Replayed: true`.
 *
 * @since 0.1.0
 */
export const idempotency = {
  "idempotency-key": Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(255)))
}
