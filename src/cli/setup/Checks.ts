/**
 * One check of `millrace doctor`: what was found, a remedy if it is not right, and the repair if a safe one exists.
 */

export interface Check {
  readonly check: string
  readonly state: "ok" | "warn" | "fail"
  readonly found: string
  /** What to do. Empty if the check is ok. */
  readonly remedy: string
  /** The statements that `doctor --fix` runs. They block neither readers nor writers. */
  readonly repairs?: ReadonlyArray<string> | undefined
}

/** Makes a check that is right. */
export const ok = (check: string, found: string): Check => ({ check, state: "ok", found, remedy: "" })

/** Makes a check that is not right if `bad`. */
export const judge = (
  check: string,
  bad: boolean,
  state: "warn" | "fail",
  found: string,
  remedy: string,
  repairs?: ReadonlyArray<string>
): Check => bad ? { check, state, found, remedy, repairs } : ok(check, found)
