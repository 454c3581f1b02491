/**
 * What one sees while a run is under way: a bar, the rate, and what the workers met. On a terminal it is redrawn in place ten
 * times a second; elsewhere it is one plain line every two seconds.
 */
import { Effect, Schedule } from "effect"
import { bar, count, duration, type Screen } from "./screen.ts"
import * as Standing from "./standing.ts"

/** How many seconds the shown rate looks back. */
const window = 3_000

export class Progress {
  readonly #screen: Screen
  readonly #messages: number
  readonly #started = performance.now()
  readonly #samples: Array<{ readonly at: number; readonly done: number }> = []
  standing: Standing.Standing = { sent: 0, applied: 0, notified: 0 }
  tally: Standing.Tally = Standing.zero
  /** Open dead letters that earlier starts left behind count as done, too. */
  dead = 0
  phase = "working"

  constructor(screen: Screen, messages: number) {
    this.#screen = screen
    this.#messages = messages
  }

  get elapsed(): number {
    return performance.now() - this.#started
  }

  /** Webhooks that are applied or dead. */
  get done(): number {
    return this.standing.applied + Math.max(this.dead, this.tally.dead)
  }

  /** Shows the progress for as long as the effect runs, then takes the block away. */
  readonly show = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    const tick = Effect.sync(() =>
      this.#screen.live ? this.#screen.draw(this.block()) : this.#screen.line(this.plain())
    )
    const ticking = Effect.repeat(tick, Schedule.spaced(this.#screen.live ? "100 millis" : "2 seconds"))
    return Effect.raceFirst(effect, Effect.andThen(ticking, Effect.never)).pipe(
      Effect.ensuring(Effect.sync(() => this.#screen.clear()))
    )
  }

  /** Notes what the database holds now. */
  note(standing: Standing.Standing): void {
    this.standing = standing
    const at = performance.now()
    this.#samples.push({ at, done: this.done })
    while (this.#samples.length > 2 && this.#samples[1]!.at < at - window) this.#samples.shift()
  }

  /** Webhooks a second, over the last seconds. */
  get rate(): number {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    return first === undefined || last === undefined || last.at === first.at
      ? 0
      : (last.done - first.done) / (last.at - first.at) * 1_000
  }

  block(): ReadonlyArray<string> {
    const { paint, width } = { paint: this.#screen.paint.bind(this.#screen), width: this.#screen.width }
    const share = this.done / this.#messages
    const figures = `${count(this.done)} of ${count(this.#messages)}  ${count(this.rate)}/s  ${duration(this.elapsed)}`
    const room = Math.max(8, Math.min(48, width - figures.length - 12))
    const percent = `${Math.floor(share * 100)} %`.padStart(5)
    return [
      "",
      `  ${paint("cyan", bar(share, room))} ${paint("bold", percent)}  ${figures}`,
      `  ${this.#facts().map(([name, n, colour]) => `${name} ${n === 0 ? "0" : paint(colour, count(n))}`).join("  ")}`,
      this.phase === "working" ? "" : `  ${paint("yellow", this.phase)}`
    ]
  }

  plain(): string {
    const facts = this.#facts().map(([name, n]) => `${name} ${count(n)}`).join(", ")
    const phase = this.phase === "working" ? "" : `, ${this.phase}`
    return `${duration(this.elapsed).padStart(6)}  ${count(this.done)} of ${count(this.#messages)}, ${
      count(this.rate)
    }/s, ${facts}${phase}`
  }

  #facts() {
    const { applied, notified, sent } = this.standing
    const { duplicates, holds, retries } = this.tally
    return [
      ["sent", sent, "bold"],
      ["applied", applied, "green"],
      ["notified", notified, "green"],
      ["retries", retries, "yellow"],
      ["holds", holds, "yellow"],
      ["duplicates", duplicates, "yellow"],
      ["dead letters", Math.max(this.dead, this.tally.dead), "red"]
    ] as const
  }
}
