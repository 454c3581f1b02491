/**
 * How long tests wait for real processes and servers: limits scale with the measured speed of the machine.
 *
 * A fixed piece of work is timed by the wall clock, so that a slow processor counts, and so does a busy one. A slow
 * machine is then slow and its tests still pass. Limits never get shorter than they are written.
 */
import { availableParallelism, loadavg } from "node:os"

/** Milliseconds that the work takes on the machine for which the limits were chosen, when it is quiet. */
const reference = 12
const most = 10

const work = (): number => {
  const began = performance.now()
  let sum = 0
  for (let i = 0; i < 3_000_000; i++) sum = (sum + Math.imul(i ^ (sum >>> 3), 0x9e3779b1)) | 0
  return sum === 0.5 ? 0 : performance.now() - began
}

/** From the time of the work and the processes that wait for each processor: 1 on a quiet machine, 10 at most. */
export const factorOf = (millis: number, loadPerCore: number): number =>
  Math.min(most, Math.max(1, millis / reference, loadPerCore))

/** How much slower than the reference this machine is now. */
export const slowness = (): number => {
  work() // compiles it
  return factorOf(Math.min(work(), work()), loadavg()[0]! / availableParallelism())
}

/** The variable by which a process hands what it has measured to the processes that it starts. */
const variable = "MILLRACE_TEST_SLOWNESS"

/**
 * A limit in milliseconds for this machine. It is measured once in a run of tests. Otherwise a test's lease, which one
 * process has chosen, could be longer than the test's limit of another process.
 */
export const limit = (millis: number): number =>
  Math.round(millis * Number(process.env[variable] ??= String(slowness())))
