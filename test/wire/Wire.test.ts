/** Messages as CloudEvents: what is decoded equals what was encoded, or is refused by a typed error. */
import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { Message } from "millrace"
import { Wire } from "millrace/wire"

const make = (options: Wire.WireOptions = {}) => Result.getOrThrow(Wire.make(options))

/** Forms of messages that brokers need: SQS, HTTP and Kafka. */
const forms: Readonly<Record<string, Wire.WireOptions>> = {
  default: {},
  "ten attributes": { maxAttributes: 10, maxBytes: 1_048_576 },
  ascii: { values: "ascii", prefix: "ce-", source: "https://example.com/orders?a=1" },
  "ascii in ten attributes": { values: "ascii", prefix: "cloudEvents:", maxAttributes: 10 }
}

const pieces = [
  "a",
  "Z9",
  " ",
  "%",
  "%41",
  "\"",
  "\\",
  "é",
  "\u{1f600}",
  "\u2028",
  "\t",
  "\u007f",
  "\u0085",
  "\ufffe",
  "ce_id",
  "__proto__",
  "{}",
  "+"
] as const
const odd = Arbitrary.map(
  Arbitrary.array(Arbitrary.schema(Schema.Literals(pieces)), { maxLength: 6 }),
  (parts) => parts.join("")
)
const names = Arbitrary.schema(Schema.Literals([
  "tenant",
  "x-tenant",
  "Tenant",
  "id",
  "source",
  "subject",
  "content-type",
  "ce_id",
  "__proto__",
  "constructor",
  "é",
  "",
  "traceparent",
  "tracestate",
  "millraceheaders",
  "a1234567890123456789012"
]))
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
const values = Arbitrary.map(
  Arbitrary.all([odd, Arbitrary.schema(Schema.Literals([0, 1, 2, 3]))]),
  ([text, which]) => which === 0 ? traceparent : text
)
const messages = Arbitrary.map(
  Arbitrary.all({
    id: odd,
    key: odd,
    keyed: Arbitrary.schema(Schema.Boolean),
    payload: odd,
    headers: Arbitrary.array(Arbitrary.all([names, values]), { maxLength: 12 }),
    version: Arbitrary.schema(Schema.Literals([1, 2, 70_000])),
    publishedAt: Arbitrary.schema(Schema.Literals([0, 1, 1_795_000_000_123]))
  }),
  ({ headers, id, key, keyed, ...rest }): Message.Message => ({
    ...rest,
    id: `i${id}`,
    topic: "shop/orders.v2",
    key: keyed ? `k${key}` : `i${id}`,
    keyed,
    headers: Object.fromEntries(headers)
  })
)

const received = (
  { attributes, body }: Wire.WireMessage,
  change: Partial<Wire.Received> = {}
): Wire.Received => ({ attributes, body, brokerId: "1-0", topic: "elsewhere", ...change })

const control = /[\u0000-\u001f\u007f-\u009f\ufffe]/

