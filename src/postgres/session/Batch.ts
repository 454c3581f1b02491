/**
 * Sends several statements in one socket write with one Sync, and reads only their command tags.
 *
 * The driver sends each statement with a Sync of its own, resumes a fiber for each result, and decodes each row. For a
 * group of messages this cost more than the statements themselves (`test/bench/README.md`). The server runs the
 * statements of a batch in order, and skips the others after the first one that fails.
 *
 * The driver has no such call yet. So this file uses the driver's objects behind its public types, and looks at each
 * one before. Where any is missing, the statements travel as ordinary concurrent queries.
 *
 * @since 0.1.0
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import * as PgProtocol from "@effect/sql-pg/PgProtocol"
import * as Effect from "effect/Effect"
import * as SqlError from "effect/sql/SqlError"
import type { Duplex } from "node:stream"

/** One statement of a batch. */
export interface Sent {
  readonly sql: string
  readonly params: ReadonlyArray<unknown>
}

/** The result of one statement of a batch. */
export interface Answer {
  /** The command tag: `DELETE 250`, `COMMIT`. */
  readonly tag: string
  /** The first column of the first row, which must have the type `text`. Undefined without a row, or if it is null. */
  readonly text: string | undefined
}

/**
 * Runs the statements on a connection that has no other user. Fails with the error of the first statement that fails.
 * If the effect is interrupted, the statements still run, so the caller must discard the connection.
 */
export const run = (
  connection: PgConnection.PgConnection,
  statements: ReadonlyArray<Sent>,
  prepare: boolean
): Effect.Effect<ReadonlyArray<Answer>, SqlError.SqlError> => {
  const driver = driverOf(connection)
  return driver === undefined ? concurrently(connection, statements, prepare) : together(driver, statements, prepare)
}

/** Sends the statements as queries of their own. All of them are awaited, and the first failure is the result. */
const concurrently = (
  connection: PgConnection.PgConnection,
  statements: ReadonlyArray<Sent>,
  prepare: boolean
): Effect.Effect<ReadonlyArray<Answer>, SqlError.SqlError> =>
  Effect.flatMap(
    Effect.forEach(statements, ({ params, sql }) => Effect.exit(connection.query(sql, params, prepare)), {
      concurrency: "unbounded"
    }),
    (exits) =>
      Effect.forEach(exits, (exit) =>
        Effect.map(exit, ({ command, rowCount, rows: [row] }): Answer => {
          const text = row === undefined ? undefined : Object.values(row)[0]
          return { tag: `${command} ${rowCount}`, text: typeof text === "string" ? text : undefined }
        }))
  )

/** A statement that one connection has prepared under a name, as the driver's encoder sees it. */
interface Prepared {
  readonly name: string
  ready: boolean
  parsing: boolean
  readonly description: undefined
}

/** The names of a connection's prepared statements, as the driver's encoder asks for them. */
interface Cache {
  readonly get: (sql: string, types: ReadonlyArray<number>) => Prepared
  readonly takeCloses: () => { readonly frames: Uint8Array; readonly count: number } | undefined
}

/** One encoded statement, as the driver's encoder returns it. */
interface Plan {
  readonly frame: Uint8Array
  readonly parses: boolean
  readonly prepared: Prepared | undefined
}

type Message = PgProtocol.BackendMessage<Uint8Array | null>

/** The parts of the driver's connection that a batch uses. */
interface Driver {
  readonly encodeQuery: (sql: string, params: ReadonlyArray<unknown>, cache: Cache | undefined) => Plan
  readonly session: { readonly socket: Duplex; readonly parser: { readField: unknown } }
  readonly prepared: object | undefined
  readonly deadWith: SqlError.SqlError | undefined
  readonly fatal: (error: SqlError.SqlError) => void
  consumer:
    | { readonly onMessage: (message: Message) => void; readonly onFatal: (error: SqlError.SqlError) => void }
    | undefined
}

/** The key under which a connection of the driver keeps its internals. */
const internals = "~@effect/sql-pg/PgConnection/internals"

/** Returns the driver's connection, or undefined if it is not built as this file expects. */
const driverOf = (connection: PgConnection.PgConnection): Driver | undefined => {
  const { base } = (connection as { readonly [internals]?: { readonly base?: object } })[internals] ?? {}
  const driver = base as Partial<Driver> | undefined
  return typeof driver?.encodeQuery === "function" && typeof driver.fatal === "function" && "consumer" in driver
      && typeof driver.session?.socket?.write === "function" && typeof driver.session.parser === "object"
    ? driver as Driver
    : undefined
}

const maxNames = 100

/**
 * Names the statements that batches prepare on one connection. If there are more than `maxNames`, the least recently
 * used one is closed.
 */
class Names implements Cache {
  private readonly statements = new Map<string, Prepared>()
  private closes: Array<Uint8Array> = []
  private named = 0

  get(sql: string, types: ReadonlyArray<number>): Prepared {
    const key = `${sql}\0${types.join()}`
    const found = this.statements.get(key) ??
      { name: `millrace_${++this.named}`, ready: false, parsing: false, description: undefined }
    this.statements.delete(key)
    this.statements.set(key, found)
    if (this.statements.size > maxNames) this.closeOldest()
    return found
  }

