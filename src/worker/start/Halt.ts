/**
 * Ends a worker from within its pipeline. The relay uses it when the engine that it publishes to has failed
 * permanently.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { TransportError } from "../../Errors.ts"

/** The worker stops gracefully, and then fails with this effect's error. By default the effect never ends. */
export const Halt: Context.Reference<Effect.Effect<never, TransportError>> = Context.Reference<
  Effect.Effect<never, TransportError>
>("millrace/worker/Halt", { defaultValue: () => Effect.never })
