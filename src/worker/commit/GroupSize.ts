/**
 * How many messages share a transaction: halved after a conflict, or when one took too long, grown by an eighth after
 * success. Pure.
 *
 * Groups raise the chance of deadlocks where handlers lock shared rows; halving makes room quickly, growing slowly
 * finds the size that the workload bears.
 */
export interface GroupSize {
  readonly current: number
  readonly most: number
}

export const make = (most: number): GroupSize => ({ current: most, most })

export const afterConflict = (size: GroupSize): GroupSize => ({ ...size, current: Math.max(1, size.current >> 1) })

export const afterSuccess = (size: GroupSize): GroupSize =>
  size.current === size.most
    ? size
    : { ...size, current: Math.min(size.most, size.current + Math.max(1, size.current >> 3)) }
