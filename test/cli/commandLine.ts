/** Shared by the tests of the command line: the real commands in this process, with streams that a test reads. */
import { NodeServices } from "@effect/platform-node"
import { ConfigProvider, Effect, Fiber, Layer, Result, Schema, Sink, Stdio, Stream, Terminal } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { Pipeline, Retry, Topic, Worker } from "millrace"
import { run } from "../../src/cli/Cli.ts"

/** The end of a command: its exit code, and the bytes that it wrote. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** Whether all streams are a terminal, and the lines that the operator types. */
  readonly terminal?: { readonly types: ReadonlyArray<string> }
  /** Interrupts the command when this effect has completed, as a signal does. */
  readonly interruptedAfter?: Effect.Effect<unknown>
}

/** Runs the real command of these arguments. Interrupting this effect interrupts the command. */
export const millrace = Effect.fnUntraced(
  function*(args: ReadonlyArray<string>, around: Surroundings = {}): Effect.fn.Return<Ended> {
    const out: Array<string> = []
    const err: Array<string> = []
    const into = (texts: Array<string>) => () =>
      Sink.forEach((part: string | Uint8Array) =>
        Effect.sync(() => texts.push(typeof part === "string" ? part : Buffer.from(part).toString("utf8")))
      )
    const isTerminal = Effect.succeed(around.terminal !== undefined)
    const typed = [...around.terminal?.types ?? []]
    const streams = Layer.merge(
      Stdio.layerTest({
        stdinIsTerminal: isTerminal,
        stdoutIsTerminal: isTerminal,
        stderrIsTerminal: isTerminal,
        stdin: Stream.make(new TextEncoder().encode(around.stdin ?? "")),
        stdout: into(out),
        stderr: into(err)
      }),
      Layer.succeed(
        Terminal.Terminal,
        Terminal.make({
          columns: Effect.succeed(80),
          rows: Effect.succeed(24),
          size: Effect.die("unused"),
          readInput: Effect.never,
          readLine: Effect.suspend(() => {
            const line = typed.shift()
            return line === undefined ? Effect.fail(new Terminal.QuitError({})) : Effect.succeed(line)
          }),
          display: () => Effect.void
        })
      )
    )
    const environment = ConfigProvider.layer(ConfigProvider.fromUnknown({ USER: "anna", ...around.env }))
    const services = Layer.provideMerge(
      TerminalCapabilities.layer,
      Layer.mergeAll(NodeServices.layer, streams, environment)
    )
    const running = yield* Effect.forkChild(Effect.result(Effect.provide(run("1.2.3")(args), services)))
    if (around.interruptedAfter !== undefined) {
      yield* Effect.raceFirst(around.interruptedAfter, Fiber.await(running))
      yield* Fiber.interrupt(running)
      return { code: 130, stdout: out.join(""), stderr: err.join("") }
    }
    const ended = yield* Fiber.join(running)
    const code = Result.isSuccess(ended) ? 0 : ended.failure.code
    return { code, stdout: out.join(""), stderr: err.join("") }
  }
)

/** The document of `--json`. */
export const documentOf = ({ stdout }: Ended): { readonly schema: number; readonly asOf: string; readonly data: any } =>
  JSON.parse(stdout)

export class Declined extends Schema.TaggedError<Declined>()("Declined", { retryable: Schema.Boolean }) {}

/** Makes a consumer that refuses the keys beginning with "bad", and delays those beginning with "slow". */
export const ledger = (name: string, order: "park" | "continue" = "park") => {
  const Payments = Topic.make(`payments-${name}`, {
    schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Finite }),
    key: ({ account }) => account,
    id: ({ id }) => id
  })
  const pipeline = (fails: { current: boolean } = { current: true }) =>
    Pipeline.from(Payments, { consumer: name }).pipe(
      Pipeline.tap(({ account, cents }) =>
        !fails.current || cents > 1_000
          ? Effect.void
          : account.startsWith("bad")
          ? Effect.fail(new Declined({ retryable: false }))
          : account.startsWith("slow")
          ? Effect.fail(new Declined({ retryable: true }))
          : Effect.void
      ),
      Pipeline.retry(Retry.exponential("1 hour", { attempts: 8 }), {
        while: (error) => !(error instanceof Declined) || error.retryable
      }),
      Pipeline.deadLetter({ order })
    )
  /** Publishes messages whose account is their id without the digits at its end. */
  const publish = (...ids: ReadonlyArray<string>) =>
    Topic.publishAll(
      Payments,
      ids.map((id) => ({ id: `${name}-${id}`, account: id.replace(/\d+$/, ""), cents: 100 }))
    )
  const drain = (fails?: { current: boolean }) => Worker.drain(pipeline(fails), { codeVersion: "1.4.2" })
  return { Payments, pipeline, publish, drain, name }
}
