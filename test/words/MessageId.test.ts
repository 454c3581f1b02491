// Ids made from content: what counts as the same message.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as MessageId from "../../src/MessageId.ts"

/** The same value with its fields written in the opposite order, at every level. */
const reversed = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(reversed)
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).reverse().map(([key, inner]) => [key, reversed(inner)]))
    : value

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value }
  return value
}

describe("ids made from content", () => {
  it("do not depend on the order in which fields were written", () => {
    assert.strictEqual(
      MessageId.fromContent({ b: { y: 1, x: [2] }, a: null }),
      MessageId.fromContent({ a: null, b: { x: [2], y: 1 } })
    )
    assert.notStrictEqual(MessageId.fromContent([1, 2]), MessageId.fromContent([2, 1]))
  })

  it("do not depend on how a number was written", () => {
    const forms = ["1", "1.0", "1e0", "10e-1", "0.1e1"].map((text) => MessageId.fromContent(JSON.parse(text)))
    assert.strictEqual(new Set(forms).size, 1)
    assert.strictEqual(MessageId.canonical(JSON.parse("-0")), "0")
    assert.strictEqual(MessageId.canonical(JSON.parse("1E21")), "1e+21")
    assert.strictEqual(MessageId.canonical(JSON.parse("333333333.33333329")), "333333333.3333333")
  })

  it("tell a number from its text, and an absent field from null", () => {
    const values = [1, "1", true, "true", null, "null", {}, [], "", [null], { a: null }, { a: 1 }, { a: "1" }]
    assert.strictEqual(new Set(values.map(MessageId.fromContent)).size, values.length)
    assert.strictEqual(MessageId.fromContent({ a: undefined }), MessageId.fromContent({}))
  })

  it("take texts as they are, escapes and composed characters included", () => {
    assert.strictEqual(
      MessageId.fromContent(JSON.parse("\"\\u20ac \\ud83d\\ude00\"")),
      MessageId.fromContent("€ 😀")
    )
    assert.notStrictEqual(MessageId.fromContent("é"), MessageId.fromContent("e\u0301"))
    assert.strictEqual(MessageId.canonical("\u0000\u001f\"\\/\u2028"), "\"\\u0000\\u001f\\\"\\\\/\u2028\"")
  })

  it("follow RFC 8785 in its own example", () => {
    const example = JSON.parse(
      "{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"
        + "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\"literals\":[null,true,false]}"
    )
    assert.strictEqual(
      MessageId.canonical(example),
      "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
        + "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
    )
    const keys = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\u{1f600}": 5, "\u0080": 6, "\u00f6": 7 }
    assert.strictEqual(
      MessageId.canonical(keys),
      "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}"
    )
  })

  it("keep fields called __proto__ and constructor", () => {
    const planted = JSON.parse("{\"__proto__\":{\"admin\":true},\"constructor\":1}")
    assert.strictEqual(MessageId.canonical(planted), "{\"__proto__\":{\"admin\":true},\"constructor\":1}")
    assert.notStrictEqual(MessageId.fromContent(planted), MessageId.fromContent({ constructor: 1 }))
    assert.isUndefined(({} as { admin?: boolean }).admin)
  })

  it("survive a depth of 10,000", () => {
    const text = MessageId.canonical(nested(10_000))
    assert.strictEqual(text.length, 5_000 * 2 + 5_000 * 6 + 1)
    assert.notStrictEqual(MessageId.fromContent(nested(10_000)), MessageId.fromContent(nested(9_999)))
  })

  it.prop(
    "are those of the same value with its fields in any order, and the canonical text means that value",
    [Schema.Json],
    ([value]) => {
      const plain = JSON.parse(JSON.stringify(value)) as unknown
      assert.strictEqual(MessageId.fromContent(reversed(plain)), MessageId.fromContent(plain))
      assert.deepStrictEqual(JSON.parse(MessageId.canonical(plain)), plain)
    },
    { arbitrary: { runs: 300 } }
  )
})

describe("ids of outgoing messages", () => {
  it("are the same in every run and in every version of the code", () => {
    assert.strictEqual(
      MessageId.ofEmit("ledger", "payment-1", 0),
      "0ee0b33b0fec7cc0b1ae731979a17e0284f9e2490f12b9b84aa99f4466852867"
    )
  })

  it("differ by consumer, by message and by position, however these are put together", () => {
    const ids = [
      MessageId.ofEmit("a", "b", 0),
      MessageId.ofEmit("a", "b", 1),
      MessageId.ofEmit("b", "a", 0),
      MessageId.ofEmit("a,b", "", 0),
      MessageId.ofEmit("a\",\"b", "", 0),
      MessageId.ofEmit("", "a,b", 0)
    ]
    assert.strictEqual(new Set(ids).size, ids.length)
    for (const id of ids) assert.match(id, /^[0-9a-f]{64}$/)
  })
})
