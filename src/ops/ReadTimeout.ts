/**
 * The bound of time for the statements of facts. The caller of a fact sets it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

/**
 * How long each statement of a fact may take on the server. Default 5 seconds. The HTTP API sets 2 seconds.
 *
 * ```ts
 * import { Duration, Effect } from "effect"
 * import { Operations, ReadTimeout } from "millrace/ops"
 *
 * const quickly = Effect.flatMap(Operations.Operations, ({ workers }) => workers).pipe(
 *   Effect.provideService(ReadTimeout, Duration.seconds(1))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const ReadTimeout: Context.Reference<Duration.Duration> = Context.Reference<Duration.Duration>(
  "millrace/ReadTimeout",
  { defaultValue: () => Duration.seconds(5) }
)