describe("a message on the wire", () => {
  for (const [form, options] of Object.entries(forms)) {
    it.prop(
      `comes back as it was, or is refused for a control character: ${form}`,
      [messages],
      ([message]) => {
        const wire = make(options)
        const encoded = wire.encode(message)
        if (Result.isFailure(encoded)) {
          assert.notStrictEqual(options.values, "ascii")
          assert.isTrue(control.test(message.id) || control.test(message.key), encoded.failure.message)
          return
        }
        const { attributes } = encoded.success
        const entries = Object.entries(attributes)
        assert.isAtMost(entries.length, options.maxAttributes ?? Infinity)
        for (const [name, value] of entries) {
          assert.match(name, /^(?:(?:ce[_-]|cloudEvents:)[a-z0-9]{1,20}|content-type|traceparent|tracestate)$/)
          assert.isFalse(control.test(value) || value === "", `${name}: ${value}`)
          if (options.values === "ascii" && name !== "tracestate") assert.match(value, /^[\x21-\x7e]+$/)
        }
        const bytes = new TextEncoder().encode(encoded.success.body)
        for (const body of [encoded.success.body, bytes]) {
          assert.deepStrictEqual(wire.decode(received(encoded.success, { body })), Result.succeed(message))
        }
        const upper = Object.fromEntries(entries.map(([name, value]) => [name.toUpperCase(), value]))
        assert.deepStrictEqual(
          wire.decode(received(encoded.success, { attributes: upper })),
          Result.succeed(message),
          "a proxy that changes the case of names"
        )
      },
      { arbitrary: { runs: 400 } }
    )
  }

  it("has the attributes of CloudEvents and of W3C Trace Context, and its payload as the body", () => {
    const message = {
      id: "o1",
      topic: "orders",
      key: "ada",
      keyed: true,
      payload: "{\"cents\":5}",
      headers: { traceparent, tracestate: "vendor=1", tenant: "t1", "X-Reason": "é" },
      version: 2,
      publishedAt: 1_795_000_000_123
    }
    assert.deepStrictEqual(
      make({ prefix: "ce-" }).encode(message),
      Result.succeed({
        body: "{\"cents\":5}",
        attributes: {
          "ce-specversion": "1.0",
          "ce-id": "o1",
          "ce-source": "/millrace/orders",
          "ce-type": "orders",
          "ce-partitionkey": "ada",
          "ce-time": "2026-11-18T11:06:40.123Z",
          "ce-schemaversion": "2",
          traceparent,
          tracestate: "vendor=1",
          "ce-tenant": "t1",
          "ce-millraceheaders": "{\"X-Reason\":\"\\u00e9\"}",
          "content-type": "application/json"
        }
      })
    )
  })

  it("keeps to ten attributes: headers travel in one, and the media type gives way", () => {
    const headers = { traceparent, tracestate: "vendor=1", a: "1", b: "2", c: "3" }
    const message = { id: "o1", topic: "t", key: "k", keyed: true, payload: "1", headers, version: 2, publishedAt: 1 }
    const { attributes } = Result.getOrThrow(make({ maxAttributes: 10 }).encode(message))
    assert.lengthOf(Object.keys(attributes), 10)
    assert.strictEqual(attributes["ce_millraceheaders"], "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}")
    assert.isUndefined(attributes["content-type"])
    const fewer = { traceparent, a: "1", b: "2", "X-C": "3" }
    const other = Result.getOrThrow(make({ maxAttributes: 10 }).encode({ ...message, headers: fewer }))
    assert.isAtMost(Object.keys(other.attributes).length, 10)
  })

  it("is refused by the part that a broker cannot carry, and by what no message may have", () => {
    const base = { id: "o1", topic: "t", key: "k", keyed: true, payload: "1", headers: {}, version: 1, publishedAt: 0 }
    const fieldOf = (change: Partial<Message.Message>, options?: Wire.WireOptions) => {
      const encoded = make(options).encode({ ...base, ...change })
      return Result.isFailure(encoded) ? encoded.failure.field : "none"
    }
    assert.strictEqual(fieldOf({}), "none")
    assert.strictEqual(fieldOf({ id: "a\tb" }), "id")
    assert.strictEqual(fieldOf({ key: "a\u0085b" }), "key")
    assert.strictEqual(fieldOf({ key: "a\u0085b" }, { values: "ascii" }), "none")
    assert.strictEqual(fieldOf({ payload: "x".repeat(1000) }, { maxBytes: 1024 }), "payload")
    assert.strictEqual(fieldOf({ payload: "x".repeat(700) }, { maxBytes: 1024 }), "none")
    assert.strictEqual(
      fieldOf({ headers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, ""])) }),
      "headers"
    )
  })
})

