/**
 * The result of one health check.
 *
 * @since 0.1.0
 */
/**
 * The status of a check, from good to bad. `down`: no message can be processed. `degraded`: an operator should look.
 *
 * @since 0.1.0
 */
export type Status = "ok" | "degraded" | "down"

/**
 * The result of one check, with a sentence for the operator.
 *
 * @since 0.1.0
 */
export interface Check {
  readonly status: Status
  /** A sentence with the finding, and with advice if the status is not `ok`. Its text may change between versions. */
  readonly reason: string
}
