/** Child processes of a fault run: their starts and ends stand in the history. */
import { Effect, type Scope } from "effect"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Entry } from "../checker/History.ts"
import * as Child from "../harness/child.ts"
import type { OperatorSetup, PublisherSetup, RelaySetup, Setup, StarterSetup, WorkerSetup } from "./childSetup.ts"

/** State that all children of a run share. */
export interface Nursery {
  readonly directory: string
  readonly record: (entry: Entry) => void
  /** Files of histories, in the order in which their processes began. */
  readonly files: Array<string>
}

type WithoutHistory<S extends Setup> = Omit<S, "history">
type Given =
  | WithoutHistory<WorkerSetup>
  | WithoutHistory<PublisherSetup>
  | WithoutHistory<OperatorSetup>
  | WithoutHistory<StarterSetup>
  | WithoutHistory<RelaySetup>

const program = fileURLToPath(new URL("fault-program.ts", import.meta.url))

/** Starts a child; it is killed when the scope closes, if it still runs. */
export const start = (nursery: Nursery, given: Given): Effect.Effect<Child.Child, never, Scope.Scope> =>
  Effect.suspend(() => {
    const { name } = given
    const history = join(nursery.directory, `${name}.jsonl`)
    nursery.files.push(history)
    const limits = given.role === "worker" ? { inFlight: given.options.concurrency, attempts: given.attempts } : {}
    nursery.record({ _tag: "ProcessStarted", process: name, limits })
    return Child.start({
      name,
      program,
      setup: { ...given, history },
      env: { NODE_COMPILE_CACHE: join(nursery.directory, "..", "compiled") },
      onEnd: ({ code, signal }) => nursery.record({ _tag: "ProcessEnded", process: name, code, signal })
    })
  })
