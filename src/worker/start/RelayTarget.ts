/** The engine that a relay publishes to, as the relay's worker sees it. A worker of a user's pipeline has none. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { TransportError } from "../../Errors.ts"
import type { FailingSince } from "../observe/FailingSince.ts"

interface Target {
  /** Fails when the engine has failed permanently. Then the worker stops gracefully, and fails with this error. */
  readonly halted: Effect.Effect<never, TransportError>
  /** Returns since when the engine has confirmed nothing, for `Health.ts`. Returns undefined if nothing fails. */
  readonly failing: () => FailingSince | undefined
}

export const RelayTarget: Context.Reference<Target> = Context.Reference<Target>("millrace/worker/RelayTarget", {
  defaultValue: () => ({ halted: Effect.never, failing: () => undefined })
})
