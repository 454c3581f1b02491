/**
 * The lanes of a consumer as the source of a broker sees them: which keys are diverted, and how messages move.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { keyHash } from "../../internal/KeyHash.ts"
import * as MessageId from "../../MessageId.ts"
import type { Moving, OverflowLanes } from "../../Store.ts"
import * as PgFailure from "../session/PgFailure.ts"
import * as Sql from "../sql/overflow.ts"
import * as UnsettledSql from "../sql/unsettled.ts"
import { columns } from "./LogReader.ts"
import type { HoldParts } from "./PgHold.ts"
import type { PgRemoval } from "./PgSettlement.ts"
import type { Wake } from "./Wake.ts"

/**
 * The most messages of one key that wait in the lanes. Above it, later ones stay at the broker, so a parked key fills
 * no disk of the database.
 */
export const mostOfKey = 10_000

const paramsOf = (moving: ReadonlyArray<Moving>): ReadonlyArray<unknown> => [
  ...columns(moving.map(({ message }) => message)),
  moving.map(({ attempts }) => JSON.stringify(attempts)),
  moving.map(({ crashCount }) => crashCount),
  moving.map(({ crashedAlone }) => crashedAlone),
  moving.map(({ message }) => MessageId.ofMessage(message)),
  moving.map(({ message }) => keyHash(message.key))
]

export const make = ({ db, lanes, names, reader, spec: { consumer } }: HoldParts, wake: Wake): OverflowLanes => {
  const text = Sql.make(names)
  const unsettled = UnsettledSql.make(names)
  return {
    paused: () => lanes.paused,
    divert: (moving, which) =>
      Effect.mapBoth(db.machinery(text.divert, [consumer, mostOfKey, ...paramsOf(moving), which]), {
        onFailure: PgFailure.transportError("move messages into the lanes"),
        onSuccess: (rows) => {
          if (which !== "none" && rows.length > 0) wake.published(Number(rows[0]!["queue"]))
          const found = new Map(
            rows.map((row) => [Number(row["nth"]), row["room"] === true ? "moved" : "full"] as const)
          )
          return moving.map((_, i) => found.get(i + 1))
        }
      }),
    diverted: (keys) =>
      Effect.mapBoth(db.within(text.diverted, [consumer, keys]), {
        onFailure: PgFailure.transportError("look for diverted keys"),
        onSuccess: (rows) => new Set(rows.map((row) => String(row["key"])))
      }),
    removal: (keys) => {
      const settle = { sql: unsettled.settleAll, params: [consumer, lanes.queue] }
      const check = { sql: text.undiverted, params: [consumer, keys] }
      return { queue: lanes.queue, statements: keys.length === 0 ? [settle] : [settle, check] } satisfies PgRemoval
    },
    hold: ({ committed, hold, message, moving }) =>
      Effect.mapError(
        Effect.flatMap(
          db.within(text.hold, [
            consumer,
            message.key,
            keyHash(message.key),
            hold._tag === "Parked" ? null : Duration.toMillis(hold.delay),
            message.id,
            MessageId.ofMessage(message),
            ...paramsOf(moving)
          ]),
          ([row]) =>
            row === undefined ? Effect.succeed(false) : Effect.as(
              db.sql.afterCommit(Effect.sync(() => {
                reader.held(message)
                committed()
                wake.published(Number(row["queue_id"]))
              })),
              true
            )
        ),
        PgFailure.transportError("hold a key")
      )
  }
}
