/**
 * `millrace doctor`: checks the database, the rights of this role and the queues, each with a remedy. With `--fix` it
 * repairs what can be repaired without blocking anything.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { checked } from "../../internal/OperatorAction.ts"
import * as PgFailure from "../../postgres/session/PgFailure.ts"
import * as AuditSql from "../../postgres/sql/audit.ts"
import * as Names from "../../postgres/sql/names.ts"
import { CliFailure, usage } from "../frame/CliFailure.ts"
import { connectedToDatabase, schemaName } from "../frame/Connect.ts"
import { DataDir, operator } from "../frame/GlobalSettings.ts"
import * as Options from "../look/Options.ts"
import { confirm } from "../operate/Confirm.ts"
import { dryRun } from "../operate/DecideCommands.ts"
import * as Output from "../output/Output.ts"
import type { Style } from "../output/Table.ts"
import { millisOf } from "../output/Times.ts"
import type { Check } from "./Checks.ts"
import * as Checkup from "./Checkup.ts"
import * as SchemaChecks from "./SchemaChecks.ts"

const styles: Readonly<Record<Check["state"], Style>> = { ok: "green", warn: "yellow", fail: "red" }

const lines = (checks: ReadonlyArray<Check>): ReadonlyArray<Output.OutputLine> =>
  checks.flatMap(({ check, found, remedy, state }) => [
    Output.line(Output.styled(styles[state], state.padEnd(5)), `${check}: ${found}`),
    ...(remedy === "" ? [] : [Output.line(`      ${remedy}`)])
  ])

const repairsOf = (checks: ReadonlyArray<Check>): ReadonlyArray<string> => checks.flatMap(({ repairs = [] }) => repairs)

/**
 * Runs one repair. Its audit entry commits before it, since a repair is in no transaction. So each repair has an entry,
 * and an entry may name a repair that failed.
 */
const repair = Effect.fnUntraced(function*(statement: string) {
  const { by, note = "" } = yield* operator
  yield* checked({ by, note })
  const sql = yield* SqlClient.SqlClient
  const { insert } = AuditSql.make(yield* Effect.fromResult(Names.make(yield* schemaName)))
  yield* Effect.mapError(
    Effect.andThen(sql.unsafe(insert, [by, "repaired", "", "", "", note, statement]), sql.unsafe(statement)),
    PgFailure.storeFailure(`repair the schema (${statement})`)
  )
  yield* Output.aside([Output.line(`done: ${statement}`)])
})

/** Repairs what the checks found, after a confirmation. Returns the checks afterwards. */
const fixed = Effect.fnUntraced(function*(checks: ReadonlyArray<Check>, recheck: ReturnType<typeof Checkup.all>) {
  const repairs = repairsOf(checks)
  if (repairs.length === 0) return checks
  yield* Output.aside(repairs.map((statement) => Output.line(`repair: ${statement}`)))
  yield* confirm(`Run ${repairs.length} repairs? They block neither readers nor writers.`)
  yield* Effect.forEach(repairs, repair, { discard: true })
  return yield* recheck
})

const examine = Effect.fnUntraced(function*(fix: boolean, dry: boolean, window: Checkup.Window) {
  const check = Checkup.all(Option.isSome(yield* DataDir), window)
  const found = yield* check
  if (!fix || !dry) return fix ? yield* fixed(found, check) : found
  yield* Output.aside(repairsOf(found).map((statement) => Output.line(`Would run: ${statement}`)))
  return found
})

/** Returns the deduplication window of the flag. */
const windowOf = (text: string): Effect.Effect<Checkup.Window, CliFailure> => {
  const millis = millisOf(text)
  return millis === undefined || millis === 0
    ? usage(
      `--deduplication-window is ${JSON.stringify(text)}, but it must be a duration above 0 (12h, 30d). `
        + "Nothing was checked."
    )
    : Effect.succeed({ millis, from: "given" })
}

export const doctor = Command.make("doctor", {
  fix: Options.toggle("fix", "Repair indexes, autovacuum settings and dead rows, audited, after a confirmation"),
  window: Options.text(
    "deduplication-window",
    "duration",
    "retention.inbox of the workers, which the database does not record. Default 7d"
  ),
  dryRun
}, ({ dryRun, fix, window }) =>
  Effect.gen(function*() {
    const compared = Option.isNone(window) ? Checkup.defaultWindow : yield* windowOf(window.value)
    const checks = yield* connectedToDatabase(examine(fix, dryRun, compared)).pipe(
      Effect.catchTags({
        SchemaOutdated: (error) => Effect.succeed([SchemaChecks.unusable(error)]),
        SchemaTooNew: (error) => Effect.succeed([SchemaChecks.unusable(error)])
      })
    )
    yield* Output.emit({ data: checks, lines: lines(checks) })
    const failed = checks.filter(({ state }) => state === "fail")
    if (!fix && repairsOf(checks).length > 0) yield* Output.hint("next: millrace doctor --fix --dry-run")
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
