// The commands of the runbook exist. Its SQL runs as it stands there, on Postgres and on PGlite.
import { assert, it, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Topic, Worker } from "millrace"
import { Artefacts } from "millrace/ops"
import { readFileSync } from "node:fs"
import { inject } from "vitest"
import { millrace } from "../cli/commandLine.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"

const page = readFileSync(Artefacts.paths.runbook, "utf8")

/** Each statement of the page, with the heading above it. */
const statements = page.split(/^## /m).slice(1).flatMap((section) =>
  [...section.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].flatMap(([, sql = ""]) =>
    sql.split(";").map((statement) => statement.trim()).filter((statement) => statement !== "")
      .map((statement) => [section.split("\n")[0]!, statement] as const)
  )
)

/** Each command of the page and of the alerts, as its arguments. */
const commands = new Set(
  [
    ...[...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, sh = ""]) => sh.split("\n")),
    ...[...page.matchAll(/`(millrace [^`]+)`/g)].map(([, command = ""]) => command),
    ...[...readFileSync(Artefacts.paths.prometheus, "utf8").matchAll(/cli: "(.*)"/g)].map(([, command = ""]) => command)
  ].map((line) => line.replace(/\s+#.*/, "").replace(/\{\{.*?\}\}/, "ledger")).filter((line) => line !== "")
)

it.effect("the commands of the runbook and of the alerts are those of the command line", () =>
  Effect.gen(function*() {
    assert.isAbove(commands.size, 20)
    for (const command of commands) {
      const args = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!).slice(1)
      const { stderr } = yield* millrace(args)
      // A command that is parsed looks for its database next. Any other refusal means that it cannot be run.
      assert.match(stderr, /^DATABASE_URL should be/, command)
    }
  }))

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String }),
  key: ({ account }) => account,
  id: ({ id }) => id
})
const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.tap(() => Effect.fail({ _tag: "Declined", retryable: false })),
  Pipeline.deadLetter({ order: "park" })
)

const schema = freshSchema()
const engines = [
  ["postgres", postgres(inject("databaseUrl"), {}, schema)],
  ["pglite", pglite({ schema })]
] as const

for (const [engine, services] of engines) {
  layer(services as ReturnType<typeof pglite>, { excludeTestServices: true, timeout: 60_000 })(
    `the runbook on ${engine}`,
    (it) => {
      it.effect("has SQL that runs, and that shows the consumer and its parked key", () =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          yield* Worker.drain(ledger)
          yield* Topic.publishAll(Payments, [{ id: "p1", account: "acct-77" }, { id: "p2", account: "acct-77" }])
          yield* Worker.drain(ledger)
          assert.isAbove(statements.length, 10)
          const rows = new Map<string, ReadonlyArray<unknown>>()
          for (const [alert, statement] of statements) {
            rows.set(alert, yield* sql.unsafe(statement.replaceAll("millrace.", `"${schema}".`)))
          }
          for (const alert of ["MillraceDeadLettersRising", "MillraceKeyParked", "MillraceWorkerCrashLoop"]) {
            assert.isAbove(rows.get(alert)!.length, 0, alert)
          }
          const [deadLetter] = yield* DeadLetters.list({ consumer: "ledger" })
          assert.deepInclude(rows.get("MillraceKeyParked")![0], { key: "acct-77", waiting: 1 })
          assert.deepInclude(rows.get("MillraceKeyParked")![0], { tag: deadLetter!.tag })
        }))
    }
  )
}