  takeCloses() {
    const { closes } = this
    if (closes.length === 0) return undefined
    this.closes = []
    return { frames: Buffer.concat(closes), count: closes.length }
  }

  /** Forgets statements whose batch failed: the server may have them or not, so their names are closed. */
  failed(prepared: ReadonlyArray<Prepared>): void {
    for (const [key, each] of this.statements) if (prepared.includes(each)) this.close(key, each)
  }

  private closeOldest(): void {
    for (const [key, each] of this.statements) {
      if (each.parsing) continue
      return this.close(key, each)
    }
  }

  private close(key: string, { name }: Prepared): void {
    this.statements.delete(key)
    this.closes.push(PgProtocol.encodeClose({ target: "statement", name }))
  }
}

const names = new WeakMap<Driver, Names>()

const namesOf = (driver: Driver): Names => {
  const found = names.get(driver) ?? new Names()
  names.set(driver, found)
  return found
}

const sync = PgProtocol.encodeSync()

const together = (
  driver: Driver,
  statements: ReadonlyArray<Sent>,
  prepare: boolean
): Effect.Effect<ReadonlyArray<Answer>, SqlError.SqlError> =>
  Effect.callback((resume) => {
    if (driver.deadWith !== undefined) return resume(Effect.fail(driver.deadWith))
    const cache = prepare && driver.prepared !== undefined ? namesOf(driver) : undefined
    const plans: Array<Plan> = []
    const frames: Array<Uint8Array> = []
    try {
      for (const { params, sql } of statements) {
        const plan = driver.encodeQuery(sql, params, cache)
        plans.push(plan)
        frames.push(plan.frame.subarray(0, plan.frame.length - sync.length))
      }
    } catch (cause) {
      // Nothing was sent, so the names that were given out are not known to the server.
      cache?.failed(parsedBy(plans))
      return resume(Effect.fail(failure(cause, "it could not be encoded")))
    }
    frames.push(sync)
    driver.consumer = new Reader(driver, plans, cache, resume)
    driver.session.parser.readField = undefined
    driver.session.socket.write(Buffer.concat(frames))
  })

const parsedBy = (plans: ReadonlyArray<Plan>): ReadonlyArray<Prepared> =>
  plans.flatMap(({ parses, prepared }) => parses && prepared !== undefined ? [prepared] : [])

/** Reads the server's messages up to the end of the batch. */
class Reader {
  private readonly answers: Array<Answer> = []
  private text: string | undefined
  private rows = 0
  private failure: SqlError.SqlError | undefined
  private readonly driver: Driver
  private readonly plans: ReadonlyArray<Plan>
  private readonly cache: Names | undefined
  private readonly resume: (end: Effect.Effect<ReadonlyArray<Answer>, SqlError.SqlError>) => void

  constructor(
    driver: Driver,
    plans: ReadonlyArray<Plan>,
    cache: Names | undefined,
    resume: (end: Effect.Effect<ReadonlyArray<Answer>, SqlError.SqlError>) => void
  ) {
    this.driver = driver
    this.plans = plans
    this.cache = cache
    this.resume = resume
  }

  onFatal(error: SqlError.SqlError): void {
    // A server that ends the session says why before the connection closes.
    this.resume(Effect.fail(this.failure ?? error))
  }

  onMessage(message: Message): void {
    switch (message._tag) {
      case "DataRow": {
        const value = message.values[0]
        if (this.rows++ === 0 && value instanceof Uint8Array) this.text = decoder.decode(value)
        return
      }
      case "CommandComplete":
        return this.answered(message.commandTag)
      case "EmptyQueryResponse":
        return this.answered("")
      case "ErrorResponse":
        this.failure ??= failure(serverError(message.fields), message.fields.message ?? "")
        return
      case "ReadyForQuery":
        return this.end()
      default:
        // COPY needs an exchange of messages, which a batch does not have. So its connection is closed.
        if (message._tag.startsWith("Copy")) {
          this.driver.fatal(failure(new Error(message._tag), "COPY is not supported"))
        }
    }
  }

  private answered(tag: string): void {
    const prepared = this.plans[this.answers.length]?.prepared
    if (prepared !== undefined) {
      prepared.parsing = false
      prepared.ready = true
    }
    this.answers.push({ tag, text: this.text })
    this.text = undefined
    this.rows = 0
  }

  private end(): void {
    this.driver.consumer = undefined
    if (this.failure === undefined) return this.resume(Effect.succeed(this.answers))
    const unanswered = this.plans.slice(this.answers.length)
    // The first of these statements failed, perhaps because the server no longer knows its prepared name. The server
    // skipped the others.
    const first = unanswered[0]?.prepared
    this.cache?.failed([...parsedBy(unanswered), ...(first === undefined ? [] : [first])])
    this.resume(Effect.fail(this.failure))
  }
}

const decoder = new TextDecoder()

/** Returns the server's error with its fields. `PgFailure` reads `code` and `routine`. */
const serverError = (fields: PgProtocol.ErrorFields): Error =>
  Object.assign(new Error(fields.message), fields, { name: "PgError" })

const failure = (cause: unknown, message: string): SqlError.SqlError =>
  new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause, message, operation: "batch" }) })
