/**
 * What people do, on its way to the store: an act without a name is refused here, for every engine, before anything is asked of it.
 * What was done is counted.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Action } from "./Audit.ts"
import { InvalidAct } from "./Errors.ts"
import * as Message from "./Message.ts"
import { type Act, Store } from "./Store.ts"
import * as Telemetry from "./Telemetry.ts"

/** Bytes of what the audit keeps. */
const limits = { by: 512, note: 4096 }

/** The audit has to say who it was. */
export const checked = ({ by, note = "" }: Act): Effect.Effect<void, InvalidAct> => {
  const who = Message.textProblem(by.trim() === "" ? "" : by, limits.by)
  if (who !== undefined) return Effect.fail(new InvalidAct({ field: "by", problem: who }))
  const why = note === "" ? undefined : Message.textProblem(note, limits.note)
  return why === undefined ? Effect.void : Effect.fail(new InvalidAct({ field: "note", problem: why }))
}

/** One act of a person, and its count. */
export const done = <E>(
  act: Act,
  action: Action,
  f: (store: Store["Service"]) => Effect.Effect<void, E>
): Effect.Effect<void, E | InvalidAct, Store> =>
  Effect.andThen(checked(act), Store.use((store) => Effect.tap(f(store), Telemetry.decided(action))))