describe("a message of another producer", () => {
  const read = (options: Wire.WireOptions, change: Partial<Wire.Received>) =>
    make(options).decode({ attributes: {}, body: "{\"n\":1}", brokerId: "1-0", topic: "orders", ...change })
  const refusal = (options: Wire.WireOptions, change: Partial<Wire.Received>) => {
    const decoded = read(options, change)
    return Result.isFailure(decoded) ? decoded.failure.field : decoded.success
  }

  it("without our attributes is accepted: the broker's id, the place's topic, no key", () => {
    assert.deepStrictEqual(
      read({}, { attributes: { "x-tenant": "t1", traceparent } }),
      Result.succeed({
        id: "1-0",
        topic: "orders",
        key: "1-0",
        keyed: false,
        payload: "{\"n\":1}",
        headers: { "x-tenant": "t1", traceparent },
        version: 1,
        publishedAt: 0
      })
    )
  })

  it("gets its id, key, topic and payload by the mapping", () => {
    const foreign: Wire.ForeignMapping = {
      id: ({ attributes }) => attributes["MessageId"],
      key: ({ body }) => JSON.parse(String(body)).account,
      topic: () => "payments",
      payload: ({ body }) => JSON.stringify({ raw: String(body) })
    }
    const body = "{\"account\":\"ada\"}"
    const decoded = Result.getOrThrow(read({ foreign }, { attributes: { MessageId: "p7" }, body }))
    assert.deepInclude(decoded, { id: "p7", key: "ada", keyed: true, topic: "payments" })
    assert.strictEqual(decoded.payload, JSON.stringify({ raw: body }))
  })

  it("that is a CloudEvent keeps its own id, type and key, and its other attributes as headers", () => {
    const attributes = {
      "ce-specversion": "1.0",
      "ce-id": "e1",
      "ce-source": "https://example.com/shop",
      "ce-type": "com.example.order",
      "ce-subject": "order%201",
      "ce-time": "2026-11-18T12:06:40.123+01:00",
      "ce-partitionkey": "ada",
      "ce-traceparent": traceparent,
      "Content-Type": "application/json; charset=utf-8"
    }
    const decoded = Result.getOrThrow(read({ prefix: "ce-", values: "ascii" }, { attributes }))
    assert.deepStrictEqual(decoded, {
      id: "e1",
      topic: "com.example.order",
      key: "ada",
      keyed: true,
      payload: "{\"n\":1}",
      headers: { traceparent, source: "https://example.com/shop", subject: "order 1" },
      version: 1,
      publishedAt: 1_795_000_000_123
    })
  })

  it("with an unusable trace context loses only that", () => {
    for (const bad of ["", "00-0-0-01", traceparent.toUpperCase(), `00-${"0".repeat(32)}-b7ad6b7169203331-01`]) {
      const decoded = Result.getOrThrow(read({}, { attributes: { traceparent: bad, tracestate: "v=1", other: "x" } }))
      assert.deepStrictEqual(decoded.headers, { other: "x" })
    }
  })

  it("that cannot be read says which part is wrong", () => {
    const event = { "ce_specversion": "1.0", "ce_id": "e1", "ce_type": "t", "ce_source": "/s" }
    assert.strictEqual(refusal({}, { body: new Uint8Array([0xff, 0xfe]) }), "payload")
    assert.strictEqual(refusal({}, { body: "a\0b" }), "payload")
    assert.strictEqual(refusal({}, { brokerId: "" }), "id")
    assert.strictEqual(refusal({}, { topic: "no topic" }), "topic")
    assert.strictEqual(refusal({}, { attributes: { ...event, "ce_specversion": "0.3" } }), "specversion")
    assert.strictEqual(refusal({}, { attributes: { ...event, "ce_type": "urn:x:y" } }), "topic")
    for (const name of ["id", "type", "source"]) {
      assert.strictEqual(refusal({}, { attributes: { ...event, [`ce_${name}`]: "" } }), name)
    }
    assert.strictEqual(refusal({}, { attributes: { ...event, "ce_schemaversion": "two" } }), "schemaversion")
    for (const packed of ["{", "[]", "{\"a\":1}", "null"]) {
      assert.strictEqual(refusal({}, { attributes: { ...event, "ce_millraceheaders": packed } }), "millraceheaders")
    }
    const throws = () => {
      throw new Error("secret")
    }
    assert.strictEqual(refusal({ foreign: { key: throws } }, {}), "key")
    assert.strictEqual(refusal({ foreign: { id: () => 7 as unknown as string } }, {}), "id")
    assert.strictEqual(refusal({ foreign: { key: () => "k".repeat(513) } }, {}), "key")
  })

  const anything = Arbitrary.array(
    Arbitrary.all([
      Arbitrary.schema(
        Schema.Literals(["ce_specversion", "ce_id", "ce_type", "ce_source", "CE_ID", "ce_", "__proto__"])
      ),
      Arbitrary.map(Arbitrary.all([odd, Arbitrary.schema(Schema.Boolean)]), ([text, one]) => one ? "1.0" : text)
    ]),
    { maxLength: 8 }
  )
  it.prop(
    "never breaks the reader: it gives a message within the limits, or a typed error",
    [anything, odd, Arbitrary.schema(Schema.Uint8Array)],
    ([attributes, text, bytes]) => {
      for (const options of Object.values(forms)) {
        for (const body of [text, bytes]) {
          const decoded = read(options, { attributes: Object.fromEntries(attributes), body })
          if (Result.isFailure(decoded)) assert.strictEqual(decoded.failure._tag, "UnreadableMessage")
          else assert.isUndefined(Message.problem(decoded.success))
        }
      }
    },
    { arbitrary: { runs: 200 } }
  )
})

describe("settings of the wire", () => {
  it("that are out of range are refused by their names", () => {
    const wrong: ReadonlyArray<readonly [keyof Wire.WireOptions, unknown]> = [
      ["source", "a b"],
      ["source", ""],
      ["prefix", ""],
      ["prefix", "ce "],
      ["contentType", ""],
      ["values", "latin1"],
      ["maxAttributes", 9],
      ["maxAttributes", Number.NaN],
      ["maxBytes", 10]
    ]
    for (const [setting, value] of wrong) {
      const made = Wire.make({ [setting]: value } as Wire.WireOptions)
      assert.strictEqual(Result.isFailure(made) ? made.failure.setting : "none", setting)
    }
  })
})
