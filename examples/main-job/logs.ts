/**
 * Writes the library's errors as one line each.
 *
 * The default logger would write across the progress that is drawn on the same terminal.
 * Warnings are left out, because every dead letter is one, and this program plants and counts hundreds of them.
 */
import { Cause, Layer, Logger, References } from "effect"

export const layer = (write: (line: string) => void): Layer.Layer<never> =>
  Layer.merge(
    Logger.layer([
      Logger.make<unknown, void>(({ cause, logLevel, message }) => {
        const parts = (Array.isArray(message) ? message : [message]).map(String)
        const why = cause.reasons.length === 0 ? [] : [Cause.pretty(cause).split("\n")[0] ?? ""]
        write(`${logLevel.toLowerCase()}: ${[...parts, ...why].join(" ")}`)
      })
    ]),
    Layer.succeed(References.MinimumLogLevel, "Error")
  )
