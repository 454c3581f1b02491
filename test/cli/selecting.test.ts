/** The command line selects dead letters by searches and `--all`, waiting messages by state, and the audit by time. */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer } from "effect"
import { DeadLetters, Pipeline, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { documentOf, type Ended, ledger, millrace } from "./commandLine.ts"

const schema = freshSchema()
const url = inject("databaseUrl")
const cli = (...args: ReadonlyArray<string>) => millrace([...args, "--schema", schema], { env: { DATABASE_URL: url } })

/** A consumer with dead letters of these accounts, which begin with "bad". */
const failed = Effect.fnUntraced(function*(name: string, ...ids: ReadonlyArray<string>) {
  const made = ledger(name, "continue")
  yield* made.drain()
  yield* made.publish(...ids)
  yield* made.drain()
  return made
})

const messagesOf = (ended: Ended): ReadonlyArray<string> =>
  documentOf(ended).data.map(({ id, message }: any) => message?.id ?? id)

const states = (consumer: string) =>
  Effect.map(DeadLetters.list({ consumer, limit: 100 }), (all) => all.map(({ state }) => state).toSorted())

const engine = Operations.layer({ schema }).pipe(Layer.provideMerge(postgres(url, {}, schema)))
layer(engine, { excludeTestServices: true, timeout: 120_000 })("a command selects", (it) => {
  it.effect("dead letters by text, by version and by a value in the payload", () =>
    Effect.gen(function*() {
      yield* failed("texts", "badapple1", "badpear1", "badpear2")
      const list = (...args: ReadonlyArray<string>) => cli("dead", "list", "--consumer", "texts", ...args, "--json")
      assert.deepStrictEqual(messagesOf(yield* list("--text", "PEAR")), ["texts-badpear2", "texts-badpear1"])
      assert.deepStrictEqual(messagesOf(yield* list("--value", "id:texts-badapple1")), ["texts-badapple1"])
      assert.lengthOf(messagesOf(yield* list("--died-on", "1.4.2")), 3)
      assert.lengthOf(messagesOf(yield* list("--died-on", "1.4.3")), 0)
      const said = yield* cli("dead", "list", "--consumer", "texts", "--text", "pear")
      assert.include(said.stderr, "The search looked at 3 dead letters.")
      const exported = yield* cli("dead", "export", "--consumer", "texts", "--text", "apple")
      assert.strictEqual(JSON.parse(exported.stdout).message.id, "texts-badapple1")
      assert.deepStrictEqual((yield* list("--value", "none")).code, 2)
    }))

  it.effect("failure groups by a search, which have only the dead letters that match", () =>
    Effect.gen(function*() {
      yield* failed("grouped", "badapple1", "badpear1", "badpear2")
      const groups = (...args: ReadonlyArray<string>) => cli("dead", "groups", "--consumer", "grouped", ...args)
      const groupsOf = (...args: ReadonlyArray<string>) =>
        Effect.map(groups(...args, "--json"), (ended) => documentOf(ended).data as ReadonlyArray<any>)
      const [whole] = yield* groupsOf()
      assert.strictEqual(whole.deadLetters.value, 3)
      const [pears, ...others] = yield* groupsOf("--text", "PEAR")
      assert.deepStrictEqual([pears.deadLetters, others], [{ value: 2, kind: "exact" }, []])
      // Without those that do not match, it is the group that it was.
      const { deadLetters: _, firstAt, recent, ...rest } = pears
      const { deadLetters: __, firstAt: first, recent: ___, ...same } = whole
      assert.deepStrictEqual(rest, same)
      assert.isAtLeast(firstAt, first)
      assert.strictEqual(recent.reduce((sum: number, n: number) => sum + n, 0), 2)
      for (
        const [flags, n] of [
          [["--key", "badapple"], 1],
          [["--message", "grouped-badpear2"], 1],
          [["--topic", "payments-grouped", "--error", "Declined", "--reason", "rejected"], 3],
          [["--value", "id:grouped-badapple1", "--died-on", "1.4.2"], 1],
          [["--text", "pear", "--since", "1h", "--failure", whole.fingerprint], 2]
        ] as const
      ) {
        assert.deepStrictEqual(
          (yield* groupsOf(...flags)).map(({ deadLetters }) => deadLetters.value),
          [n],
          flags.join(" ")
        )
      }
      for (const flags of [["--reason", "crashed"], ["--topic", "t"], ["--died-on", "1.4.3"], ["--until", "1h"]]) {
        assert.strictEqual((yield* groups(...flags)).stdout, "No open dead letter matches.\n", flags.join(" "))
      }
      assert.deepStrictEqual((yield* groups("--text", "pear")).stderr, "")
      const none = yield* groups("--text", "plum", "--failure", whole.fingerprint)
      assert.deepStrictEqual([none.code, none.stdout], [3, ""])
      assert.include(none.stderr, "text=plum")
      assert.deepStrictEqual((yield* groups("--value", "none")).code, 2)
    }))

  it.effect("dead letters by a search, and decides about each of them and nothing else", () =>
    Effect.gen(function*() {
      yield* failed("found", "badapple1", "badpear1", "badpear2")
      const search = ["--consumer", "found", "--text", "pear"]
      const dry = yield* cli("dead", "redrive", ...search, "--dry-run")
      assert.match(dry.stdout, /^Would redrive 2 dead letters:\n/)
      assert.strictEqual((yield* cli("dead", "redrive", ...search, "--wait")).code, 2)
      assert.strictEqual((yield* cli("dead", "discard", ...search)).code, 6)
      assert.deepStrictEqual(yield* states("found"), ["open", "open", "open"])
      const done = yield* cli("dead", "discard", ...search, "--yes", "--json")
      assert.strictEqual(documentOf(done).data.done, 2)
      assert.deepStrictEqual(yield* states("found"), ["discarded", "discarded", "open"])
      const none = yield* cli("dead", "discard", ...search, "--yes")
      assert.deepStrictEqual([none.code, none.stdout], [3, ""])
      assert.include(none.stderr, "text=pear")
    }))

  it.effect("pages of dead letters, one after another or all of them", () =>
    Effect.gen(function*() {
      yield* failed("paged", "bad1", "bad2", "bad3")
      const list = (...args: ReadonlyArray<string>) => cli("dead", "list", "--consumer", "paged", ...args, "--json")
      const first = yield* list("--limit", "2")
      const { next } = JSON.parse(first.stdout)
      const second = yield* list("--limit", "2", "--cursor", next)
      const all = messagesOf(yield* list("--limit", "2", "--all"))
      assert.deepStrictEqual(all, [...messagesOf(first), ...messagesOf(second)])
      assert.lengthOf(all, 3)
      assert.notProperty(JSON.parse(second.stdout), "next")
    }))

  it.effect("everything by --all only, which excludes ids and filters", () =>
    Effect.gen(function*() {
      yield* failed("everything", "bad1")
      for (const args of [[], ["--all", "--consumer", "everything"], ["--all", "1"]]) {
        assert.strictEqual((yield* cli("dead", "discard", ...args, "--yes")).code, 2, args.join(" "))
      }
      const dry = yield* cli("dead", "discard", "--all", "--dry-run", "--json")
      const open = yield* DeadLetters.list({ state: "open", limit: 100 })
      assert.strictEqual(documentOf(dry).data.deadLetters.count, open.length)
    }))

  it.effect("audit entries by time and by every kind of action", () =>
    Effect.gen(function*() {
      yield* failed("audited", "bad1")
      yield* cli("keys", "pause", "audited", "k")
      const since = (time: string) => cli("audit", "--consumer", "audited", "--since", time, "--json")
      assert.lengthOf(documentOf(yield* since("1h")).data, 1)
      assert.lengthOf(documentOf(yield* since("2999-01-01")).data, 0)
      for (const action of ["advanced", "deadLettered", "started", "rateChanged", "finished", "repaired"]) {
        assert.strictEqual((yield* cli("audit", "--action", action)).code, 0, action)
      }
    }))

  it.effect("waiting messages by their state, page after page", () =>
    Effect.gen(function*() {
      const { drain, name, pipeline, publish } = ledger("states", "park")
      yield* drain()
      yield* publish("slow1", "slow2")
      yield* drain()
      const release = yield* Deferred.make<void>()
      const running = yield* Deferred.make<void>()
      const slow = pipeline({ current: false }).pipe(
        Pipeline.tap(() => Effect.andThen(Deferred.succeed(running, undefined), Deferred.await(release)))
      )
      const worker = yield* Effect.forkChild(Worker.run(slow, { idlePoll: "50 millis" }))
      yield* publish("good1")
      yield* Deferred.await(running)
      const list = (...args: ReadonlyArray<string>) => cli("messages", "list", name, ...args, "--json")
      yield* eventually(Effect.map(list("--state", "in-flight"), (ended) => messagesOf(ended).length === 1))
      assert.deepStrictEqual(messagesOf(yield* list("--state", "in-flight")), ["states-good1"])
      assert.deepStrictEqual(messagesOf(yield* list("--state", "held")), ["states-slow1", "states-slow2"])
      assert.deepStrictEqual(messagesOf(yield* list("--state", "waiting")), [])
      const page = yield* list("--key", "slow", "--limit", "1")
      const { data, next } = JSON.parse(page.stdout)
      assert.deepStrictEqual([data[0].id, data[0].state], ["states-slow1", "held"])
      assert.deepStrictEqual(messagesOf(yield* list("--key", "slow", "--after", next)), ["states-slow2"])
      assert.match((yield* cli("messages", "list", name)).stdout, /\nstates-good1 +payments-states +good +in flight +/)
      assert.strictEqual((yield* list("--after", "x")).code, 2)
      assert.strictEqual((yield* cli("messages", "list", "unknown")).code, 3)
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.interrupt(worker)
    }))

  it.effect("the head of a parked key to skip, and the messages behind it follow", () =>
    Effect.gen(function*() {
      const made = ledger("skipped", "park")
      yield* made.drain()
      yield* made.publish("bad1", "bad2")
      yield* made.drain()
      const dry = yield* cli("keys", "skip", "skipped", "bad", "--dry-run")
      assert.match(dry.stdout, /^Would have discarded #\d+, and key bad of skipped continues/)
      assert.deepStrictEqual(yield* states("skipped"), ["open"])
      const done = yield* cli("keys", "skip", "skipped", "bad", "--note", "broken")
      assert.match(done.stderr, /^To undo it: millrace dead restore \d+\n/)
      yield* made.drain({ current: false })
      assert.deepStrictEqual(yield* states("skipped"), ["discarded"])
      assert.strictEqual((yield* cli("keys", "skip", "skipped", "bad")).code, 3)
    }))

  it.effect("the description of the HTTP API, without a database", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* millrace(["openapi"])
      const { info, paths } = JSON.parse(stdout)
      assert.deepStrictEqual([code, info.title], [0, "Millrace operations"])
      assert.property(paths, "/api/v1/dead-letters/{id}/redrive")
    }))
})
