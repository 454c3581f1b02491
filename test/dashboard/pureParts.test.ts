/** The parts of the dashboard that need no browser: addresses, searches, payload trees, diffs, lists, hostile texts. */
import { assert, describe, it } from "vitest"
import { merge } from "../../src/dashboard/data/Merge.ts"
import { lineOf } from "../../src/dashboard/dead/IssueLine.ts"
import * as Search from "../../src/dashboard/failures/Search.ts"
import { isChange, linesOf } from "../../src/dashboard/payload/DiffLines.ts"
import * as Tree from "../../src/dashboard/payload/PayloadTree.ts"
import * as Router from "../../src/dashboard/place/Router.ts"
import { ago, bytes, duration, rate } from "../../src/dashboard/text/Amounts.ts"
import { flat, pieces } from "../../src/dashboard/text/Pieces.ts"
import { diff } from "../../src/ops/EditPreview.ts"

const awkward = ["ledger", "a/b c%?#@", "..", ".", "%2E", "a&b=c", "\u202Eevil", "ключ", "'\"<img>", "+ +"]

describe("the address", () => {
  it("brings every name of a path and of a parameter back as it was", () => {
    for (const name of awkward) {
      const place = Router.parse(Router.format(["keys", name, name], { consumer: name, q: name }))
      assert.deepEqual(place.path, ["keys", name, name])
      assert.deepEqual({ ...place.query }, { consumer: name, q: name })
    }
  })

  it("leaves out a parameter without a value", () => {
    assert.strictEqual(Router.format(["failures"], { consumer: undefined, q: "" }), "#/failures")
  })

  it("is read also if it is not well encoded", () => {
    assert.deepEqual(Router.parse("#/keys/%E0%A4%A/x?%=%").path, ["keys", "%E0%A4%A", "x"])
    assert.deepEqual(Router.parse("").path, [])
    assert.deepEqual({ ...Router.parse("#/x?__proto__=1").query }, { ["__proto__"]: "1" })
  })
})

describe("the search", () => {
  const now = Date.parse("2026-11-30T03:00:00Z")

  it("reads qualifiers, searches other words as one text, and names values that it cannot use", () => {
    assert.deepEqual(Search.parse("consumer:ledger since:1h bank \"is  down\" version:1.4.2", now), {
      filter: { consumer: "ledger", since: "2026-11-30T02:00:00.000Z", version: "1.4.2", text: "bank is  down" },
      wrong: []
    })
    assert.deepEqual(Search.parse("since:soon key: color:red", now), {
      filter: { text: "color:red" },
      wrong: ["since:soon", "key:"]
    })
    assert.deepEqual(Search.parse("payload.bank.code:\"5 1\" payload:x", now), {
      filter: { payload: "bank.code:5 1", text: "payload:x" },
      wrong: []
    })
  })

  it("brings every value of a qualifier back as it was", () => {
    for (const value of [...awkward, "two words", "a\"b\\c", "x:y"]) {
      assert.deepEqual(Search.parse(Search.qualifier("key", value), now), { filter: { key: value }, wrong: [] })
    }
  })
})

describe("the tree of a payload", () => {
  const all = (root: Tree.Node | undefined) => Tree.visible(root!, () => true, 10_000).nodes
  const shown = (json: string) => all(Tree.parse(json)).map((node) => `${Tree.pathOf(node)} ${node.kind} ${node.text}`)

  it("keeps every digit of a number, and a name that stands twice", () => {
    assert.deepEqual(shown(`{"n":12345678901234567890,"a":[1e400,{"b c":null}],"n":-0.10}`), [
      "$ object ",
      "$.n number 12345678901234567890",
      "$.a array ",
      "$.a[0] number 1e400",
      "$.a[1] object ",
      "$.a[1][\"b c\"] word null",
      "$.n number -0.10"
    ])
  })

  it("takes braces, commas and quotes within strings for text", () => {
    assert.deepEqual(shown(`{"a}":"[\\"{,","":[]}`), [
      "$ object ",
      "$[\"a}\"] string \"[\\\"{,\"",
      "$[\"\"] array "
    ])
  })

  it("ends at its deepest level, and keeps the rest as text", () => {
    const depth = 100_000
    const nodes = all(Tree.parse(`${"[".repeat(depth)}1${"]".repeat(depth)}`))
    assert.strictEqual(nodes.length, Tree.mostLevels + 1)
    assert.strictEqual(nodes.at(-1)?.kind, "deep")
    assert.strictEqual(nodes.at(-1)?.text.length, 2 * (depth - Tree.mostLevels) + 1)
  })

  it("shows a bounded number of nodes", () => {
    const root = Tree.parse(JSON.stringify(Array.from({ length: 5_000 }, (_, i) => i)))!
    const { more, nodes } = Tree.visible(root, () => true, 2_000)
    assert.strictEqual(nodes.length, 2_000)
    assert.isTrue(more)
    assert.isFalse(Tree.visible(root, () => true, 5_001).more)
  })

  it("does not take a text that is no JSON", () => {
    for (const text of ["", "{", "{\"a\":}", "undefined", "[1,]"]) assert.isUndefined(Tree.parse(text))
  })
})

