/** Values of payloads that no answer contains. */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { make, notJson, parse } from "../../src/http/security/Redaction.ts"

const hiding = (...paths: ReadonlyArray<string>) => make(paths.map((path) => parse(path)!))

describe("hidden values", () => {
  const payload = `{"id": 12345678901234567890, "card": {"pan": "4111-1111", "name": "A \\"B\\""},
  "lines": [{"iban": "DE11"}, {"iban": "DE22", "cents": 1.50}]}`
  const { hide, restore } = hiding("$.card", "$.card.pan", "$.lines[*].iban")

  it("become placeholders, and every other character stays", () => {
    const { paths, text } = hide(payload)
    assert.strictEqual(
      text,
      `{"id": 12345678901234567890, "card": "[hidden 1]",
  "lines": [{"iban": "[hidden 2]"}, {"iban": "[hidden 3]", "cents": 1.50}]}`
    )
    assert.deepStrictEqual(paths, ["$.card", "$.lines[0].iban", "$.lines[1].iban"])
  })

  it("come back where an edit keeps the placeholder, also at another index", () => {
    assert.deepStrictEqual(restore(hide(payload).text, payload), Result.succeed(payload))
    const moved = `{"lines": [{"iban": "[hidden 3]"}], "card": "[hidden 1]"}`
    assert.deepStrictEqual(
      restore(moved, payload),
      Result.succeed(`{"lines": [{"iban": "DE22"}], "card": {"pan": "4111-1111", "name": "A \\"B\\""}}`)
    )
    assert.deepStrictEqual(restore(`{"card": "new"}`, payload), Result.succeed(`{"card": "new"}`))
  })

  it("are never copied to a place that is shown", () => {
    const copied = `{"note": "[hidden 1]", "lines": "[hidden 2]", "lines2": [{"iban": "[hidden 2]"}]}`
    assert.deepStrictEqual(restore(copied, payload), Result.succeed(copied))
  })

  it("refuse a placeholder that the stored payload does not have", () => {
    assert.deepStrictEqual(restore(`{"card": "[hidden 9]"}`, payload), Result.fail("$.card"))
  })

  it("are hidden in the texts of errors: as JSON, as text and as a number", () => {
    const { mask } = hiding("$.secret", "$.pin").hide(`{"secret": "a\\u0062c\\nd", "pin": 12e2, "x": "abc"}`)
    assert.strictEqual(mask(`got "a\\u0062c\\nd", abc\nd`), `got [hidden], [hidden]`)
    const number = hiding("$.pin").hide(`{"pin": 45.60}`).mask
    assert.strictEqual(number("pin 45.6 or 45.60"), "pin [hidden] or [hidden]")
  })

  it("are found under escaped names and duplicate names", () => {
    const { text } = hiding("$.pan").hide(`{"p\\u0061n": "1111", "pan": "2222"}`)
    assert.notMatch(text, /1111|2222/)
  })

  it("take the whole payload with them if it is no JSON", () => {
    const { mask, text } = hide(`{"card": {"pan": "4111`)
    assert.strictEqual(text, notJson)
    assert.strictEqual(mask("Expected }, got 4111"), "[hidden]")
    // An edit with the placeholder of the whole would store the placeholder instead of the payload.
    assert.deepStrictEqual(restore(`${notJson}\n`, `{"card": {"pan": "4111`), Result.fail("$"))
    assert.deepStrictEqual(restore("{}", `{"card": {"pan": "4111`), Result.succeed("{}"))
  })

  it("need paths that can be read", () => {
    for (const path of ["$", "card", "$.", "$card", "$[x]", "$.a[", "$.a[-1]", "$[\"a]", ""]) {
      assert.isUndefined(parse(path), path)
    }
    assert.deepStrictEqual(parse("$.a[*][0][\"b.c\"]"), ["a", "*", 0, "b.c"])
  })

  it("leave a payload alone if no path is given", () => {
    assert.strictEqual(make([]).hide("no json").text, "no json")
    assert.isFalse(make([]).active)
  })
})
