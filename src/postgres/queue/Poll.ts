/** One poll of a worker's lanes: the poll's parameters, the state of its snapshot, and the rows that it read. */
import type { Demand } from "../../Transport.ts"
import type { Rows } from "../session/PgSession.ts"
import type { OwnedLane, Receipt } from "./Row.ts"

export type Row = Rows[number]

/** The place of a row in its queue: a lane, and a seq in that lane. */
export interface Place {
  readonly lane: number
  readonly seq: bigint
}

/** The parameters of a poll. `QueueReader.ts` explains marks and lagging keys. */
export interface PollRequest {
  readonly lanes: ReadonlyArray<number>
  readonly marks: ReadonlyArray<bigint>
  /** The most rows above the mark that the poll reads of each lane; see `shares`. */
  readonly most: ReadonlyArray<number>
  readonly running: ReadonlyArray<string>
  readonly xmax: string
  /** Lagging keys whose rows this poll does not return, because they have no room or are too many. */
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
  /** The server life of the snapshot. It is null if no process has begun one since a crash. */
  readonly life: string | null
}

/** A lane that the worker reads, with the position up to which it has read. */
export interface Reading {
  readonly owned: OwnedLane
  mark: bigint
  /** Whether the last poll read as many rows of the lane as its limit allows, so that the lane may have more. */
  hot: boolean
}

export const min = (a: bigint, b: bigint | undefined): bigint => b === undefined || a < b ? a : b
export const max = (a: bigint, b: bigint): bigint => a > b ? a : b

/** Returns the lowest seq of each lane among these places. */
export const lowest = (places: Iterable<Place>): ReadonlyMap<number, bigint> => {
  const first = new Map<number, bigint>()
  for (const { lane, seq } of places) first.set(lane, min(seq, first.get(lane)))
  return first
}

/**
 * Returns the limit of rows for each lane of a poll. Hot lanes share the poll's rows among themselves, and each other
 * lane gets an equal part of a poll. So the sum of the limits stays bounded. When each of 64 lanes could have 500 rows,
 * a poll took several times the time of a poll of 500 rows in all.
 */
export const shares = (readings: ReadonlyArray<Pick<Reading, "hot">>, rows: number): ReadonlyArray<number> => {
  const hot = readings.reduce((n, reading) => n + (reading.hot ? 1 : 0), 0)
  const each = Math.max(2, Math.ceil(rows / readings.length))
  const more = Math.max(each, Math.ceil(rows / Math.max(1, hot)))
  return readings.map((reading) => reading.hot ? more : each)
}

/** The state of one poll while the reader decides which of its rows to hand out. */
export class Poll {
  readonly out: Array<{ readonly row: Row; readonly receipt: Receipt }> = []
  readonly count = new Map<number, number>()
  readonly last = new Map<number, bigint>()
  /** The first row above the marks that had no room. No mark moves to this row or beyond. */
  cut: bigint | undefined
  readonly demand: Demand
  readonly request: PollRequest
  /**
   * The lanes as they were when the poll began. The worker may leave a lane during the poll and then read it again,
   * which is another `Reading`.
   */
  readonly readings: ReadonlyArray<Reading>
  readonly #byLane: Map<number, Reading>
  constructor(demand: Demand, request: PollRequest, readings: ReadonlyArray<Reading>) {
    this.demand = demand
    this.request = request
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
  /** Makes the poll ignore a lane: its rows are not used, and `advance` does not move its mark, which was put back. */
  leaveOut(lane: number): void {
    this.#byLane.delete(lane)
  }
  /**
   * Moves each mark up to the seq below which every visible row was read. Returns whether there may be more rows.
   *
   * `top` is the highest seq that was drawn at the previous poll. If this poll has read all rows, the marks move
   * to `top`, past rows that a hold hides. This is safe, since a row that appears below a mark later is read as late.
   * Few rows are late, because most transactions that drew a seq before the previous poll have ended by now.
   */
  advance(fresh: Rows, top: bigint): boolean {
    const { most, rows } = this.request
    const all = this.cut === undefined && fresh.length < rows
    // The rows above the marks come upwards by seq over all lanes. So below the last row of the poll, rows are missing
    // only from a lane that reached its own limit. The mark of such a lane moves to the lane's last row only.
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
