/**
 * The world of one fault run: a schema, the messages published into it, the processes that work in it, and their
 * history.
 */
import { Effect, type Fiber, Redacted, type Scope } from "effect"
import type { SqlClient } from "effect/sql"
import { Store, type Transport, type Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { mkdtempSync } from "node:fs"
import { join } from "node:path"
import type { Report } from "../checker/Checker.ts"
import type { Entry } from "../checker/History.ts"
import { type Child, stop } from "../harness/child.ts"
import { orderOf } from "./brokers.ts"
import type { BrokerServer } from "./brokerServer.ts"
import * as Children from "./children.ts"
import type { WorkerSetup } from "./childSetup.ts"
import { Dice } from "./dice.ts"
import { type Piece, type PieceKind, piecesOf, readerOf, receiptsOf } from "./pieces.ts"
import type { Own, Server } from "./proxiedServer.ts"
import * as Tables from "./tables.ts"

export type Services = Store.Store | Transport.Transport | SqlClient.SqlClient

/** Settings of every run. */
export interface Setting {
  readonly url: string
  readonly seed: number
  /** Full counts are multiplied by this. */
  readonly scale: number
  /** Where histories are written. */
  readonly directory: string
  /** Workers are broken on purpose: the runs must see it. */
  readonly broken: boolean
  /** Say what happens while it happens. */
  readonly verbose: boolean
}

let worlds = 0

export class World implements Children.Nursery {
  readonly name: string
  readonly setting: Setting
  readonly url: string
  readonly schema: string
  readonly consumer: string
  readonly directory: string
  readonly dice: Dice
  readonly entries: Array<Entry> = []
  readonly files: Array<string> = []
  readonly options: Worker.WorkerOptions
  /** The main consumer, and others that were prepared; each with a queue of pieces and one of receipts. */
  readonly consumers: Array<string> = []
  readonly children: Array<Child> = []
  /** The checker's report, once there is one. */
  report: Report | undefined
  /** Whether an operator decides about dead letters, so that none is open in the end. */
  decides = false
  /** Whether that operator has redriven a dead letter. */
  hasRedriven = false
  /** Keys whose dead letters that operator leaves alone for now. */
  spared: RegExp | undefined
  /** Nothing more is published. */
  resting = false
  /** Nothing is published for now by those that keep workers busy. */
  paused = false
  /** Whether acknowledged messages are safe from every crash of the server. */
  durable = true
  /** How many servers there were by now. */
  servers = 1
  readonly loads: Array<Fiber.Fiber<unknown, unknown>> = []
  /** Messages that were published. */
  published = 0
  private readonly faults = new Map<string, number>()
  private readonly positions = new Map<string, number>()
  private names = 0

  /** The server, where it is this world's own. */
  readonly own: Own | undefined
  /** The broker, where the pieces go through one. */
  broker: BrokerServer | undefined

  constructor(setting: Setting, name: string, server: Server, options: Worker.WorkerOptions) {
    this.name = name
    this.setting = setting
    this.url = server.url
    this.own = server.own
    this.options = options
    this.schema = `faults_${process.pid}_${worlds++}`
    this.consumer = name.toLowerCase().replaceAll(/[^a-z]+/g, "-").replace(/^-/, "")
    this.directory = mkdtempSync(join(setting.directory, `${this.consumer}-`))
    this.dice = new Dice(setting.seed, name)
    this.record({ _tag: "RunStarted", seed: setting.seed, command: `faults --only "${name}" --seed ${setting.seed}` })
  }

  readonly record = (entry: Entry): void => {
    this.entries.push(entry)
  }

  /** A count of the full run, as large as this run is. */
  scaled(full: number): number {
    return Math.max(1, Math.round(full * this.setting.scale))
  }

  say(line: string): void {
    if (this.setting.verbose) console.log(`  ${(performance.now() / 1000).toFixed(1)} ${line}`)
  }

  /** A fault was injected by this process. */
  fault(name: string, target?: string, window?: string): void {
    this.faults.set(name, this.happened(name) + 1)
    this.say(`${name} ${this.happened(name)}${target === undefined ? "" : ` ${target}`}`)
    this.record({
      _tag: "FaultInjected",
      process: "parent",
      name,
      ...(target === undefined ? {} : { target }),
      ...(window === undefined ? {} : { window })
    })
  }

  happened(name: string): number {
    return this.faults.get(name) ?? 0
  }

  /** The next piece of a key. */
  piece(key: string, action: PieceKind, millis = 0): Piece {
    const position = (this.positions.get(key) ?? 0) + 1
    this.positions.set(key, position)
    return { id: `${key}:${position}`, key, position, action, millis }
  }

  nextName(kind: string): string {
    return `${kind}${++this.names}`
  }

  /** Starts a worker of the main consumer. */
  worker(more?: Partial<WorkerSetup>): Effect.Effect<Child, never, Scope.Scope> {
    return this.start({
      role: "worker",
      options: this.options,
      broken: this.setting.broken,
      ...this.told("w"),
      ...more
    })
  }

  /** The setup that every child has. */
  told(kind: string) {
    return {
      name: this.nextName(kind),
      url: this.url,
      schema: this.schema,
      consumer: this.consumer,
      faults: [],
      ...(this.broker === undefined ? {} : { broker: this.broker.broker })
    }
  }

  start(setup: Parameters<typeof Children.start>[1]): Effect.Effect<Child, never, Scope.Scope> {
    return Effect.tap(Children.start(this, setup), (child) => Effect.sync(() => this.children.push(child)))
  }

  /** Stops all children in good order; one that does not end is killed. */
  readonly stopAll: Effect.Effect<void> = Effect.suspend(() =>
    Effect.forEach(this.children.filter((child) => child.isRunning()), stop, {
      concurrency: "unbounded",
      discard: true
    })
  )
}

/** Services of the parent, on connections that no fault is aimed at. */
export const layer = (world: World, url = world.url) =>
  Postgres.layer({
    url: Redacted.make(url),
    schema: world.schema,
    maxConnections: 8,
    acquireTimeout: "20 seconds"
  })

/** Makes a consumer known, with its receipts' reader. */
export const register = Effect.fnUntraced(function*(world: World, consumer: string) {
  const store = yield* Store.Store
  const lanes = world.options.lanes ?? 16
  const topics = [piecesOf(consumer).name]
  const order = orderOf(world.broker?.broker)
  // Where the pieces go through a broker, only the relay reads the topic in the database.
  yield* store.consumers.register({ consumer, topics: world.broker === undefined ? topics : [], lanes, order })
  yield* store.consumers.register({
    consumer: readerOf(consumer),
    topics: [receiptsOf(consumer).name],
    lanes,
    order: "continue"
  })
  world.consumers.push(consumer)
  world.record({ _tag: "ConsumerRegistered", consumer, topics, order })
})

/** The main consumer, the ledger, and the triggers that number what the database does. */
export const prepare = Effect.fnUntraced(function*(world: World) {
  yield* Tables.create(world.schema)
  yield* register(world, world.consumer)
})
