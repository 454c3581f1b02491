/** Redrive runs by the command line, on Postgres: preview, start, progress, detaching, exit codes and operators. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Audit, DeadLetters, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import { broken, counts, operations, quick, reaches, runOf, settled } from "../ops/redriveKit.ts"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { documentOf, millrace, type Surroundings } from "./commandLine.ts"

const schema = freshSchema()
const url = inject("databaseUrl")
const cli = (args: ReadonlyArray<string>, around: Surroundings = {}) =>
  millrace([...args, "--schema", schema], { ...around, env: { DATABASE_URL: url, ...around.env } })

const open = (consumer: string) =>
  Effect.map(DeadLetters.list({ consumer, state: "open", limit: 100 }), ({ length }) => length)

/** The runs of a consumer, newest first. */
const runsOf = (consumer: string) => Effect.flatMap(operations, (ops) => ops.redriveRuns({ consumer }))

const short = (id: string) => String(Number(id))

const engine = Operations.layer({ schema }).pipe(Layer.provideMerge(postgres(url, {}, schema)))
layer(engine, { excludeTestServices: true, timeout: 120_000 })("a redrive by the command line", (it) => {
  it.effect("is previewed, and nothing is started", () =>
    Effect.gen(function*() {
      yield* broken("previewed", 3)
      const dry = yield* cli(["dead", "redrive", "--consumer", "previewed", "--dry-run", "--ask"])
      assert.match(
        dry.stdout,
        /^redrive 3 dead letters of previewed, up to #\d+\. Those that die from now on are not touched\.\n/
      )
      assert.match(dry.stdout, /\nkeys +3, and 0 of them are parked\ndied +\d.*Z to \d.*Z, on 1\.4\.2\nruns now +-\n/)
      assert.match(dry.stdout, /\nrate +1\.0\/s\nstages +1, 10, rest; waits for you after the first\n/)
      assert.match(dry.stdout, /\nstops itself +3 in a row, or 5 of the last 20, that fail again\n/)
      assert.include(dry.stdout, "\n! 3 of 3 keys are not parked.")
      assert.include(dry.stdout, "\n! No worker of this consumer lives")
      const chosen = ["--rate", "50", "--stages", "2,20", "--stop-after", "2/4of20"]
      const { data } = documentOf(
        yield* cli(["dead", "redrive", "--consumer", "previewed", ...chosen, "--dry-run", "--json"])
      )
      assert.deepInclude(data, {
        dryRun: true,
        consumer: "previewed",
        deadLetters: { value: 3, kind: "exact" },
        keys: 3,
        parkedKeys: 0,
        diedOn: ["1.4.2"],
        rate: 50,
        stages: [2, 20],
        stopRule: { inARow: 2, ofLast20: 4 }
      })
      assert.deepStrictEqual(yield* runsOf("previewed"), [])
      assert.strictEqual(yield* open("previewed"), 3)
    }))

  it.effect("starts a run that needs no terminal, prints its id, and has one run at a time", () =>
    Effect.gen(function*() {
      yield* broken("started", 3)
      const args = ["dead", "redrive", "--consumer", "started"]
      assert.strictEqual((yield* cli(args)).code, 6)
      assert.strictEqual((yield* cli(args, { terminal: { types: ["n"] } })).code, 6)
      assert.deepStrictEqual(yield* runsOf("started"), [])
      const done = yield* cli([...args, "--rate", "7", "--yes", "--note", "INC-812"])
      const [run] = yield* runsOf("started")
      const number = short(run!.id)
      assert.deepStrictEqual([done.code, done.stdout], [0, `started run ${number} for 3 dead letters of started.\n`])
      assert.include(done.stderr, `next: millrace runs show ${number} --wait`)
      assert.deepInclude(run, { state: "running", rate: 7, startedBy: "anna", note: "INC-812", redriven: 0 })
      const second = yield* cli([...args, "--yes", "--json"])
      assert.deepStrictEqual([second.code, second.stdout], [5, ""])
      assert.deepInclude(JSON.parse(second.stderr), {
        type: "/problems/redrive-running",
        redriveRunId: run!.id,
        by: "anna"
      })
      const listed = yield* cli(["runs", "list", "--consumer", "started", "--open"])
      assert.match(
        listed.stdout,
        new RegExp(`\\n *${number} +started +running +3 +0 +0 +0 +0 +0 +3 .* anna +INC-812\\n`)
      )
      const shown = yield* cli(["runs", "show", number])
      assert.match(shown.stdout, /\nstate +running, stage 1 of 3\nset +3, up to #\d+: consumer=started\n/)
      assert.deepInclude(documentOf(yield* cli(["runs", "show", run!.id, "--json"])).data, { id: run!.id, rate: 7 })
    }))

  it.effect("is followed until it has finished, with a bar on a terminal and lines elsewhere", () =>
    Effect.gen(function*() {
      const args = ["dead", "redrive", "--rate", "200", "--wait", "--consumer"]
      const first = yield* broken("bar", 13)
      const second = yield* broken("lines", 13)
      yield* Effect.scoped(Effect.gen(function*() {
        for (const { pipeline } of [first, second]) yield* Layer.build(Worker.layer(pipeline, quick))
        const bar = yield* cli([...args, "bar"], { terminal: { types: ["y"] } })
        const [run] = yield* runsOf("bar")
        const number = short(run!.id)
        assert.strictEqual(bar.code, 0, bar.stderr)
        assert.strictEqual(
          bar.stdout.replaceAll(/\u001b\[\d+m/g, ""),
          `run ${number} of bar finished. Redriven 13 of 13: committed 13, again dead 0, waiting 0. Untouched 0.\n`
        )
        assert.match(
          bar.stderr,
          /\r\u001b\[K\[#{20}\] run \d+ 13\/13 {2}\d+\/s .*committed 13, again dead 0, waiting 0; finished\n$/
        )
        const lines = yield* cli([...args, "lines", "--yes"])
        assert.strictEqual(lines.code, 0, lines.stderr)
        assert.match(lines.stderr, /\nrun \d+ 13\/13 {2}\d+\/s .*finished\n$/)
        assert.notInclude(lines.stderr, "\r")
      }))
      assert.deepStrictEqual([first.handled.length, second.handled.length], [13, 13])
    }))

  it.effect("ends with code 7 when it has stopped itself, and when some failed again", () =>
    Effect.gen(function*() {
      const stops = yield* broken("stops", 5)
      const some = yield* broken("some", 5)
      stops.downstream.fails = () => true
      // Keys fail in no certain order. The newest dead letter is not the one with which a run starts.
      const [newest] = yield* DeadLetters.list({ consumer: "some", state: "open" })
      some.downstream.fails = (id) => id === newest!.message.id
      yield* Effect.scoped(Effect.gen(function*() {
        for (const { pipeline } of [stops, some]) yield* Layer.build(Worker.layer(pipeline, quick))
        const args = ["dead", "redrive", "--rate", "200", "--yes", "--wait", "--consumer"]
        const stopped = yield* cli([...args, "stops"])
        assert.strictEqual(stopped.code, 7, stopped.stderr)
        assert.match(
          stopped.stdout,
          /^run \d+ of stops stopped itself: Every message of stage 1 failed again with Declined@/
        )
        assert.match(stopped.stderr, /\nThen: millrace runs continue \d+, or millrace runs cancel \d+\n$/)
        assert.strictEqual((yield* runsOf("stops"))[0]!.untouched.value, 4)
        const failed = yield* cli([...args, "some", "--json"])
        assert.strictEqual(failed.code, 7, failed.stderr)
        assert.deepInclude(documentOf(failed).data, { state: "finished", committed: 4, failedAgain: 1 })
        assert.deepInclude(JSON.parse(failed.stderr), { type: "/problems/failed-again", failedAgain: 1, exitCode: 7 })
      }))
    }))

  it.effect("asks after the first message on a terminal, and waits for an operator elsewhere", () =>
    Effect.gen(function*() {
      const yes = yield* broken("yes", 5)
      const no = yield* broken("no", 5)
      const away = yield* broken("away", 5)
      yield* Effect.scoped(Effect.gen(function*() {
        for (const { pipeline } of [yes, no, away]) yield* Layer.build(Worker.layer(pipeline, quick))
        const args = ["dead", "redrive", "--rate", "200", "--ask", "--wait", "--consumer"]
        const agreed = yield* cli([...args, "yes"], { terminal: { types: ["y", "y"] } })
        assert.strictEqual(agreed.code, 0, agreed.stderr)
        assert.include(agreed.stderr, "Continue with the other 4 at 200/s? [y/N] ")
        assert.include(agreed.stdout, "finished. Redriven 5 of 5: committed 5,")
        const declined = yield* cli([...args, "no"], { terminal: { types: ["y", "n"] } })
        const unattended = yield* cli([...args, "away", "--yes"])
        for (const [consumer, { code, stderr, stdout }] of [["no", declined], ["away", unattended]] as const) {
          assert.strictEqual(code, 0, stderr)
          assert.include(stdout, "waiting for an operator after its first stage. Redriven 1 of 5: committed 1,")
          assert.match(stderr, /next: millrace runs continue \d+, or millrace runs cancel \d+\n$/)
          assert.deepInclude((yield* runsOf(consumer))[0], { state: "waiting", redriven: 1 })
        }
      }))
    }))

  it.effect("continues when its terminal is interrupted, which says the id", () =>
    Effect.gen(function*() {
      const { pipeline } = yield* broken("detached", 4)
      const services = yield* Effect.context<Operations.Operations>()
      const begun = eventually(Effect.map(runsOf("detached"), ([run]) => run?.state === "running")).pipe(
        Effect.provideContext(services),
        Effect.orDie
      )
      const args = ["dead", "redrive", "--consumer", "detached", "--rate", "200", "--yes", "--wait"]
      const { stderr, stdout } = yield* cli(args, { interruptedAfter: begun })
      const [run] = yield* runsOf("detached")
      const number = short(run!.id)
      assert.strictEqual(stdout, "")
      assert.include(
        stderr,
        `\nRun ${number} continues without this terminal. Look at it: millrace runs show ${number}\n`
      )
      assert.deepInclude(run, { state: "running", redriven: 0 })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        const again = yield* cli(["runs", "show", number, "--wait"])
        assert.deepStrictEqual([again.code, again.stdout.includes("committed 4,")], [0, true], again.stderr)
      }))
    }))

  it.effect("is paused, continued, given another rate and cancelled, each in the audit", () =>
    Effect.gen(function*() {
      const { pipeline } = yield* broken("changed", 5)
      yield* cli(["dead", "redrive", "--consumer", "changed", "--yes"])
      const [{ id } = { id: "" }] = yield* runsOf("changed")
      const number = short(id)
      const on = (verb: string, ...more: ReadonlyArray<string>) => cli(["runs", verb, number, ...more])
      assert.deepStrictEqual(
        [(yield* on("continue", "--yes")).code, (yield* on("continue", "--dry-run")).code],
        [5, 5]
      )
      assert.strictEqual((yield* on("pause", "--dry-run")).stdout, `Would have paused: run ${number} of changed.\n`)
      assert.strictEqual((yield* runOf(id)).state, "running")
      assert.strictEqual((yield* on("pause", "--note", "INC-1")).stdout, `paused: run ${number} of changed.\n`)
      const twice = yield* on("pause", "--json")
      assert.deepStrictEqual([twice.code, JSON.parse(twice.stderr).by], [5, "anna"])
      assert.strictEqual((yield* on("rate", "33")).stdout, `given another rate: run ${number} of changed, 33/s.\n`)
      assert.strictEqual((yield* on("rate", "0")).code, 2)
      assert.strictEqual((yield* on("continue")).code, 6)
      assert.strictEqual((yield* on("continue", "--dry-run", "--yes")).code, 0)
      assert.deepInclude(yield* runOf(id), { state: "paused", rate: 33 })
      assert.strictEqual((yield* on("continue", "--yes", "--by", "ben", "--rate", "0.01")).code, 0)
      assert.deepInclude(yield* runOf(id), { state: "running", rate: 0.01, changedBy: "ben" })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        yield* settled(id)
        yield* eventually(Effect.map(runOf(id), ({ committed }) => committed === 1))
        assert.match((yield* on("cancel", "--note", "INC-2")).stdout, /^cancelled: run/)
      }))
      assert.deepStrictEqual(counts(yield* reaches(id, "cancelled")), {
        redriven: 1,
        committed: 1,
        duplicate: 0,
        failedAgain: 0,
        untouched: 4
      })
      const waited = yield* on("show", "--wait")
      assert.deepStrictEqual([waited.code, waited.stderr.includes("was cancelled by anna")], [5, true])
      const audit = (yield* Audit.list({ redriveRunId: id })).filter(({ deadLetterId }) => deadLetterId === "")
      assert.deepStrictEqual(audit.map(({ action, by }) => `${action} ${by}`), [
        "cancelled anna",
        "continued ben",
        "rateChanged anna",
        "paused anna",
        "started anna"
      ])
    }))

  it.effect("refuses what is unknown, ambiguous or out of range, and starts nothing", () =>
    Effect.gen(function*() {
      yield* broken("one", 2)
      yield* broken("other", 2)
      const both = yield* cli(["dead", "redrive", "--error", "Declined", "--since", "1h", "--yes"])
      assert.deepStrictEqual([both.code, both.stdout], [2, ""])
      assert.match(both.stderr, /dead letters of .*one.* match\. Pass --consumer\./)
      const consumer = ["dead", "redrive", "--consumer", "one", "--yes"]
      for (
        const wrong of [["--rate", "0"], ["--stages", "1,x"], ["--stages", "0"], ["--stop-after", "3"], [
          "--stop-after",
          "21/5of20"
        ]]
      ) assert.strictEqual((yield* cli([...consumer, ...wrong])).code, 2, wrong.join(" "))
      assert.strictEqual((yield* cli([...consumer, "--failure", "Nope@x"])).code, 3)
      const [deadLetter] = yield* DeadLetters.list({ consumer: "one" })
      assert.strictEqual((yield* cli(["dead", "redrive", deadLetter!.id, "--wait"])).code, 2)
      for (const verb of ["show", "pause", "continue", "cancel"]) {
        for (const id of ["999999999", "abc"]) assert.strictEqual((yield* cli(["runs", verb, id])).code, 3, verb)
      }
      assert.strictEqual((yield* cli(["runs", "list", "--consumer", "on"])).code, 3)
      assert.deepStrictEqual(yield* runsOf("one"), [])
      assert.strictEqual(yield* open("one"), 2)
    }))
})
