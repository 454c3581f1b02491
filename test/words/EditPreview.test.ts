/** The diff of an edited payload, as an operator reads it. */
import { assert, describe, it } from "@effect/vitest"
import { EditPreview } from "millrace/ops"

describe("the preview of an edit", () => {
  it("shows the changed lines of a JSON text that was written in one line", () => {
    const diff = EditPreview.diff(
      `{"account":"a-7","lines":[{"cents":"12.50"},{"cents":3}],"none":[],"empty":{}}`,
      `{"account":"a-7","lines":[{"cents":1250},{"cents":3}],"none":[],"empty":{}}`
    )
    assert.deepStrictEqual(diff.split("\n").filter((line) => /^[-+] /.test(line)), [
      `-      "cents": "12.50"`,
      `+      "cents": 1250`
    ])
  })

  it("keeps numbers as they are written, and texts with any character", () => {
    const text = `{"id":9007199254740993.10,"text":"a\\"b {,: \\\\","n":-1e400}`
    assert.strictEqual(
      EditPreview.lines(text),
      `{
  "id": 9007199254740993.10,
  "text": "a\\"b {,: \\\\",
  "n": -1e400
}
`
    )
  })

  it("is empty if only the layout differs", () => {
    assert.strictEqual(EditPreview.diff(`{"a":[1,2]}`, `{ "a" : [\n1, 2 ] }`), "")
  })

  it("drops nothing of a text that is no JSON, and ends for any text", () => {
    for (const text of [`{"a":`, `"open`, `]}]`, `nothing "b" x`, "", `\u0000\u202e`]) {
      const bare = (of: string) => of.replaceAll(/\s/g, "")
      assert.strictEqual(bare(EditPreview.lines(text)), bare(text))
    }
    // With a pattern that begins again at each quote, this would take hours.
    assert.strictEqual(EditPreview.lines(`"${`\\"`.repeat(500_000)}`).length, 1_000_002)
    assert.isBelow(EditPreview.lines("[".repeat(10_000)).length, 450_000)
  })
})
