/**
 * `millrace roles`: prints the rights that each kind of process needs where it must not create tables.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Grants from "../../postgres/sql/grants.ts"
import * as Names from "../../postgres/sql/names.ts"
import { usage } from "../frame/CliFailure.ts"
import { schemaName } from "../frame/Connect.ts"
import * as Options from "../look/Options.ts"
import { emitScript } from "./MigrateCommand.ts"

const kind = Flag.Literals("kind", Grants.kinds).pipe(
  Flag.withDescription("Only this kind of role. Default: all kinds"),
  Flag.optional
)

export const roles = Command.make(
  "roles",
  {
    sql: Options.toggle("sql", "Print the SQL, and connect to nothing"),
    kind,
    to: Options.text("to", "role", "Grant the rights of one kind to this role, which exists already")
  },
  ({ kind, sql, to }) =>
    Effect.gen(function*() {
      if (!sql) return yield* usage("This command changes nothing: it prints the SQL for a review. Pass --sql.")
      if (Option.isSome(to) && Option.isNone(kind)) return yield* usage("--to needs the kind of the role: pass --kind.")
      const names = yield* Effect.fromResult(Names.make(yield* schemaName))
      const kinds = Option.match(kind, { onNone: () => Grants.kinds, onSome: (one) => [one] })
      yield* emitScript(kinds.flatMap((one) => {
        const role = Option.getOrElse(to, () => `${names.raw}_${one}`)
        return [...(Option.isSome(to) ? [] : [Grants.create(role)]), ...Grants.make(names, one, role)]
      }))
    })
).pipe(
  Command.withDescription("Print the grants for viewers, publishers, workers and operators (`migrate: \"check\"`)")
)
