/**
 * A worker process for tests. Its messages say what their handler does. Each is written into a ledger in the message's
 * own transaction. The ledger has no unique constraint: the database must not hide errors of the worker.
 *
 * Started by `workers.ts` with a setup. Prints `ready` when it runs, and then what it does.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Retry, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { given } from "../harness/given.ts"

export interface Setup {
  readonly url: string
  readonly schema: string
  readonly name: string
  readonly consumer: string
  readonly options: Worker.WorkerOptions
  readonly delivery?: Pipeline.DeliveryMode | undefined
  readonly retry?: { readonly base: string; readonly attempts: number } | undefined
}

export const Work = Schema.Struct({
  id: Schema.String,
  key: Schema.String,
  position: Schema.Int,
  /** The action of the handler: nothing, wait before or inside of the transaction, end the process, always fail. */
  action: Schema.Literals(["none", "wait", "waitInCommit", "exit", "fail"]),
  millis: Schema.Int
})

export const topicOf = (consumer: string) =>
  Topic.make(`${consumer}-work`, { schema: Work, key: (work) => work.key, id: (work) => work.id })

export class Refused extends Schema.TaggedError<Refused>()("Refused", { id: Schema.String }) {}

/** The steps of a message, the same in every delivery mode. */
const handled = <M extends Pipeline.DeliveryMode>(setup: Setup, delivery: M) =>
  Pipeline.from(topicOf(setup.consumer), { consumer: setup.consumer, delivery }).pipe(
    Pipeline.tap((work) => {
      if (work.action !== "exit") process.stdout.write(`start ${work.id}\n`)
      switch (work.action) {
        case "wait":
          return Effect.sleep(work.millis)
        case "exit":
          return Effect.sync(() => process.kill(process.pid, "SIGKILL"))
        case "fail":
          return Effect.fail(new Refused({ id: work.id }))
        default:
          return Effect.void
      }
    }),
    Pipeline.commit((work, context) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`insert into ${sql(setup.schema)}.test_ledger (id, key, position, worker, attempt)
          values (${work.id}, ${work.key}, ${work.position}, ${setup.name}, ${context.attempt})`
        if (work.action === "waitInCommit") {
          process.stdout.write(`inside ${work.id}\n`)
          yield* Effect.sleep(work.millis)
        }
      })
    )
  )

const pipelineOf = (setup: Setup) =>
  handled(setup, setup.delivery === "atLeastOnce" ? "atLeastOnce" : "effectivelyOnce").pipe(
    Pipeline.retry(
      Retry.exponential((setup.retry?.base ?? "50 millis") as "50 millis", { attempts: setup.retry?.attempts ?? 3 })
    )
  )

const setup = given<Setup>()
if (setup !== undefined) {
  const settings = { ...setup.options, name: setup.name }
  const worker = setup.delivery === "atMostOnce"
    ? Worker.layer(handled(setup, "atMostOnce"), settings)
    : Worker.layer(pipelineOf(setup), settings)
  const program = worker.pipe(
    Layer.tap(() => Effect.sync(() => process.stdout.write("ready\n"))),
    Layer.provide(Postgres.layer({ url: Redacted.make(setup.url), schema: setup.schema })),
    Worker.launch
  )
  NodeRuntime.runMain(program, { teardown: Worker.teardown })
}
