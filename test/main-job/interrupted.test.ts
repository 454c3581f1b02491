/** An interrupted run, and the next start that continues it. */
import { it } from "@effect/vitest"
import { Effect } from "effect"
import { assert, describe } from "vitest"
import { database, folder, patient, reconciled } from "./main-job-kit.ts"
import { run, start } from "./main-job-program.ts"

describe("the main job, interrupted", { concurrent: true }, () => {
  const resumes = Effect.fnUntraced(function*(flags: ReadonlyArray<string>, env: Readonly<Record<string, string>>) {
    const args = ["--messages", "300", "--seed", "5", ...flags]
    const first = yield* start([...args, "--rate", "100"], env)
    yield* first.shows(/applied [1-9]/)
    yield* first.signal("SIGINT")
    assert.equal(yield* first.code, 130, first.output())
    assert.match(first.output(), /Stopped\.[^]*Remaining: .* are not sent yet/)
    assert.match(first.output(), /Start again with the same flags/)
    const second = yield* run(args, env)
    reconciled(second)
    assert.match(second.output, /_r1, continuing an earlier run/)
    return args
  })

  it.live(
    "stops gracefully, says what remains, and continues at the next start, in a folder",
    () =>
      Effect.gen(function*() {
        yield* resumes(["--data", yield* folder], {})
      }),
    patient
  )

  it.live(
    "stops gracefully, says what remains, continues at the next start, and then begins a new run, on Postgres",
    () =>
      Effect.gen(function*() {
        const env = yield* database
        const third = yield* run(yield* resumes([], env), env)
        reconciled(third)
        assert.match(third.output, /_r2\n/)
      }),
    patient
  )

  it.live("ends at once at the second Ctrl-C, and still continues at the next start", () =>
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
      assert.match(second.output, /continuing an earlier run/)
    }), patient)
})
