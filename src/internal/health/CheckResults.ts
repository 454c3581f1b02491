/**
 * Builds the results of health checks.
 *
 * @since 0.1.0
 */
import type { Check, Status } from "./Check.ts"

export const ok = (reason: string): Check => ({ status: "ok", reason })
export const degraded = (reason: string): Check => ({ status: "degraded", reason })

export const worst = (checks: ReadonlyArray<Check>): Status =>
  checks.some(({ status }) => status === "down")
    ? "down"
    : checks.some(({ status }) => status === "degraded")
    ? "degraded"
    : "ok"
