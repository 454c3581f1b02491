/** One poll of a worker's lanes: what it asks for, what the snapshot that it saw says of itself, and what it comes to. */
import type { Room } from "../Transport.ts"
import type { Rows } from "./PgSession.ts"
import type { Owned } from "./Row.ts"

export type Row = Rows[number]

/** What a poll asks for. */
export interface Poll {
  readonly lanes: ReadonlyArray<number>
  readonly marks: ReadonlyArray<bigint>
  readonly most: ReadonlyArray<number>
  readonly running: ReadonlyArray<string>
  readonly xmax: string
  readonly over: ReadonlyArray<string>
  readonly behindLanes: ReadonlyArray<number>
  readonly behindFrom: ReadonlyArray<bigint>
  readonly behindKeys: ReadonlyArray<string>
  readonly rows: number
  readonly bytes: number
}

/** Of the snapshot that the poll saw. */
export interface Meta {
  readonly running: ReadonlyArray<string> | null
  readonly xmax: string
  readonly top: string
  readonly due: ReadonlyArray<string> | null
  readonly paused: boolean
}

/** A lane that is being read. */
export interface Reading {
  readonly owned: Owned
  mark: bigint
  /** The last poll ended at its limit of rows. */
  hot: boolean
}

/** What one poll has come to. */
export class Round {
  readonly out: Array<{ readonly row: Row; readonly owned: Owned }> = []
  readonly count = new Map<number, number>()
  readonly last = new Map<number, bigint>()
  /** The first fresh row that there was no room for: nothing from it on was read. */
  cut: bigint | undefined
  readonly room: Room
  readonly poll: Poll
  /** The lanes that were asked for: one may be left, and taken up again from its beginning, while the poll is under way. */
  readonly readings: ReadonlyArray<Reading>
  readonly #byLane: ReadonlyMap<number, Reading>
  constructor(room: Room, poll: Poll, readings: ReadonlyArray<Reading>) {
    this.room = room
    this.poll = poll
    this.readings = readings
    this.#byLane = new Map(readings.map((reading) => [reading.owned.lane, reading]))
  }
  asked(lane: number): Reading | undefined {
    return this.#byLane.get(lane)
  }
  counted(row: Row): void {
    const lane = row["lane"] as number
    this.count.set(lane, (this.count.get(lane) ?? 0) + 1)
    this.last.set(lane, row["seq"] as bigint)
  }
}