describe("a diff", () => {
  it("is read line by line, without the names of files", () => {
    const lines = linesOf(diff(`{"cents":"12"}`, `{"cents":12}`))
    assert.deepEqual(lines.map(({ kind, text }) => [kind, text.trim()]), [
      ["hunk", "@@ -1,3 +1,3 @@"],
      ["same", "{"],
      ["removed", "\"cents\": \"12\""],
      ["added", "\"cents\": 12"],
      ["same", "}"]
    ])
    assert.strictEqual(lines.filter(isChange).length, 2)
  })
})

describe("an issue", () => {
  const text = "{\n  \"cents\": 1,\n  \"lines\": [\n    {\n      \"cents\": \"1\"\n    }\n  ]\n}"

  it("leads to the line that its path names", () => {
    assert.strictEqual(lineOf(text, "$.lines[0].cents"), 5)
    assert.strictEqual(lineOf(text, "$.cents"), 2)
    assert.strictEqual(lineOf(text, "$"), 1)
    assert.strictEqual(lineOf(text, "$.missing"), 1)
  })
})

describe("a list", () => {
  const row = (id: string, state: string) => ({ id, state })
  const idOf = ({ id }: { readonly id: string }) => id

  it("keeps each shown row in its place, with its newest values, and counts new rows", () => {
    const shown = [row("3", "open"), row("2", "open"), row("1", "open")]
    const newer = [row("5", "open"), row("4", "open"), row("3", "open"), row("2", "redriving")]
    assert.deepEqual(merge(shown, newer, idOf), {
      rows: [row("3", "open"), row("2", "redriving"), row("1", "open")],
      fresh: 2
    })
  })
})

describe("a text of the database", () => {
  it("shows each invisible or reordering character as a chip", () => {
    assert.deepEqual(pieces("a\u202Eb\u0007"), [
      { text: "a", chip: false },
      { text: "U+202E", chip: true },
      { text: "b", chip: false },
      { text: "U+0007", chip: true }
    ])
    for (const hidden of ["\u0000", "\u200B", "\u2066", "\u2028", "\uFEFF", "\u{E0041}", "\uD800", "\u009B", "\n"]) {
      const [piece, ...rest] = pieces(hidden)
      assert.isTrue(piece?.chip, JSON.stringify(hidden))
      assert.lengthOf(rest, 0)
    }
    assert.strictEqual(flat("a\u202Eb"), "aU+202Eb")
  })

  it("keeps what can be seen", () => {
    for (const text of ["plain", "ключ 鍵 مفتاح", "👩🏽 ok", "<b>&amp;</b>"]) {
      assert.deepEqual(pieces(text), [{ text, chip: false }])
    }
  })
})

describe("amounts", () => {
  it("are short, and carry their unit", () => {
    assert.deepEqual([0, 340, 12_000, 250_000, 26 * 60_000, 2 * 3_600_000, 3 * 86_400_000].map(duration), [
      "0 ms",
      "340 ms",
      "12 s",
      "4 m 10 s",
      "26 m",
      "2 h",
      "3 d"
    ])
    assert.strictEqual(ago(1_000, 2_000), "now")
    assert.strictEqual(ago(0, 26 * 60_000), "26 m ago")
    assert.deepEqual([undefined, 0, 0.42, 12.4, 1204].map(rate), ["–", "0", "0.4", "12", "1,204"])
    assert.deepEqual([812, 1_240, 340_000, 1_048_576].map(bytes), ["812 B", "1.2 kB", "340 kB", "1.0 MB"])
  })
})
