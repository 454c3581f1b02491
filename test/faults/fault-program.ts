/**
 * A child process of a fault run: a worker, a publisher, an operator or a starter of workers, over real Postgres. It
 * injects the faults that its parent planned. It prints `ready` when it runs, and writes its history as it happens.
 *
 * Imports are deep, since a run starts hundreds of these.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { DeadLetters, Relay, Store, Topic, Transport, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { appendFileSync, openSync, writeSync } from "node:fs"
import { createInterface } from "node:readline"
import type { Entry } from "../checker/History.ts"
import { given } from "../harness/given.ts"
import * as Broken from "./broken.ts"
import type { Broker } from "./brokers.ts"
import type { OperatorSetup, PublisherSetup, RelaySetup, Setup, StarterSetup, WorkerSetup } from "./childSetup.ts"
import * as Faults from "./Faults.ts"
import { piecesOf, tried } from "./pieces.ts"
import * as Pipelines from "./pipeline.ts"

const setup = given<Setup>() ?? {} as Setup
const file = openSync(setup.history, "a")
const record = (entry: Entry) => void writeSync(file, `${JSON.stringify(entry)}\n`)
const say = (line: string) => Effect.sync(() => void process.stdout.write(`${line}\n`))
const windowOf = new Map<Faults.Moment, string>(Object.entries(Faults.windows).map(([window, at]) => [at, window]))

const plan: Faults.Plan = {
  faults: setup.faults,
  note: (hit) => {
    const window = windowOf.get(hit.moment)
    record({
      _tag: "FaultInjected",
      process: setup.name,
      name: hit.action === "Kill" ? "SIGKILL" : `${hit.action} ${hit.moment}`,
      target: setup.name,
      ...(window === undefined ? {} : { window })
    })
  }
}

type More = Pick<WorkerSetup, "broken" | "commitTimeoutMillis" | "retention">

const postgres = (own: Setup, more?: More) =>
  Postgres.layer({
    url: Redacted.make(own.url),
    schema: own.schema,
    commitTimeout: more?.commitTimeoutMillis,
    retention: more?.retention,
    acquireTimeout: "5 seconds"
  })

/** The ports with the planned faults, and broken if the worker is to be. */
const faulty = <O, E, R>(ports: Layer.Layer<O, E, R>, more?: More) =>
  Faults.layer(plan).pipe(
    Layer.provideMerge(more?.broken === true ? Broken.layer.pipe(Layer.provideMerge(ports)) : ports)
  )

const database = (own: Setup, more?: More) => faulty(postgres(own, more), more)

const broker = (of: Broker) =>
  Layer.unwrap(Effect.map(Effect.promise(() => import("./brokerTransport.ts")), ({ layer }) => layer(of)))

const ofPieces = (self: Pipelines.Self, options: Worker.WorkerOptions) =>
  Worker.layer(Pipelines.pieces(self), { ...options, name: self.name })

const ofReceipts = (self: Pipelines.Self, options: Worker.WorkerOptions) =>
  Worker.layer(Pipelines.receipts(self), { ...options, name: self.name })

/** Sets the wall clock of this process, for all code in it. */
const setClock = ({ jumpEveryMillis, offMillis }: NonNullable<WorkerSetup["clock"]>) => {
  const right = Date.now
  Date.now = () => right() + (Math.floor(performance.now() / jumpEveryMillis) % 2 === 0 ? offMillis : 0)
}

/** Receipts wait in the database, also if the pieces wait in a broker. */
const worker = (own: WorkerSetup) => {
  const self = { ...own, record }
  const sound = postgres(own, own)
  const ofDatabase = faulty(sound, own)
  const ports = own.broker === undefined
    ? ofDatabase
    : faulty(broker(own.broker).pipe(Layer.provideMerge(sound)), own)
  return Layer.merge(
    Layer.provide(ofPieces(self, own.options), ports),
    Layer.provide(ofReceipts(self, own.options), ofDatabase)
  ).pipe(
    Layer.tap(() => say("ready")),
    Worker.launch
  )
}

