/**
 * A group of a Redis stream as the subscription of a broker sees it.
 *
 * Redis has no lease of its own. An entry is pending under a consumer, and its idle time says since when. A read claims
 * entries that have been idle for a lease, and a renewal sets the idle time to zero. An entry that is given back
 * counts as idle for a lease, so that the next read claims it.
 *
 * An entry that was removed before it was acknowledged is a loss. Every read looks for one, and fails permanently.
 */
import * as Effect from "effect/Effect"
import type * as Redis from "effect/persistence/Redis"
import { TransportError } from "../Errors.ts"
import type * as BrokerQueue from "../internal/broker/BrokerQueue.ts"
import { requested } from "./RedisFailure.ts"
import * as Scripts from "./streamScripts.ts"

/** The engine, as capabilities and errors name it. */
export const engine = "redis-group"

/** An entry that was delivered. */
export interface Received extends BrokerQueue.Received {
  readonly fields: ReadonlyArray<string>
}

/** The most entries of a request. */
const batchSize = 100

export interface Options {
  readonly stream: string
  readonly group: string
  /** The name of this run of the worker, of `consumerOf`. */
  readonly consumer: string
  readonly leaseMillis: number
  /** Whether an acknowledged entry is deleted. */
  readonly deletes: boolean
  readonly requestMillis: number
}

/** Returns the name of a worker as a consumer of its group. It says the lease, which all workers of a group share. */
export const consumerOf = (worker: string, leaseMillis: number): string => `${worker} lease=${leaseMillis}`

/**
 * Returns the lease of a live consumer that has another one, in milliseconds, or undefined if there is none.
 *
 * Each worker claims entries that were idle for its own lease. So a shorter lease takes entries away that a worker
 * still has. A consumer is live if it was active within its lease.
 */
export const otherLease = (
  consumers: ReadonlyArray<readonly [name: string, idle: number]>,
  leaseMillis: number
): number | undefined =>
  consumers.flatMap(([name, idle]) => {
    const found = Number(/ lease=([\d.]+)$/.exec(name)?.[1] ?? leaseMillis)
    return found !== leaseMillis && idle < found ? [found] : []
  })[0]

const handleOf = (id: string, deliveries: number): string => `${id} ${deliveries}`
const idOf = (handle: string): string => handle.slice(0, handle.indexOf(" "))
const counterOf = (handle: string): number => Number(handle.slice(handle.indexOf(" ") + 1))

const received = ([id, deliveries, fields]: Scripts.Entry): Received => ({
  messageId: id,
  handle: handleOf(id, deliveries),
  groupId: undefined,
  sequence: undefined,
  receiveCount: deliveries,
  fields
})

const permanent = (operation: string, detail: string): TransportError =>
  new TransportError({ engine, operation, kind: "permanent", detail })

/** Returns the error of a group that cannot be read, or undefined if it can. Each detail says what an operator does. */
export const problemOf = (
  { group, stream }: Pick<Options, "group" | "stream">,
  answer: Scripts.Read
): TransportError | undefined => {
  const names = `${stream} ${group}`
  switch (answer[0]) {
    case "missing":
      return missing({ group, stream })
    case "old":
      return permanent(
        "read the stream",
        "the server is older than Redis 7.0, which does not count what a group has read"
      )
    case "trimmed":
      return removed({ group, stream }, `entry ${answer[1]} and perhaps others`)
    case "unread": {
      const [, count, last, read] = answer
      return permanent(
        "read the stream",
        `${count} entries of stream "${stream}" were removed before group "${group}" read them; look for XTRIM, MAXLEN and `
          + `XDEL. To continue without them, run XGROUP SETID ${names} ${last} ENTRIESREAD ${read}`
      )
    }
    case "ok":
      return answer[3].length === 0 ? undefined : removed({ group, stream }, `entry ${answer[3][0]} and perhaps others`)
  }
}

const missing = ({ group, stream }: Pick<Options, "group" | "stream">): TransportError =>
  permanent(
    "read the stream",
    `stream "${stream}" or its group "${group}" does not exist, or was deleted. `
      + `Create it by XGROUP CREATE ${stream} ${group} 0 MKSTREAM`
  )

