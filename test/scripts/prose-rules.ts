/**
 * The rules of our prose: what a comment, an error text, a log line, a page or the name of a test may say.
 *
 * `test/scripts/prose.ts` applies them to the repository. `test/tidy.test.ts` tries each rule on a sample that breaks
 * it.
 */

/** A piece of prose with the line on which it begins. */
export interface Text {
  readonly path: string
  readonly line: number
  readonly kind: "comment" | "string" | "name" | "page"
  readonly text: string
  /** Whether it is the docstring of a function, a method or a statement, whose first word must be a verb. */
  readonly ofFunction?: boolean
}

export interface Finding {
  readonly path: string
  readonly line: number
  readonly problem: string
}

/** The most words of one sentence. */
export const maximumWords = 25

/** The widest comment, in columns: the formatter does not wrap comments. */
export const maximumColumns = 120

/** Words that we do not use, each with what to write instead. */
export const banned: ReadonlyArray<readonly [pattern: RegExp, instead: string]> = [
  [/\b(?:mend|mends|mended|mending)\b/i, "fix, hint"],
  [/\bhiccups?\b/i, "transient failure"],
  [
    /\b(?:people|somebody|someone|anybody|anyone|nobody|everybody|everyone|whoever|whatever|whichever)\b/i,
    "name the subject: operator, caller, worker"
  ],
  [/\ba person\b|\bpersons?\b/i, "operator"],
  [/\b(?:an?|the) act\b|\bacts\b/i, "operator action"],
  [/\b(?:bury|buries|buried|burial|burials|graveyard)\b/i, "dead-letter"],
  [/(?<!\bdead[ -])\bletters?\b(?! or |s?, digits| of the alphabet)/i, "dead letter, in full"],
  [/\bhorizon\b/i, "deduplication window"],
  [/\banswers (?:with|its|the|what|whether|how|those|all|true|false|one|a|an|undefined|nothing|every)\b/i, "returns"],
  [/\banew\b/i, "again"],
  [/\bfor ever\b/i, "indefinitely"],
  [
    /\bin hand\b|\bin (?:its|their|his|the) hands?\b|\bin the hands of\b|\bfull hands\b|\bout of hand\b/i,
    "in flight, held by"
  ],
  [
    /\b(?:is|are|was|were|be|being|been|not) told\b|\btold (?:by|of|about|apart)\b|\buntold\b/i,
    "is notified; is distinguished"
  ],
  [/\bas long as\b/i, "while"],
  [/\bof which\b/i, "split the sentence"],
  [
    /\bhears? (?:of|from|it|them|that|what)\b|\bheard (?:of|from)\b|\bdeaf\b/i,
    "receives a notification; is unresponsive"
  ],
  [/\bgoes? on\b|\bgoing on\b|\bwent on\b/i, "continues"],
  [/\bcomes? to nothing\b|\bin vain\b/i, "fails"],
  [/\bworked off\b|\bworks off\b/i, "processed"],
  [/\bgiven up as\b/i, "dead-lettered"],
  [/\bbelongs? into\b/i, "belongs in"],
  [/\bnevertheless\b|\bthe longer the\b/i, "rephrase"],
  [/\bhenceforth\b|\bthereby\b|\bwhereby\b|\btherein\b|\bhereby\b|\bwherein\b|\bthereof\b/i, "rephrase"],
  [
    /\b(?:innocents?|convicted|convicts?|convictions?|guilty|verdicts?|heirs?|zombies?)\b/i,
    "suspect, crashed alone, stale owner"
  ],
  [/\b(?:jobs?|tasks?) (?:of|in) (?:the|a) queue\b/i, "message"],
  [/\bmay not\b/i, "must not, or cannot"]
]

/** Subordinate words that cannot be the subject of a sentence of ours. */
const noSubject = /^(?:who|what|whoever|whatever|which|whose)\b/i

/** Words in `s` that are no verbs, although docstrings begin with them. A verb is not followed by "of". */
const nouns =
  /^(?:Methods|Messages|Keys|Rows|Lanes|Facts|Ids|Statements|Columns|Milliseconds|Seconds|Bytes|Postgres|Redis)\b/

/** The imperatives that a docstring may begin with, beside a form in "s". */
const imperatives = /^(?:Add|Build|Call|Check|Claim|Do not|Keep|Make|Never|Read|Return|Run|Set|Show|Use|Write)\b/

