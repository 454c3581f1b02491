/** One poll of a worker's lanes: its parameters, the state of its snapshot, and what was read. */
import type { Demand } from "../../Transport.ts"
import type { Rows } from "../session/PgSession.ts"
import type { OwnedLane, Receipt } from "./Row.ts"

export type Row = Rows[number]

/** Where a row of `messages` is. */
export interface Place {
  readonly lane: number
  readonly seq: bigint
}

/** The parameters of a poll; `most`, `marks` and the fields with `lagging` are explained in `QueueReader.ts`. */
export interface Poll {
  readonly lanes: ReadonlyArray<number>
  readonly marks: ReadonlyArray<bigint>
  readonly most: ReadonlyArray<number>
  readonly running: ReadonlyArray<string>
  readonly xmax: string
  /** Lagging keys whose rows this poll does not read. */
  readonly passedOver: ReadonlyArray<string>
  readonly laggingLanes: ReadonlyArray<number>
  readonly laggingFrom: ReadonlyArray<bigint>
  readonly laggingKeys: ReadonlyArray<string>
  readonly rows: number
  readonly bytes: number
}

/** The state of the snapshot that the poll saw. */
export interface Meta {
  readonly running: ReadonlyArray<string> | null
  readonly xmax: string
  readonly top: string
  readonly due: ReadonlyArray<string> | null
  readonly paused: boolean
  /** The server's life; null before one was begun. */
  readonly life: string | null
}

/** A lane that is being read. */
export interface Reading {
  readonly owned: OwnedLane
  mark: bigint
  /** The last poll ended at its limit of rows. */
  hot: boolean
}

export const min = (a: bigint, b: bigint | undefined): bigint => b === undefined || a < b ? a : b
export const max = (a: bigint, b: bigint): bigint => a > b ? a : b

/** The lowest seq of each lane. */
export const lowest = (places: Iterable<Place>): ReadonlyMap<number, bigint> => {
  const first = new Map<number, bigint>()
  for (const { lane, seq } of places) first.set(lane, min(seq, first.get(lane)))
  return first
}

/**
 * Divides the rows of a poll among its lanes. Lanes that had more last time share them, and each other lane gets a
 * few. So the sum over all lanes stays bounded. 64 lanes of 500 rows each took several times the time of 500 rows in
 * all.
 */
export const shares = (readings: ReadonlyArray<Reading>, rows: number): ReadonlyArray<number> => {
  const hot = readings.reduce((n, reading) => n + (reading.hot ? 1 : 0), 0)
  const each = Math.max(2, Math.ceil(rows / readings.length))
  const more = Math.max(each, Math.ceil(rows / Math.max(1, hot)))
  return readings.map((reading) => reading.hot ? more : each)
}

/** The state of one poll while its rows are sorted out. */
export class Round {
  readonly out: Array<{ readonly row: Row; readonly receipt: Receipt }> = []
  readonly count = new Map<number, number>()
  readonly last = new Map<number, bigint>()
  /** The first fresh row that had no room: the poll counts as having read nothing from it on. */
  cut: bigint | undefined
  readonly demand: Demand
  readonly poll: Poll
  /** The lanes that the poll asked for. During the poll a lane may be left, and then read again from its beginning. */
  readonly readings: ReadonlyArray<Reading>
  readonly #byLane: Map<number, Reading>
  constructor(demand: Demand, poll: Poll, readings: ReadonlyArray<Reading>) {
    this.demand = demand
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
  /** Uses nothing that was read of the lane, and leaves its mark where it was put back to. */
  leaveOut(lane: number): void {
    this.#byLane.delete(lane)
  }
  /**
   * Moves the marks up to where everything was read. Returns whether there may be more rows.
   *
   * The marks have no limit: each seq drawn so far belongs to a row that is read, is hidden, or will be late. Moving
   * to the seq drawn by the last poll passes over hidden rows. Few rows are late, since most transactions are shorter
   * than a poll.
   */
  advance(fresh: Rows, top: bigint): boolean {
    const { most, rows } = this.poll
    const all = this.cut === undefined && fresh.length < rows
    // Fresh rows come upwards by seq over all lanes. Below the last one, only a lane's own limit leaves rows out.
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
