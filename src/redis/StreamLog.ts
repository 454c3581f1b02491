/**
 * Streams of Redis as a log: one stream for each shard, whose entries stay where they are. The store keeps the
 * positions, so Redis knows nothing about the readers.
 *
 * An entry that was removed before it was read is a loss. Every read looks for one, and fails permanently.
 */
import * as Effect from "effect/Effect"
import type * as Redis from "effect/persistence/Redis"
import { TransportError } from "../Errors.ts"
import { keyHash } from "../internal/KeyHash.ts"
import type { Log } from "../Store.ts"
import type { Wire } from "../wire/Wire.ts"
import * as Scripts from "./logScripts.ts"
import { requested } from "./RedisFailure.ts"
import { fromFields } from "./StreamEntry.ts"

/** The engine, as capabilities and errors name it. */
export const engine = "redis-log"

export interface Options {
  readonly stream: string
  readonly shards: number
  readonly blockMillis: number
  readonly requestMillis: number
  readonly wire: Wire
}

/** Returns the stream of a shard. A log of one shard is the stream itself. */
export const streamOf = ({ shards, stream }: Pick<Options, "shards" | "stream">, shard: number): string =>
  shards === 1 ? stream : `${stream}:${shard}`

/** Returns the shard of a key. The hash is the one of lanes, so that an operator's action on a key finds its lane. */
export const shardOf = ({ shards }: Pick<Options, "shards">, key: string): number => keyHash(key) % shards

/** A position: an id, how many entries were added up to it, and the highest id that was deleted before the begin. */
interface Position {
  readonly id: string
  readonly count: number
  readonly deleted: string
}

const textOf = ({ count, deleted, id }: Position): string => `${id} ${count} ${deleted}`
const parsed = (position: string): Position => {
  const [id = "0-0", count = "0", deleted = "0-0"] = position.split(" ")
  return { id, count: Number(count), deleted }
}

const permanent = (detail: string): TransportError =>
  new TransportError({ engine, operation: "read the stream", kind: "permanent", detail })

const old = permanent("the server is older than Redis 7.0, which does not count the entries of a stream")

/** How an operator continues after a loss. The inbox knows the ids of what was processed. */
const next = "To continue with the entries that are left, delete the positions of the consumer in the table logs; the "
  + "inbox keeps processed ones from happening again"

/** Returns the error of a stream whose unread entries are not all there, or undefined. */
const problemOf = (stream: string, answer: Scripts.Read): TransportError | undefined => {
  switch (answer[0]) {
    case "ok":
      return undefined
    case "old":
      return old
    case "missing":
      return permanent(`stream "${stream}" was deleted after it was read. ${next}`)
    case "other":
      return permanent(
        `stream "${stream}" does not have all entries that were read from it: it was created again, or the server has `
          + `lost entries. ${next}`
      )
    case "removed":
      return permanent(
        `${
          answer[1]
        } entries of stream "${stream}", or more, were removed before they were processed; look for XTRIM, MAXLEN `
          + `and XDEL. ${next}`
      )
  }
}

/** Returns the log of a topic on this connection. */
export const make = (redis: Redis.Redis["Service"], topic: string, options: Options): Log => {
  const { blockMillis, requestMillis, shards, wire } = options
  const request = requested(engine, requestMillis)
  const scripts = { begin: redis.eval(Scripts.begin), read: redis.eval(Scripts.read) }
  return {
    engine,
    name: `redis:${options.stream}/${shards}`,
    shards,
    begin: (shard) =>
      Effect.flatMap(
        request("read the stream", scripts.begin(streamOf(options, shard))),
        (answer) =>
          answer[0] === "old"
            ? Effect.fail(old)
            : Effect.succeed(textOf({ id: "0-0", count: answer[1], deleted: answer[2] }))
      ),
    read: (shard, after, most) => {
      const stream = streamOf(options, shard)
      const { count, deleted, id } = parsed(after)
      return Effect.flatMap(request("read the stream", scripts.read(stream, id, count, deleted, most)), (answer) => {
        const problem = problemOf(stream, answer)
        if (problem !== undefined || answer[0] !== "ok") return Effect.fail(problem ?? old)
        return Effect.succeed(answer[1].map(([id, fields], i) => ({
          position: textOf({ id, count: count + i + 1, deleted }),
          message: fromFields(wire, { stream, id, fields, topic })
        })))
      })
    },
    // The read has a connection of its own, since a read that waits holds up what is sent behind it.
    arrival: (after) => {
      const shards = [...after]
      return Effect.asVoid(
        requested(engine, requestMillis + blockMillis)(
          "wait for entries",
          Effect.scoped(Effect.flatMap(redis.reserve, (connection) =>
            connection.send(
              "XREAD",
              "COUNT",
              "1",
              "BLOCK",
              String(Math.floor(blockMillis)),
              "STREAMS",
              ...shards.map(([shard]) => streamOf(options, shard)),
              ...shards.map(([, position]) => parsed(position).id)
            )))
        )
      )
    }
  }
}
