/** The main job as a new user meets it: started as a process, killed, and given wrong flags. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { assert, describe } from "vitest"
import { database, patient, reconciled } from "./main-job-kit.ts"
import { run } from "./main-job-program.ts"

describe("the main job", { concurrent: true }, () => {
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

describe("the main job, with wrong flags", { concurrent: true }, () => {
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