const removed = ({ group, stream }: Pick<Options, "group" | "stream">, what: string): TransportError =>
  permanent(
    "read the stream",
    `${what} of stream "${stream}" were removed before group "${group}" had processed them; look for XTRIM, MAXLEN and `
      + `XDEL. To continue without them, run XAUTOCLAIM ${stream} ${group} operator 0 0-0 COUNT 1000 JUSTID`
  )

/** Returns the entries of one stream in an answer to XREADGROUP, which is a list or an object of streams. */
const entriesOf = (answer: unknown): ReadonlyArray<Scripts.Entry> => {
  if (typeof answer !== "object" || answer === null) return []
  const [entries = []] = Array.isArray(answer)
    ? answer.map((one: ReadonlyArray<unknown>) => one[1])
    : Object.values(answer)
  return (entries as ReadonlyArray<readonly [string, ReadonlyArray<string>]>).map(([id, fields]) => [id, 1, fields])
}

/** Returns the queue of a group on this connection. */
export const make = (redis: Redis.Redis["Service"], options: Options): BrokerQueue.BrokerQueue<Received> => {
  const { consumer, deletes, group, leaseMillis, requestMillis, stream } = options
  const scripts = {
    read: redis.eval(Scripts.read),
    keep: redis.eval(Scripts.keep),
    acknowledge: redis.eval(Scripts.acknowledge)
  }
  /** Sends a request. If the group was deleted, replaces the error of Redis by one that names the command to run. */
  const within = (millis: number) => <A>(operation: string, send: Effect.Effect<A, Redis.RedisError>) =>
    Effect.mapError(
      requested(engine, millis)(operation, send),
      (error) => error.detail.startsWith("NOGROUP") ? missing(options) : error
    )
  const request = within(requestMillis)
  let cursor = "0-0"
  let lost: TransportError | undefined

  /** Waits for new entries on a connection of its own, since a read that waits holds up what is sent behind it. */
  const waited = (most: number, waitMillis: number) =>
    within(requestMillis + waitMillis)(
      "read the stream",
      Effect.scoped(Effect.flatMap(redis.reserve, (connection) =>
        connection.send(
          "XREADGROUP",
          "GROUP",
          group,
          consumer,
          "COUNT",
          String(most),
          "BLOCK",
          String(Math.floor(waitMillis)),
          "STREAMS",
          stream,
          ">"
        )))
    ).pipe(Effect.map((answer) => entriesOf(answer).map(received)))

  const change = (
    operation: string,
    next: string,
    deliveries: ReadonlyArray<readonly [handle: string, idle: number]>
  ) =>
    request(
      operation,
      scripts.keep(
        stream,
        group,
        consumer,
        next,
        deliveries.map(([handle, idle]) => [idOf(handle), counterOf(handle), idle] as const)
      )
    ).pipe(Effect.map((results) =>
      results.map((result, i): BrokerQueue.EntryFailure | undefined => {
        if (result === 0) return { outcome: "refused", detail: "another worker has it, or it is acknowledged" }
        // No other worker can get a removed entry. So this one keeps it and may commit it, and the next read says it.
        if (result === 2) lost = removed(options, `entry ${idOf(deliveries[i]![0])}`)
        return undefined
      })
    ))

  return {
    engine,
    ordered: false,
    batchSize,
    waitUnitMillis: 1,
    lingerMillis: 5,
    ceilingMillis: Infinity,
    ceilingReason: "a group keeps no message back until an operator decides",
    receive: ({ leaseMillis: lease, most, waitMillis }) =>
      Effect.gen(function*() {
        if (lost !== undefined) return yield* lost
        const answer = yield* request("read the stream", scripts.read(stream, group, consumer, lease, most, cursor))
        const problem = problemOf(options, answer)
        if (problem !== undefined) return yield* problem
        if (answer[0] !== "ok") return []
        cursor = answer[1]
        const entries = answer[2].map(received)
        return entries.length > 0 || waitMillis < 1 ? entries : yield* waited(most, waitMillis)
      }),
    renew: (entries) => change("renew leases", consumer, entries.map(({ handle }) => [handle, 0])),
    hide: (entries) =>
      change(
        "give messages back",
        Scripts.returned,
        entries.map(({ handle, millis }) => [handle, Math.max(0, Math.floor(leaseMillis - millis))])
      ),
    remove: (handles) =>
      Effect.as(
        request("acknowledge messages", scripts.acknowledge(stream, group, deletes, handles.map(idOf))),
        handles.map(() => undefined)
      )
  }
}
