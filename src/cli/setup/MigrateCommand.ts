/**
 * `millrace migrate`: creates and updates Millrace's tables, before any worker exists.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Migrations from "../../postgres/migrations/index.ts"
import * as Names from "../../postgres/sql/names.ts"
import { layer, needsDatabase, schemaName } from "../frame/Connect.ts"
import { DataDir } from "../frame/GlobalSettings.ts"
import * as Options from "../look/Options.ts"
import { dryRun } from "../operate/DecideCommands.ts"
import * as Output from "../output/Output.ts"

/** Returns the version of the schema. It is below the needed one if the schema must be migrated. */
const found = Effect.void.pipe(
  Effect.provide(layer("check")),
  Effect.as<number>(Migrations.current.version),
  Effect.catchTag("SchemaOutdated", (outdated) => Effect.succeed(outdated.found))
)

/** Prints statements as a script for psql. */
export const emitScript = (statements: ReadonlyArray<string>) =>
  Output.emit({
    data: { statements },
    items: statements,
    lines: statements.flatMap((statement) => Output.paragraph(`${statement};\n`))
  })

export const migrate = Command.make(
  "migrate",
  {
    sql: Options.toggle("sql", "Print the SQL for a database without the tables, and connect to nothing"),
    dryRun
  },
  ({ dryRun, sql }) =>
    Effect.gen(function*() {
      const schema = yield* schemaName
      const { version } = Migrations.current
      if (sql) return yield* emitScript(Migrations.script(yield* Effect.fromResult(Names.make(schema))))
      yield* needsDatabase
      // An embedded database is created by the migration, so it has no version before.
      const before = Option.isSome(yield* DataDir) && !dryRun ? undefined : yield* found
      const data = { schema, before, version }
      if (before === version) {
        return yield* Output.emit({
          data: { ...data, migrated: false },
          lines: [Output.line(`Schema ${schema} is at version ${version} already. Nothing was changed.`)]
        })
      }
      if (!dryRun) yield* Effect.provide(Effect.void, layer("auto"))
      yield* Output.emit({
        data: { ...data, migrated: !dryRun },
        lines: [
          Output.line(
            dryRun
              ? `Would migrate schema ${schema} from version ${before} to ${version}. See the statements by --sql.`
              : `Schema ${schema} is at version ${version} now.`
          )
        ]
      })
      yield* Output.hint("next: millrace roles --sql   (the rights of processes that must not create tables)")
    })
).pipe(Command.withDescription("Create or update the tables. It needs a role that may create them"))
