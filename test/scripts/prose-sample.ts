/**
 * `npm run prose:sample -- --seed 1`: docstrings and comments of `src`, drawn at random, each with its place.
 *
 * A reader who has not seen the code paraphrases each of them. A misread one is rewritten.
 */
import { parseArgs } from "node:util"
import { Dice } from "../faults/dice.ts"
import { comments } from "./prose-texts.ts"
import { files, parse, read } from "./source.ts"

export interface Sampled {
  readonly path: string
  readonly line: number
  readonly text: string
}

/** All docstrings and comments of a file that have four words or more. */
export const commentsOf = (path: string, text: string) => {
  const long = comments(parse(path, text)).map(({ docstring, line, path, text }) => ({
    docstring,
    path,
    line,
    text: text.trim()
  })).filter(({ text }) => text.split(/\s+/).length >= 4)
  return { docstrings: long.filter(({ docstring }) => docstring), others: long.filter(({ docstring }) => !docstring) }
}

/** Some of them, each at most once; one seed draws the same ones again. */
export const sample = <A>(from: ReadonlyArray<A>, count: number, dice: Dice): ReadonlyArray<A> => {
  const left = [...from]
  const drawn: Array<A> = []
  while (drawn.length < count && left.length > 0) drawn.push(...left.splice(dice.whole(0, left.length - 1), 1))
  return drawn
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { seed: { type: "string", default: "1" }, count: { type: "string", default: "20" } }
  })
  const dice = new Dice(Number(values.seed))
  const all = [".ts", ".tsx"].flatMap((ending) => files("src", ending)).map((path) => commentsOf(path, read(path)))
  const show = (title: string, from: ReadonlyArray<Sampled>) => {
    console.log(`# ${title}, seed ${values.seed}\n`)
    for (const { line, path, text } of sample(from, Number(values.count), dice)) {
      console.log(`${path}:${line}\n${text}\n`)
    }
  }
  show("Docstrings", all.flatMap(({ docstrings }) => docstrings))
  show("Comments", all.flatMap(({ others }) => others))
}
