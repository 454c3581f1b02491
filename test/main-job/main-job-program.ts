/** Runs the main job as a user does: a process of its own, its output, its signals, and its end. */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { root } from "../scripts/run.ts"

export interface Program {
  /** Everything written so far, both streams. */
  readonly output: () => string
  /** Waits until the output matches; dies when the process ends before. */
  readonly shows: (pattern: RegExp) => Effect.Effect<void>
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  /** The exit code; a signal counts as 128. */
  readonly code: Effect.Effect<number>
}

/** Starts it in a checkout, by default this one. The process is killed at the latest when the scope ends. */
export const start = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
  folder = root
): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => launch(args, env, folder)),
    (program) => Effect.andThen(program.signal("SIGKILL"), program.code)
  )

const launch = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>, folder: string): Program => {
  const { DATABASE_URL: _, ...inherited } = process.env
  const child = spawn(
    process.execPath,
    ["--conditions=millrace-source", "examples/main-job/main.ts", ...args],
    { cwd: folder, env: { ...inherited, ...env }, stdio: ["ignore", "pipe", "pipe"] }
  )
  let output = ""
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => output += text)
  let ended: number | undefined
  const end = new Promise<number>((resolve) => child.once("close", (code) => resolve(ended = code ?? 128)))
  return {
    output: () => output,
    shows: Effect.fnUntraced(function*(pattern) {
      while (!pattern.test(output)) {
        if (ended !== undefined) return yield* Effect.die(new Error(`ended (${ended}) before ${pattern}:\n${output}`))
        yield* Effect.sleep("20 millis")
      }
    }),
    signal: (name) => Effect.sync(() => void (ended === undefined && child.kill(name))),
    code: Effect.promise(() => end)
  }
}

/** Runs it to its end. */
export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.scoped(Effect.gen(function*() {
    const program = yield* start(args, env)
    const code = yield* program.code
    return { code, output: program.output() }
  }))
