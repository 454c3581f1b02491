/**
 * Decides how many messages share a transaction. The size is halved after a conflict, or after a group that took too
 * long. It grows by an eighth after each success. All functions are pure.
 *
 * Larger groups make deadlocks more likely where handlers lock shared rows. Halving ends a series of conflicts quickly,
 * and slow growth finds the size that the workload bears.
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
