/**
 * What people do, on its way to the store: an act without a name is refused here, for every engine, before anything is asked of it.
 * What was done is counted.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Action } from "../Audit.ts"
import { InvalidOperatorAction } from "../Errors.ts"
import * as Message from "../Message.ts"
import { type OperatorAction, Store } from "../Store.ts"
import * as Telemetry from "../Telemetry.ts"

/** Bytes of what the audit keeps. */
const limits = { by: 512, note: 4096 }

/** The audit has to say who it was. */
export const checked = ({ by, note = "" }: OperatorAction): Effect.Effect<void, InvalidOperatorAction> => {
  const who = Message.textProblem(by.trim() === "" ? "" : by, limits.by)
  if (who !== undefined) return Effect.fail(new InvalidOperatorAction({ field: "by", problem: who }))
  const why = note === "" ? undefined : Message.textProblem(note, limits.note)
  return why === undefined ? Effect.void : Effect.fail(new InvalidOperatorAction({ field: "note", problem: why }))
}

/** Runs one operator action and counts it. */
export const run = <E>(
  action: OperatorAction,
  kind: Action,
  f: (store: Store["Service"]) => Effect.Effect<void, E>
): Effect.Effect<void, E | InvalidOperatorAction, Store> =>
  Effect.andThen(checked(action), Store.use((store) => Effect.tap(f(store), Telemetry.operatorAction(kind))))
