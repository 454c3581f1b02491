/**
 * Shows a run under way: a bar, the rate, and the counts of the workers.
 *
 * On a terminal it is redrawn in place ten times a second. Elsewhere it is one plain line every two seconds.
 */
import { Effect, Schedule } from "effect"
import * as Counts from "./counts.ts"
import { bar, type Colour, count, duration, type Screen } from "./screen.ts"

/** Milliseconds over which the shown rate is measured. */
const window = 3_000

export class Progress {
  readonly #screen: Screen
  readonly #messages: number
  readonly #started = performance.now()
  readonly #samples: Array<{ readonly at: number; readonly done: number }> = []
  /** The counts of the workers since this start. */
  tally: Counts.Tally = Counts.zero
  /** Dead letters that an earlier start of this run left. */
  earlier = 0
  /** The dead letters in the database. Undefined: not counted there yet. */
  counted: number | undefined
  phase = ""
  #counts: Counts.Counts = { sent: 0, applied: 0, notified: 0 }

  constructor(screen: Screen, messages: number) {
    this.#screen = screen
    this.#messages = messages
  }

  /** Shows the progress while the effect runs, then removes the block. */
  readonly show = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    const screen = this.#screen
    const tick = Effect.sync(() => screen.live ? screen.draw(this.block()) : screen.line(this.plain()))
    const ticking = Effect.repeat(tick, Schedule.spaced(screen.live ? "100 millis" : "2 seconds"))
    return Effect.raceFirst(effect, Effect.andThen(ticking, Effect.never)).pipe(
      Effect.ensuring(Effect.sync(() => screen.clear()))
    )
  }

  /** Notes what the database holds now. */
  note(counts: Counts.Counts): void {
    this.#counts = counts
    const at = performance.now()
    this.#samples.push({ at, done: this.done })
    while (this.#samples.length > 3 && this.#samples[2]!.at < at - window) this.#samples.splice(1, 1)
  }

  get elapsed(): number {
    return performance.now() - this.#started
  }

  /** Open dead letters. */
  get dead(): number {
    return this.counted ?? this.earlier + this.tally.dead
  }

  /** Webhooks that are applied or dead. */
  get done(): number {
    return this.#counts.applied + this.dead
  }

  /** Webhooks a second, over the last seconds. */
  get rate(): number {
    return between(this.#samples[1], this.#samples.at(-1))
  }

  /** Webhooks a second, since this start. */
  get overall(): number {
    return between(this.#samples[0], { at: performance.now(), done: this.done })
  }

  block(): ReadonlyArray<string> {
    const paint = (colour: Colour, text: string) => this.#screen.paint(colour, text)
    const { width } = this.#screen
    const share = this.done / this.#messages
    const figures = `${count(this.done)} of ${count(this.#messages)}  ${count(this.rate)}/s  ${duration(this.elapsed)}`
    const room = Math.max(8, Math.min(48, width - figures.length - 12))
    const percent = `${Math.floor(share * 100)} %`.padStart(5)
    const rows = wrapped(this.#facts(), width)
    return [
      "",
      `  ${paint("cyan", bar(share, room))} ${paint("bold", percent)}  ${figures}`,
      ...rows.map((row) =>
        `  ${row.map(({ colour, n, name }) => `${name} ${paint(n === 0 ? "dim" : colour, count(n))}`).join("  ")}`
      ),
      `  ${paint("yellow", this.phase)}`
    ]
  }

  plain(): string {
    const facts = this.#facts().map(({ n, name }) => `${name} ${count(n)}`).join(", ")
    const done = `${count(this.done)} of ${count(this.#messages)}, ${count(this.rate)}/s`
    return [`${duration(this.elapsed).padStart(10)}  ${done}, ${facts}`, ...this.phase === "" ? [] : [this.phase]].join(
      ", "
    )
  }

  #facts(): ReadonlyArray<Fact> {
    const { applied, notified, sent } = this.#counts
    const { duplicates, holds, retries } = this.tally
    return [
      { name: "sent", n: sent, colour: "bold" },
      { name: "applied", n: applied, colour: "green" },
      { name: "notified", n: notified, colour: "green" },
      { name: "retries", n: retries, colour: "yellow" },
      { name: "holds", n: holds, colour: "yellow" },
      { name: "duplicates", n: duplicates, colour: "yellow" },
      { name: "dead letters", n: this.dead, colour: "red" }
    ]
  }
}

interface Fact {
  readonly name: string
  readonly n: number
  readonly colour: Colour
}

/** The facts in rows that fit. */
const wrapped = (facts: ReadonlyArray<Fact>, width: number): ReadonlyArray<ReadonlyArray<Fact>> => {
  const rows: Array<Array<Fact>> = [[]]
  let used = 0
  for (const fact of facts) {
    const length = fact.name.length + count(fact.n).length + 3
    if (used + length > width && used > 0) {
      rows.push([])
      used = 0
    }
    rows.at(-1)!.push(fact)
    used += length
  }
  return rows
}

interface Sample {
  readonly at: number
  readonly done: number
}

const between = (first: Sample | undefined, last: Sample | undefined): number =>
  first === undefined || last === undefined || last.at <= first.at
    ? 0
    : (last.done - first.done) / (last.at - first.at) * 1_000
