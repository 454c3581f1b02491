/** One poll of a worker's lanes: what it asks for, what the snapshot that it saw says of itself, and what it comes to. */
import type { Demand } from "../../Transport.ts"
import type { Rows } from "../session/PgSession.ts"
import type { Owned, Receipt } from "./Row.ts"

export type Row = Rows[number]

/** A row's. */
export interface Place {
  readonly lane: number
  readonly seq: bigint
}

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
  /** The server's; null before it was begun. */
  readonly life: string | null
}

/** A lane that is being read. */
export interface Reading {
  readonly owned: Owned
  mark: bigint
  /** The last poll ended at its limit of rows. */
  hot: boolean
}

export const min = (a: bigint, b: bigint | undefined): bigint => b === undefined || a < b ? a : b
export const max = (a: bigint, b: bigint): bigint => a > b ? a : b

/** Of each lane. */
export const lowest = (places: Iterable<Place>): ReadonlyMap<number, bigint> => {
  const first = new Map<number, bigint>()
  for (const { lane, seq } of places) first.set(lane, min(seq, first.get(lane)))
  return first
}

/**
 * Rows to be read of each lane. Lanes that had more share them; of the others little is expected. So the sum over all lanes
 * stays bounded: 64 lanes of 500 rows each took several times as long as 500 in all.
 */
export const shares = (readings: ReadonlyArray<Reading>, rows: number): ReadonlyArray<number> => {
  const hot = readings.reduce((n, reading) => n + (reading.hot ? 1 : 0), 0)
  const each = Math.max(2, Math.ceil(rows / readings.length))
  const more = Math.max(each, Math.ceil(rows / Math.max(1, hot)))
  return readings.map((reading) => reading.hot ? more : each)
}

/** What one poll has come to. */
export class Round {
  readonly out: Array<{ readonly row: Row; readonly receipt: Receipt }> = []
  readonly count = new Map<number, number>()
  readonly last = new Map<number, bigint>()
  /** The first fresh row that there was no room for: nothing from it on was read. */
  cut: bigint | undefined
  readonly room: Demand
  readonly poll: Poll
  /** The lanes that were asked for: one may be left, and taken up again from its beginning, while the poll is under way. */
  readonly readings: ReadonlyArray<Reading>
  readonly #byLane: Map<number, Reading>
  constructor(room: Demand, poll: Poll, readings: ReadonlyArray<Reading>) {
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
  /** Nothing that was read of the lane is used, and its mark stays where it was put back to. */
  leaveOut(lane: number): void {
    this.#byLane.delete(lane)
  }
  /**
   * Marks go up to where everything was read; answers whether there may be more. Not limited: whatever number was drawn by now,
   * its row is read, hidden, or will be late, so any mark will do. The number drawn by the last poll passes over hidden rows,
   * and few rows are late: most transactions are shorter than a poll.
   */
  advance(fresh: Rows, top: bigint): boolean {
    const { most, rows } = this.poll
    const all = this.cut === undefined && fresh.length < rows
    // Fresh rows come upwards by seq over all lanes: up to here, nothing is left out but by a lane's own limit.
    const to = all ? top : this.cut === undefined ? fresh[fresh.length - 1]!["seq"] as bigint : this.cut - 1n
    let more = !all
    this.readings.forEach((reading, i) => {
      const { lane } = reading.owned
      if (!this.#byLane.has(lane)) return
      const last = this.last.get(lane) ?? 0n
      reading.hot = this.count.get(lane) === most[i]
      if (reading.hot) more = true
      reading.mark = reading.hot ? last : max(reading.mark, max(last, to))
    })
    return more
  }
}
