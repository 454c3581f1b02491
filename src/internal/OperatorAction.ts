/**
 * Checks an operator action for every engine before any request, and counts it after its success.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Action } from "../Audit.ts"
import { InvalidOperatorAction } from "../Errors.ts"
import * as Message from "../Message.ts"
import { type OperatorAction, Store } from "../Store.ts"
import * as Telemetry from "../Telemetry.ts"

/** The most bytes of each field that the audit keeps. */
export const limits = { by: 512, note: 4096 }

/** Checks that the audit can keep the operator's name and note. Fails with `InvalidOperatorAction` if not. */
export const checked = ({ by, note = "" }: OperatorAction): Effect.Effect<void, InvalidOperatorAction> => {
  const badName = Message.textProblem(by.trim() === "" ? "" : by, limits.by)
  if (badName !== undefined) return Effect.fail(new InvalidOperatorAction({ field: "by", problem: badName }))
  const badNote = note === "" ? undefined : Message.textProblem(note, limits.note)
  return badNote === undefined
    ? Effect.void
    : Effect.fail(new InvalidOperatorAction({ field: "note", problem: badNote }))
}

/** Runs one operator action and counts it. */
export const run = <A, E>(
  action: OperatorAction,
  kind: Action,
  f: (store: Store["Service"]) => Effect.Effect<A, E>
): Effect.Effect<A, E | InvalidOperatorAction, Store> =>
  Effect.andThen(checked(action), Store.use((store) => Effect.tap(f(store), Telemetry.operatorAction(kind))))
