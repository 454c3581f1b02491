/**
 * Child processes of tests: started with a setup, signalled, and awaited. A child is killed when its scope closes.
 *
 * The program reads its setup by `given.ts`. It says `ready` on a line of its own when it runs.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { limit } from "./patience.ts"
import { runnable } from "./programs.ts"

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly name: string
  readonly process: ChildProcess
  /** Waits until it has said `ready`, or has ended before. */
  readonly ready: Effect.Effect<void>
  readonly ended: Effect.Effect<Ending>
  readonly isRunning: () => boolean
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** The next line of its output. */
  readonly line: Effect.Effect<string>
  readonly write: (line: string) => Effect.Effect<void>
  /** The last part of its output. */
  readonly output: () => string
  /** Waits until its output contains the text. */
  readonly said: (text: string) => Effect.Effect<void>
}

export interface Launch {
  readonly name: string
  /** The file of its program. */
  readonly program: string
  readonly setup: object
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly onEnd?: ((ending: Ending) => void) | undefined
}

/** Starts a child; it is killed when the scope closes, if it still runs. */
export const start = (how: Launch): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(Effect.promise(() => runnable(how.program)), (program) => launch({ ...how, program })),
    (child) =>
      Effect.suspend(() => {
        if (!child.isRunning()) return Effect.void
        child.process.kill("SIGKILL")
        return Effect.asVoid(child.ended)
      })
  )

/** SIGTERM, and SIGKILL if that does not end it. */
export const stop = (child: Child): Effect.Effect<Ending> =>
  child.signal("SIGTERM").pipe(
    Effect.andThen(Effect.timeoutOrElse(child.ended, {
      duration: limit(30_000),
      orElse: () => Effect.andThen(child.signal("SIGKILL"), child.ended)
    }))
  )

/**
 * Waits for a condition, within a limit below that of a test of processes: then this fails, and names the condition.
 */
export const until = <E, R>(what: string, condition: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  condition.pipe(
    Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("20 millis") }),
    Effect.timeoutOrElse({
      duration: limit(100_000),
      orElse: () => Effect.die(new Error(`This did not happen in time: ${what}`))
    }),
    Effect.asVoid
  )

const launch = ({ env, name, onEnd, program, setup }: Launch): Child => {
  const child = spawn(process.execPath, ["--conditions=millrace-source", program], {
    env: { ...process.env, ...env, MILLRACE_SETUP: JSON.stringify(setup), NO_COLOR: "1" },
    stdio: ["pipe", "pipe", "pipe", "ipc"]
  })
  let output = ""
  const keep = (chunk: unknown) => output = (output + String(chunk)).slice(-1_000_000)
  const ready = Deferred.makeUnsafe<void>()
  const ended = Deferred.makeUnsafe<Ending>()
  const lines: Array<string> = []
  const readers: Array<(line: string) => void> = []
  child.stdin!.on("error", () => {})
  child.stderr!.on("data", keep)
  createInterface({ input: child.stdout! }).on("line", (line) => {
    keep(`${line}\n`)
    if (line === "ready") return void Deferred.doneUnsafe(ready, Exit.void)
    const reader = readers.shift()
    if (reader === undefined) lines.push(line)
    else reader(line)
  })
  child.once("close", (code, signal) => {
    onEnd?.({ code, signal })
    Deferred.doneUnsafe(ready, Exit.void)
    Deferred.doneUnsafe(ended, Exit.succeed({ code, signal }))
  })
  return {
    name,
    process: child,
    ready: Deferred.await(ready),
    ended: Deferred.await(ended),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    signal: (signal) => Effect.sync(() => void child.kill(signal)),
    line: Effect.callback((resume) => {
      const line = lines.shift()
      if (line === undefined) readers.push((line) => resume(Effect.succeed(line)))
      else resume(Effect.succeed(line))
    }),
    write: (line) => Effect.sync(() => void child.stdin!.write(`${line}\n`)),
    output: () => output,
    said: (text) => until(`"${text}" in the output of ${name}`, Effect.sync(() => output.includes(text)))
  }
}
