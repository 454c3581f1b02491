/**
 * `millrace doctor`: checks the database, the rights of this role and the queues, each with a remedy.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { CliFailure } from "../frame/CliFailure.ts"
import { connectedToDatabase } from "../frame/Connect.ts"
import { DataDir } from "../frame/GlobalSettings.ts"
import * as Output from "../output/Output.ts"
import type { Style } from "../output/Table.ts"
import * as Checkup from "./Checkup.ts"

const styles: Readonly<Record<Checkup.Check["state"], Style>> = { ok: "green", warn: "yellow", fail: "red" }

export const doctor = Command.make("doctor", {}, () =>
  Effect.gen(function*() {
    const embedded = Option.isSome(yield* DataDir)
    const checks = yield* connectedToDatabase(Checkup.all(embedded))
    yield* Output.emit({
      data: checks,
      lines: checks.flatMap(({ check, found, remedy, state }) => [
        Output.line(Output.styled(styles[state], state.padEnd(5)), `${check}: ${found}`),
        ...(remedy === "" ? [] : [Output.line(`      ${remedy}`)])
      ])
    })
    const failed = checks.filter(({ state }) => state === "fail")
    if (failed.length === 0) return
    return yield* new CliFailure({
      reason: "checkFailed",
      type: "check-failed",
      message: `Failed: ${failed.map(({ check }) => check).join(", ")}.`,
      fields: { failed: failed.map(({ check }) => check) }
    })
  })).pipe(
    Command.withDescription("Check server, settings, rights and queues, each with a remedy. Exit code 8 if one fails")
  )
