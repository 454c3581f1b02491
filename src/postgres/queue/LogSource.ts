/**
 * A log as the source beside the lanes. Its entries are under the leases of the lanes, one lane for each shard.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Source } from "../../Store.ts"
import type { Subscription } from "../../Transport.ts"
import * as PgFailure from "../session/PgFailure.ts"
import * as LogArrivals from "./LogArrivals.ts"
import { holdEntry } from "./LogHold.ts"
import { isLogReceipt } from "./LogLane.ts"
import type { LogReader } from "./LogReader.ts"
import type { HoldParts } from "./PgHold.ts"

export const make = Effect.fnUntraced(function*(
  parts: HoldParts,
  reader: LogReader
): Effect.fn.Return<Source, never, Scope.Scope> {
  const arrivals = yield* LogArrivals.make(reader)
  const ended = (state: "done" | "waiting"): Subscription["acknowledge"] => (deliveries) =>
    Effect.sync(() => {
      for (const delivery of deliveries) reader.ended(delivery, state)
    })
  return {
    has: ({ receipt }) => isLogReceipt(receipt),
    poll: (demand, accept) =>
      Effect.mapError(
        reader.poll(demand, accept),
        (error) => error._tag === "SqlError" ? PgFailure.transportError("read messages")(error) : error
      ),
    // During a pause unread entries stay unread, so a wait for new ones would end at once.
    arrival: Effect.suspend(() =>
      reader.paused ? reader.roomAgain.await : Effect.raceFirst(arrivals.next, reader.roomAgain.await)
    ),
    awaited: () => false,
    acknowledge: ended("done"),
    drop: ended("waiting"),
    readAgain: (key) => reader.readAgain(key),
    hold: holdEntry(parts, reader),
    leases: undefined
  }
})
