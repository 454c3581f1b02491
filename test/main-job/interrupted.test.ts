/** What an interrupted run leaves behind, and that the next start goes on with it. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { assert, describe } from "vitest"
import { database, folder, patient, reconciled } from "./main-job-kit.ts"
import { run, start } from "./main-job-program.ts"

describe("the main job, interrupted", { concurrent: true }, () => {
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
    patient
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