/** Returns whether a docstring begins with a verb: a present form in "s", or an imperative. */
export const beginsWithVerb = (text: string): boolean =>
  imperatives.test(text) || (/^[A-Z][a-z]+(?:-[a-z]+)*s\b(?!'| of\b)/.test(text) && !nouns.test(text))

/** Takes out what is not prose: code in backticks, links' addresses, and html. */
const plain = (text: string): string =>
  text.replaceAll(/```[\s\S]*?```/g, " ").replaceAll(/`[^`]*`/g, "code").replaceAll(/\{@link [^}]*\}/g, "code")
    .replaceAll(/\]\([^)]*\)/g, "]").replaceAll(/https?:\/\/\S+/g, "link").replaceAll(/<[^>\n]*>/g, " ").replaceAll(
      /\$\{[^}]*\}/g,
      "code"
    )

/** Code, generated tables (the prose in them is checked where it stands in the code), and what an example prints. */
const notProse = /```[\s\S]*?```|<!-- (\w+): made [\s\S]*?<!-- \/\1 -->|^Output:[\s\S]*/gm

const abbreviations = /\b(?:e\.g|i\.e|vs|etc|ca|cf|St|No)\.$/

/** The sentences of one paragraph. */
export const sentences = (paragraph: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let begin = 0
  for (const end of paragraph.matchAll(/[.!?](?=["')\]]*(?:\s|$))/g)) {
    const until = end.index + 1
    const sentence = paragraph.slice(begin, until)
    if (abbreviations.test(sentence)) continue
    found.push(sentence)
    begin = until
  }
  found.push(paragraph.slice(begin))
  return found.map((sentence) => sentence.replaceAll(/\s+/g, " ").trim()).filter((sentence) => sentence !== "")
}

/** Words of a sentence; code in backticks counts as one. */
export const words = (sentence: string): number =>
  sentence.split(/[\s/]+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length

/**
 * Returns the parts of a text that stand alone: a paragraph, an item of a list, a cell of a table. Code blocks and
 * drawings are left out.
 */
const blocks = (text: string): ReadonlyArray<{ readonly line: number; readonly text: string }> => {
  const found: Array<{ line: number; text: string }> = []
  let fenced = false
  let current: { line: number; text: string } | undefined
  const flush = () => {
    if (current !== undefined) found.push(current)
    current = undefined
  }
  text.split("\n").forEach((raw, line) => {
    const trimmed = raw.trim()
    if (trimmed.startsWith("```")) {
      fenced = !fenced
      return flush()
    }
    if (fenced) return
    if (trimmed === "" || /^[-=|: +]+$/.test(trimmed)) return flush()
    if (trimmed.startsWith("|")) {
      flush()
      for (const cell of trimmed.slice(1).split(/(?<!\\)\|/)) {
        if (cell.trim() !== "") found.push({ line, text: cell.trim() })
      }
      return
    }
    if (/^(?:[-*+] |\d+\. |#+ |> )/.test(trimmed)) {
      flush()
      current = { line, text: trimmed.replace(/^(?:[-*+] |\d+\. |#+ |> )/, "") }
      return
    }
    if (current === undefined) current = { line, text: trimmed }
    else current.text += `\n${trimmed}`
  })
  flush()
  return found
}

/** Checks a piece of prose against all rules. */
export const check = (text: Text): ReadonlyArray<Finding> => {
  const cleaned = text.text.replaceAll(notProse, (block) => block.replaceAll(/[^\n]/g, ""))
  const begin = text.text.trim()
  const first = text.ofFunction !== true || beginsWithVerb(begin) ? [] : [{
    path: text.path,
    line: text.line,
    problem: `begins with no verb: "Returns ...", "Checks ..." | ${begin.split("\n")[0]}`
  }]
  const others = blocks(cleaned).flatMap((block) => {
    const found: Array<Finding> = []
    const add = (problem: string) => found.push({ path: text.path, line: text.line + block.line, problem })
    for (const sentence of sentences(plain(block.text))) {
      const shown = sentence.length > 90 ? `${sentence.slice(0, 87)}...` : sentence
      for (const [pattern, instead] of banned) {
        const match = pattern.exec(sentence)
        if (match !== null) add(`"${match[0]}": ${instead} | ${shown}`)
      }
      const count = words(sentence)
      if (count > maximumWords) add(`${count} words, more than ${maximumWords} | ${shown}`)
      const stops = sentence.match(/[:;](?=\s)/g)?.length ?? 0
      if (stops > 1) add(`${stops} colons and semicolons, more than 1 | ${shown}`)
      if (noSubject.test(sentence) && !sentence.endsWith("?") && text.kind !== "page" && count > 3) {
        add(`names no subject | ${shown}`)
      }
    }
    return found
  })
  return [...first, ...others]
}