/** Relays slowly, and lists what the broker has confirmed. */
const relay = (own: RelaySetup) => {
  const pause = Effect.flatMap(Random.nextIntBetween(0, own.slowMillis), (millis) => Effect.sleep(millis))
  const slow = Layer.effect(
    Transport.Transport,
    Effect.map(Transport.Transport, (transport) => ({
      ...transport,
      publish: (messages) =>
        pause.pipe(
          Effect.andThen(transport.publish(messages)),
          Effect.andThen(
            Effect.sync(() => appendFileSync(own.published, messages.map(({ id }) => `${id}\n`).join("")))
          ),
          Effect.andThen(pause)
        )
    }))
  ).pipe(Layer.provide(broker(own.broker)))
  return Relay.layer(piecesOf(own.consumer), slow, own.options).pipe(
    Layer.tap(() => say("ready")),
    Layer.provide(postgres(own)),
    Worker.launch
  )
}

const publisher = (own: PublisherSetup) =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    yield* say("ready")
    for (const [n, batch] of own.batches.entries()) {
      for (const piece of batch) record(tried(own.name, own.consumer, piece, `${own.name}.${n}`))
      const publish = Topic.publishAll(piecesOf(own.consumer), batch)
      const exit = yield* Effect.exit(own.inTransaction ? store.transact(publish) : publish)
      const answer = Exit.isSuccess(exit) ? "acknowledged" : "unknown"
      for (const { id } of batch) record({ _tag: "PublishAnswered", process: own.name, id, answer })
    }
  }).pipe(Effect.provide(database(own)))

const operator = (own: OperatorSetup) =>
  Effect.gen(function*() {
    yield* say("ready")
    // So that a connection is open, and a redrive's first statement goes out at once.
    yield* DeadLetters.list({ consumer: own.consumer, limit: 1 })
    for (const { id, key, deadLetterId } of own.deadLetters) {
      const by = { by: own.name }
      yield* own.decision === "redrive" ? DeadLetters.redrive(deadLetterId, by) : DeadLetters.discard(deadLetterId, by)
      record({ _tag: "OperatorActed", process: own.name, action: own.decision, consumer: own.consumer, id, key })
    }
  }).pipe(Effect.provide(database(own)))

/**
 * Starts workers for each database named on the input, all at once, each with a database layer of its own. An empty
 * line ends them.
 */
const starter = (own: StarterSetup) =>
  Effect.gen(function*() {
    const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
    const next = Effect.map(Effect.promise(() => lines.next()), (line) =>
      line.done === true ? undefined : String(line.value))
    yield* say("ready")
    while (true) {
      const line = yield* next
      if (line === undefined) {
        return
      }
      const there: Pick<StarterSetup, "url" | "consumer"> = JSON.parse(line)
      const scope = yield* Scope.make()
      const one = (i: number) => {
        const self = { ...own, ...there, name: `${own.name}.${i}`, record }
        const layer = ofPieces(self, own.options).pipe(Layer.provide(database({ ...own, ...there })))
        return Effect.forkChild(Effect.exit(Layer.buildWithScope(Layer.fresh(layer), scope)))
      }
      const starting = yield* Effect.forEach(
        Array.from({ length: own.layers }, (_, i) =>
          i),
        one
      )
      const exits = yield* Effect.forEach(starting, Fiber.join)
      const started = exits.filter(Exit.isSuccess).length
      for (const exit of exits) if (Exit.isFailure(exit)) yield* Effect.logError("a worker did not start", exit.cause)
      yield* say(`started ${started}`)
      yield* next
      yield* Scope.close(scope, Exit.void)
      yield* say("stopped")
    }
  })

if (setup.role === "worker" && setup.clock !== undefined) setClock(setup.clock)

const program = (): Effect.Effect<unknown, unknown> => {
  switch (setup.role) {
    case "worker":
      return worker(setup)
    case "publisher":
      return publisher(setup)
    case "operator":
      return operator(setup)
    case "starter":
      return starter(setup)
    case "relay":
      return relay(setup)
  }
}

// A parent that is gone must not leave children behind.
const orphaned = Deferred.makeUnsafe<void>()
process.on("disconnect", () => Deferred.doneUnsafe(orphaned, Exit.void))
process.channel?.unref()
// The parent reads the output line by line, so log lines go to the other stream.
const quietly = Effect.provideService(program(), Logger.LogToStderr, true)
NodeRuntime.runMain(Effect.raceFirst(quietly, Deferred.await(orphaned)), { teardown: Worker.teardown })
