/** The main job as a new user meets it: started as a process, killed, and given wrong flags. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { assert, describe } from "vitest"
import { anyServer, redisRuns } from "../redis/redisServer.ts"
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

const onRedis = await redisRuns("the main job on Redis Streams")

describe("the main job on a broker", () => {
  const killed = ["--messages", "400", "--seed", "48", "--workers", "2", "--kill", "--rate", "60"]

  it.live("reconciles on a FIFO queue of SQS", () =>
    Effect.gen(function*() {
      reconciled(yield* run(["--messages", "200", "--seed", "7", "--transport", "sqs"], yield* database))
    }), patient)

  it.live("reconciles on SQS although its worker processes are killed", () =>
    Effect.gen(function*() {
      const end = yield* run([...killed, "--transport", "sqs"], yield* database)
      reconciled(end)
      assert.match(end.output, /is killed; another one takes its place/)
    }), patient)

  it.live.runIf(onRedis)("reconciles on a log of Redis Streams", () =>
    Effect.gen(function*() {
      const REDIS_URL = (yield* anyServer)!
      reconciled(
        yield* run(["--messages", "200", "--seed", "7", "--transport", "redis"], { ...yield* database, REDIS_URL })
      )
    }), patient)

  it.live.runIf(onRedis)("reconciles on Redis although its worker processes are killed", () =>
    Effect.gen(function*() {
      const REDIS_URL = (yield* anyServer)!
      const end = yield* run([...killed, "--transport", "redis"], { ...yield* database, REDIS_URL })
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
  it.live(
    "says that Redis needs an address",
    () => refused(["--messages", "10", "--transport", "redis"], /set REDIS_URL=redis/, { REDIS_URL: "" }),
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
