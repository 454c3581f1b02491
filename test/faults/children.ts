/** Child processes of a fault run: started, signalled, awaited; their lives and deaths stand in the history. */
import { Deferred, Effect, Exit, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Entry } from "../checker/History.ts"
import type { OperatorSetup, PublisherSetup, Setup, StarterSetup, WorkerSetup } from "./setup.ts"

export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Child {
  readonly name: string
  readonly process: ChildProcess
  /** It has said that it runs, or it has ended before. */
  readonly ready: Effect.Effect<void>
  readonly ended: Effect.Effect<Ending>
  readonly isRunning: () => boolean
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** The next line of its output. */
  readonly line: Effect.Effect<string>
  readonly write: (line: string) => Effect.Effect<void>
  /** The end of what it printed, for a report. */
  readonly output: () => string
}

/** What all children of a run have in common. */
export interface Nursery {
  readonly directory: string
  readonly record: (entry: Entry) => void
  /** Files of histories, in the order in which their processes began. */
  readonly files: Array<string>
}

type Told<S extends Setup> = Omit<S, "history">

const program = fileURLToPath(new URL("program.ts", import.meta.url))

/** Starts a child; it is killed when the scope closes, if it still runs. */
export const start = (
  nursery: Nursery,
  told: Told<WorkerSetup> | Told<PublisherSetup> | Told<OperatorSetup> | Told<StarterSetup>
): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => launch(nursery, told)),
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
      duration: "30 seconds",
      orElse: () => Effect.andThen(child.signal("SIGKILL"), child.ended)
    }))
  )

const launch = (nursery: Nursery, told: Parameters<typeof start>[1]): Child => {
  const { name } = told
  const history = join(nursery.directory, `${name}.jsonl`)
  nursery.files.push(history)
  const limits = told.role === "worker" ? { inFlight: told.options.concurrency, attempts: told.attempts } : {}
  nursery.record({ _tag: "ProcessStarted", process: name, limits })
  const child = spawn(process.execPath, ["--conditions=millrace-source", program], {
    env: {
      ...process.env,
      MILLRACE_FAULTS: JSON.stringify({ ...told, history }),
      NODE_COMPILE_CACHE: join(nursery.directory, "..", "compiled"),
      NO_COLOR: "1"
    },
    stdio: ["pipe", "pipe", "pipe", "ipc"]
  })
  let output = ""
  const keep = (chunk: unknown) => output = (output + String(chunk)).slice(-20_000)
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
    nursery.record({ _tag: "ProcessEnded", process: name, code, signal })
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
    output: () => output
  }
}
