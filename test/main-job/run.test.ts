/** The main job as a stranger meets it: started as a process, stopped, started again, given nonsense. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, inject } from "vitest"
import { freshDatabase } from "../setup/database.ts"
import { run, start } from "./program.ts"

const database = Effect.map(
  Effect.suspend(() => freshDatabase(inject("databaseUrl"))),
  (DATABASE_URL) => ({ DATABASE_URL })
)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "millrace-main-job-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Far more than any of these takes: a machine may have other things to do. */
const patient = 180_000

const reconciled = ({ code, output }: { readonly code: number; readonly output: string }) => {
  assert.equal(code, 0, output)
  assert.match(output, /Reconciled in/)
  assert.notMatch(output, /DIFFERS/)
  assert.notMatch(output, /\u001b/, "no escapes where the output is no terminal")
}

describe("the main job", () => {
  it.live("reconciles a small run on PGlite in memory", () =>
    Effect.gen(function*() {
      reconciled(yield* run(["--messages", "300", "--seed", "7"]))
    }), patient)

  it.live("reconciles a small run on Postgres", () =>
    Effect.gen(function*() {
      reconciled(yield* run(["--messages", "300", "--seed", "7"], yield* database))
    }), patient)

  it.live("reconciles although its worker processes are killed", () =>
    Effect.gen(function*() {
      const end = yield* run(
        ["--messages", "800", "--seed", "46", "--workers", "2", "--kill", "--rate", "130"],
        yield* database
      )
      reconciled(end)
      assert.match(end.output, /is killed; another one takes its place/)
    }), patient)
})

describe("the main job, interrupted", () => {
  const goesOn = Effect.fnUntraced(function*(flags: ReadonlyArray<string>, env: Readonly<Record<string, string>>) {
    const args = ["--messages", "300", "--seed", "5", ...flags]
    const first = yield* start([...args, "--rate", "100"], env)
    yield* first.shows(/applied [1-9]/)
    yield* first.signal("SIGINT")
    assert.equal(yield* first.code, 130, first.output())
    assert.match(first.output(), /Stopped\.[^]*What remains: .* are not sent yet/)
    assert.match(first.output(), /Start again with the same flags/)
    const second = yield* run(args, env)
    reconciled(second)
    assert.match(second.output, /_r1, going on with an earlier run/)
    return args
  })

  it.live("drains, says what remains, and goes on with the next start, in a folder", () =>
    Effect.gen(function*() {
      yield* goesOn(["--data", yield* folder], {})
    }), patient)

  it.live(
    "drains, says what remains, goes on with the next start, and begins anew after that, on Postgres",
    () =>
      Effect.gen(function*() {
        const env = yield* database
        const third = yield* run(yield* goesOn([], env), env)
        reconciled(third)
        assert.match(third.output, /_r2\n/)
      }),
    120_000
  )

  it.live("ends at once at the second Ctrl-C, and goes on all the same", () =>
    Effect.gen(function*() {
      const env = yield* database
      const args = ["--messages", "400", "--seed", "6"]
      const first = yield* start([...args, "--rate", "100"], env)
      yield* first.shows(/applied [1-9]/)
      yield* first.signal("SIGINT")
      yield* first.signal("SIGINT")
      assert.equal(yield* first.code, 130, first.output())
      const second = yield* run(args, env)
      reconciled(second)
      assert.match(second.output, /going on with an earlier run/)
    }), patient)
})

describe("the main job, asked for nonsense", () => {
  const refused = Effect.fnUntraced(function*(
    args: ReadonlyArray<string>,
    says: RegExp,
    env: Readonly<Record<string, string>> = {}
  ) {
    const { code, output } = yield* run(args, env)
    assert.notEqual(code, 0)
    assert.match(output, says)
    assert.notMatch(output, /\n\s+at |node:internal|\.ts:\d/, "no stack")
    assert.isBelow(output.trim().split("\n").length, 8, output)
  })

  it.live("names a flag that does not exist", () => refused(["--mesages", "5"], /--mesages[^]*--messages/), patient)
  it.live("names a value that is no number", () => refused(["--messages", "many"], /--messages: "many"/), patient)
  it.live("names a value that is out of range", () => refused(["--messages", "0"], /from 1 to 1000000, got 0/), patient)
  it.live(
    "says that processes need a database that they can share",
    () => refused(["--workers", "2"], /--workers needs a Postgres.*DATABASE_URL=postgres/),
    patient
  )
  it.live("says that only processes can be killed", () => refused(["--kill"], /--workers 4/), patient)
  it.live(
    "refuses two databases",
    () => refused(["--data", "x"], /--data and DATABASE_URL/, { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" }),
    patient
  )
  it.live(
    "says that the database is down",
    () =>
      refused(["--messages", "10"], /could not start: .*ECONNREFUSED/, {
        DATABASE_URL: "postgres://nobody@127.0.0.1:1/none"
      }),
    patient
  )
})
